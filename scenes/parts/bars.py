"""Horizontal bars, with what they should be and what is missing."""

import numpy as np
import xarray as xr
from manim import VGroup

from scenes import _bezier
from scenes._theme import Role, figures
from scenes.parts import Array, Part, deal, mark

HALF = 0.12  # half the height of a bar


class Bars(Part):
    """One variable (time, row) as bars from zero, in boxes that reach over `extent`.

    `grown` 0 … 1 draws them out. Where `target` (row,) is given, `wanted` shows it as a tick with its number
    and `missed` the stretch between bar and tick.
    """

    def __init__(
        self,
        trajectory: xr.Dataset,
        variable: str,
        left: float,
        width: float,
        rows: Array,
        extent: tuple[float, float] = (0.0, 1.0),
        role: Role = "state",
        target: str | None = None,
        clock: str = "time",
    ) -> None:
        self.variables = (variable, target) if target else (variable,)
        super().__init__(trajectory, clock)
        self.variable, self.target = variable, target
        self.left, self.long, self.rows, self.extent = left, width, np.asarray(rows), extent
        self.grown, self.wanted, self.missed = 1.0, 0.0, 0.0
        self.boxes = mark(stroke="muted", width=1.5)
        self.boxes.points = _bezier.rectangles(left, self.rows - HALF, left + width, self.rows + HALF)
        self.fills = VGroup(*[mark(fill=role) for _ in self.rows])
        self.zeros = mark(stroke="muted", width=2)
        if extent[0] < 0 < extent[1]:
            x, y = np.full(len(self.rows), float(self._x(np.zeros(())))), 1.5 * HALF
            low, high = np.stack([x, self.rows - y], -1), np.stack([x, self.rows + y], -1)
            self.zeros.points = _bezier.segments(low, high)
        self.gaps = VGroup(*[mark(fill="error") for _ in self.rows if target])
        self.ticks, self.says = VGroup(), VGroup()
        for y, value in zip(self.rows, self.data[target] if target else ()):
            tick, x = mark(fill="target"), float(self._x(value))
            tick.points = _bezier.rectangles(x - 0.03, y - 1.75 * HALF, x + 0.03, y + 1.75 * HALF)
            self.ticks.add(tick)
            self.says.add(figures(f"{value:.2f}", 15, "target").put(x, y + 2.3 * HALF))
        self.add(self.fills, self.boxes, self.zeros, self.gaps, self.ticks, self.says)
        self.show(self.t)

    def _x(self, value: Array) -> Array:
        low, high = self.extent
        return self.left + self.long * (np.asarray(value) - low) / (high - low)

    def draw(self, t: float) -> None:
        zero = float(self._x(np.zeros(())))
        ends = zero + (self._x(self.at(self.variable, t)) - zero) * self.grown
        deal(_bezier.rectangles(zero, self.rows - HALF, ends, self.rows + HALF), self.fills)
        if self.target:
            wanted = self._x(self.data[self.target])
            low, high = self.rows - HALF / 2, self.rows + HALF / 2
            deal(_bezier.rectangles(ends, low, wanted, high), self.gaps)
        for gap in self.gaps:
            gap.fill_rgbas[:, 3] = self.missed * self.presence
        for piece in (*self.ticks, *(glyph for say in self.says for glyph in say)):
            piece.fill_rgbas[:, 3] = self.wanted * self.presence

    def read(self) -> dict[str, Array]:
        low, high = self.extent
        per_unit = self.long / (high - low)
        said = {}
        if self.grown > 0:
            reach = np.array([fill.points[4, 0] - fill.points[0, 0] for fill in self.fills])
            said[self.variable] = reach / per_unit / self.grown
        if self.target:
            middles = np.array([tick.get_center()[0] for tick in self.ticks])
            said[self.target] = low + (middles - self.left) / per_unit
        return said
