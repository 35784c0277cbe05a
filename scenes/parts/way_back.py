"""What is left of a gradient on its way back through a sentence, from several seeds."""

from collections.abc import Sequence

import numpy as np
import xarray as xr
from manim import VGroup

from scenes import _bezier
from scenes._theme import SMALL, Role, figures, words
from scenes.parts import Array, Part, mark

Box = tuple[float, float, float, float]  # left, bottom, width, height
AWAY = 0.32  # between the baselines of two labels


def backwards(runs: xr.Dataset) -> xr.Dataset:
    """Gradient left before training, word by word back from the last one, of a batch of runs.

    `median` (back,) of the runs; all but the lowest and the highest lie between `low` and `high` (back,).
    """
    each = runs.gradient_left.isel(step=0, sequence=0, token=slice(None, None, -1)).transpose(
        "token", "batch"
    )
    each = each.rename(token="back").assign_coords(back=np.arange(float(each.sizes["token"])))
    in_order = each.copy(data=np.sort(each.values, axis=1))
    apart = {"low": in_order.isel(batch=1), "high": in_order.isel(batch=-2)}
    return xr.Dataset({"median": each.median("batch"), **apart})


class WayBack(Part):
    """The `median` (back,) as a line in a band from `low` to `high`, from right to left."""

    variables = ("median", "low", "high")

    def __init__(self, trajectory: xr.Dataset, box: Box, top: float, role: Role) -> None:
        super().__init__(trajectory, "back")
        self.box, self.top, self.role = box, top, role
        self.band = mark(fill=role, opacity=0.22)
        self.line = mark(stroke=role, width=5)
        self.head = mark(fill=role)
        self.add(self.band, self.line, self.head)
        self.show(self.t)

    def place(self, back: Array | float, value: Array | float) -> Array:
        """Where a value lies, so many words before the last."""
        left, bottom, width, height = self.box
        x = left + width * (1 - np.asarray(back) / self.instants[-1])
        return np.stack(np.broadcast_arrays(x, bottom + height * np.asarray(value) / self.top), -1)

    def draw(self, t: float) -> None:
        passed = int(np.searchsorted(self.instants, t, side="right"))
        back = np.append(self.instants[:passed], t)
        median, low, high = (
            self.place(back, np.append(self.data[name][:passed], self.at(name, t))) for name in self.variables
        )
        self.band.points = _bezier.polygons([np.vstack([high, low[::-1]])])
        self.line.points = _bezier.polyline(median)
        self.head.points = _bezier.discs(median[-1], 0.09)

    def read(self) -> dict[str, Array]:
        corners = self.band.points[::4]  # along `high` to the tip, then back along `low`
        tip = len(corners) // 2
        heights = np.array([self.head.get_center()[1], corners[tip, 1], corners[tip - 1, 1]])
        values = (heights - self.box[1]) / self.box[3] * self.top
        return dict(zip(self.variables, values, strict=True))


def level_lines(box: Box, top: float) -> VGroup:
    """None and all of the gradient."""
    left, bottom, width, height = box
    lines = VGroup(
        words("share of the gradient left", SMALL, "muted").put(left, bottom + height + 0.1, "left")
    )
    for text, role, value in (("0", "muted", 0.0), ("1", "faint", 1.0)):
        y = bottom + height * value / top
        line = mark(stroke=role, width=2)
        line.points = _bezier.segments([(left, y)], [(left + width, y)])
        lines.add(line, figures(text, 16).put(left + width + 0.22, y - 0.07, "left"))
    return lines


def names_of(ways: dict[str, WayBack]) -> list[VGroup]:
    """Each one's name, where its median ends."""
    ends = [way.place(way.instants[-1], way.data["median"][-1]) for way in ways.values()]
    heights = _apart([end[1] for end in ends])
    return [
        VGroup(words(name, SMALL, way.role).put(end[0] - 0.2, y - 0.07, "right"))
        for (name, way), end, y in zip(ways.items(), ends, heights, strict=True)
    ]


def medians_of(ways: Sequence[WayBack], back: int) -> list[VGroup]:
    """Each one's median so many words back: left of that place above its line, or right of it below.

    The lines rise to the right, so that there they leave room; the highest is told on the left, the next on
    the right, and so on.
    """
    values = [float(way.data["median"][back]) for way in ways]
    rank = list(np.argsort(np.argsort([-value for value in values])))
    spots = [way.place(back, value) for way, value in zip(ways, values, strict=True)]
    labels = [VGroup() for _ in ways]
    for side, (align, away, off) in enumerate([("right", -0.16, 0.14), ("left", 0.16, -0.36)]):
        here = [i for i in range(len(ways)) if rank[i] % 2 == side]
        for i, y in zip(here, _apart([spots[i][1] + off for i in here]), strict=True):
            number = figures(f"{values[i]:.2f}", 18, "ink").put(spots[i][0] + away, y, align)
            labels[i].add(number)
    return labels


def _apart(heights: Sequence[float]) -> list[float]:
    """The heights, moved up where two are nearer than AWAY."""
    free = list(heights)
    order = np.argsort(free)
    for i, above in enumerate(order[1:]):
        free[above] = max(free[above], free[order[i]] + AWAY)
    return free
