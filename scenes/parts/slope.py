"""The local slope of a unit: its response curve, where it stands on it, and the tangent there."""

import numpy as np
import xarray as xr

from scenes import _bezier
from scenes.parts import Array, Part, mark
from sims.backprop import sigma, sigma_prime

REACH = 4.0  # the curve is drawn for weighted inputs from -REACH to REACH, or further where z lies


class Slope(Part):
    """One unit's curve a = σ(z), a dot at its z (time, unit), and the tangent there, of slope σ′(z)."""

    def __init__(
        self,
        trajectory: xr.Dataset,
        variable: str,
        unit: int,
        box: tuple[float, float, float, float],
        activation: str = "sigmoid",
        clock: str = "time",
    ) -> None:
        self.variables = (variable,)
        super().__init__(trajectory, clock)
        self.variable, self.unit, self.box, self.activation = variable, unit, box, activation
        self.reach = max(REACH, 1.1 * abs(self.data[variable][..., unit]).max())
        z = np.linspace(-self.reach, self.reach, 61)
        self.low, self.high = float(sigma(z, activation).min()), float(sigma(z, activation).max())
        self.curve, self.tangent = mark(stroke="muted", width=3), mark(stroke="ink", width=3.5)
        self.curve.points = _bezier.polyline(self._place(z, sigma(z, activation)))
        self.dot = mark(fill="focus")
        self.add(self.curve, self.tangent, self.dot)
        self.show(self.t)

    def _place(self, z: Array, a: Array) -> Array:
        left, bottom, width, height = self.box
        x = left + width * (z / self.reach + 1) / 2
        return np.stack(np.broadcast_arrays(x, bottom + height * (a - self.low) / (self.high - self.low)), -1)

    def draw(self, t: float) -> None:
        z = np.array(self.at(self.variable, t)[self.unit])
        a = sigma(z, self.activation)
        here, ahead = self._place(z, a), self._place(z + 1, a + sigma_prime(a, self.activation))
        along = (ahead - here) / np.linalg.norm(ahead - here)
        half = 0.36 * self.box[2]
        self.tangent.points = _bezier.segments([here - half * along], [here + half * along])
        self.dot.points = _bezier.discs(here, 0.055)

    def read(self) -> dict[str, Array]:
        values = np.array(self.at(self.variable, self.t))
        left, _, width, _ = self.box
        values[self.unit] = self.reach * (2 * (self.dot.get_center()[0] - left) / width - 1)
        return {self.variable: values}
