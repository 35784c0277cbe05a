"""What films are built of: marks that write themselves in place from a trajectory, at any time of it."""

from bisect import bisect_right
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import xarray as xr
from manim import VGroup, VMobject
from numpy.typing import NDArray

from scenes._theme import Role, colour

Array = NDArray[np.float64]

FIVE: tuple[Role, ...] = ("state", "updated", "target", "third", "error")  # telling single marks apart


def mark(
    fill: Role | None = None, stroke: Role | None = None, width: float = 2.0, opacity: float = 1.0
) -> VMobject:
    """An empty outline for a part to write points into; filled, stroked or both."""
    shape = VMobject(stroke_width=width if stroke else 0)
    shape.set_fill(colour(fill or "ground"), opacity=opacity if fill else 0)
    shape.set_stroke(
        colour(stroke or "ground"), width=width if stroke else 0, opacity=opacity if stroke else 0
    )
    return shape


def deal(points: Array, marks: Sequence[VMobject]) -> None:
    """Write outlines drawn in one go into their marks, to each an equal share of the points."""
    for shape, own in zip(marks, points.reshape(len(marks), -1, 3), strict=True):
        shape.points = own


class Part(VGroup):
    """A group of marks that stands for a trajectory at one instant of its clock.

    A subclass names the variables it reads in `variables`, writes its marks in `draw(t)`, a pure function of
    t, and turns its marks' positions back into data in `read()`, so that a test can hold it to the truth.
    """

    variables: ClassVar[tuple[str, ...]] = ()
    precision = 1e-6  # how exactly the marks can be read

    def __init__(self, trajectory: xr.Dataset, clock: str = "time") -> None:
        super().__init__()
        self.trajectory = trajectory
        self.clock = clock
        self.instants = trajectory[clock].values.astype(float) if clock in trajectory.coords else np.zeros(1)
        self._clock: list[float] = self.instants.tolist()  # plain numbers, quicker one at a time
        self.data: dict[str, Array] = {name: trajectory[name].values for name in self.variables}
        self.t = float(self.instants[0])
        self.presence = 1.0  # every opacity is multiplied by it: 0 is not there, DIM steps back

    def at(self, name: str, t: float) -> Any:
        """The variable at time t, on the straight line between its recorded instants."""
        values, clock = self.data[name], self._clock
        if len(clock) == 1:
            return values[0]
        i = min(max(bisect_right(clock, t) - 1, 0), len(clock) - 2)
        share = min(max((t - clock[i]) / (clock[i + 1] - clock[i]), 0.0), 1.0)
        return values[i] * (1 - share) + values[i + 1] * share

    def all_at(self, name: str, t: Array) -> Array:
        """The same at several times."""
        values, clock = self.data[name], self.instants
        if len(clock) == 1:
            return np.stack([values[0]] * len(t))
        i = np.clip(clock.searchsorted(t, side="right") - 1, 0, len(clock) - 2)
        share = np.clip((t - clock[i]) / (clock[i + 1] - clock[i]), 0.0, 1.0)
        share = share.reshape(-1, *[1] * (values.ndim - 1))
        return np.asarray(values[i] * (1 - share) + values[i + 1] * share)

    def nearest(self, name: str, t: float) -> Any:
        """The variable at the recorded instant nearest to t, for what must not be blended."""
        return self.data[name][int(np.abs(self.instants - t).argmin())]

    def show(self, t: float) -> "Part":
        """Be the picture of time t."""
        self.t = float(t)
        self.draw(self.t)
        return self

    def draw(self, t: float) -> None:
        """Write the marks for time t, in place."""

    def read(self) -> dict[str, Array]:
        """What the marks say, in the trajectory's units: the inverse of `draw`."""
        return {}

    def tune(self, **settings: float) -> "Part":
        """Set numbers that say how the part is shown, such as its presence, and draw it again."""
        self.set_to(**settings)
        return self.show(self.t)

    def set_to(self, **settings: float) -> None:
        """The same without drawing, where that is done later."""
        for name, value in settings.items():
            setattr(self, name, float(value))
        if "presence" in settings:
            for shape in self.get_family():
                if isinstance(shape, VMobject):
                    self._veil(shape)

    def _veil(self, shape: VMobject) -> None:
        """Multiply a mark's full opacities, noted the first time, by the presence."""
        if not hasattr(shape, "full_opacity"):
            shape.full_opacity = (shape.fill_rgbas[:, 3].copy(), shape.stroke_rgbas[:, 3].copy())
        shape.fill_rgbas[:, 3] = shape.full_opacity[0] * self.presence
        shape.stroke_rgbas[:, 3] = shape.full_opacity[1] * self.presence
