"""Phases as dots on a circle, marked in degrees, with the order parameter as an arrow."""

import numpy as np
import xarray as xr
from manim import VGroup

from scenes import _bezier
from scenes._theme import SMALL, Role, words
from scenes.parts import FIVE, Array, Part, deal, mark


class PhaseCircle(Part):
    """Oscillators' phases `phase` (time, oscillator) and the order parameter r e^{iψ} on a circle.

    0° is at the right, angles grow anticlockwise; the arrow's length is r of the radius. Seen from a frame
    that turns at `turning` rad per unit of time, so that what beats together stands still, and from the phase
    `zero`, which is marked 0°. The dots and the
    arrow can be held back by `dots_there` and `arrow_there`, numbers between 0 and 1.
    """

    def __init__(
        self,
        trajectory: xr.Dataset,
        centre: tuple[float, float],
        radius: float,
        phase: str = "theta",
        turning: float = 0.0,
        zero: float = 0.0,
        roles: tuple[Role, ...] = FIVE,
    ) -> None:
        self.variables = (phase, "r")
        super().__init__(trajectory)
        self.phase, self.turning, self.zero = phase, turning, zero
        self.centre, self.radius = np.array(centre), radius
        self.dots_there = self.arrow_there = 1.0
        self.ring = mark(stroke="muted", width=2)
        self.ring.points = _bezier.discs([centre], radius)
        self.arrow = mark(fill="focus")
        n = trajectory[phase].shape[1]
        self.dots = VGroup(*[mark(fill=roles[i % len(roles)]) for i in range(n)])
        self.add(self.ring, _degrees(self.centre, radius), self.arrow, self.dots)
        self.show(self.t)

    def draw(self, t: float) -> None:
        z = np.exp(1j * (self.at(self.phase, t) - self.turning * t - self.zero))
        deal(_bezier.discs(self._place(z), 0.13), self.dots)
        for dot in self.dots:
            dot.fill_rgbas[:, 3] = self.dots_there * self.presence
        self.arrow.fill_rgbas[:, 3] = self.arrow_there * self.presence
        mean = self.at("r", t) * np.exp(1j * np.angle(z.mean()))
        self.arrow.points = _bezier.arrows(self.centre, self._place(mean), 0.06, 0.24)

    def _place(self, z: Array) -> Array:
        return self.centre + self.radius * np.stack([z.real, z.imag], -1)

    def read(self) -> dict[str, Array]:
        xy = np.array([dot.get_center()[:2] for dot in self.dots]) - self.centre
        tip = np.linalg.norm(self.arrow.points[12, :2] - self.centre) / self.radius
        return {
            self.phase: np.arctan2(xy[:, 1], xy[:, 0]) + self.turning * self.t + self.zero,
            "r": np.array(tip),
        }


def _degrees(centre: Array, radius: float) -> VGroup:
    labels = VGroup()
    for angle, side in ((0, (0.82, -0.09)), (90, (0, 0.26)), (180, (-0.5, -0.09)), (270, (0, -0.46))):
        x, y = centre + radius * np.array([np.cos(np.deg2rad(angle)), np.sin(np.deg2rad(angle))]) + side
        labels.add(words(f"{angle}°" if angle else "0° = 360°", SMALL, "muted").put(x, y))
    return labels
