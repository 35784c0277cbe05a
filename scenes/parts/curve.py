"""A quantity against time, drawn as far as the clock has come."""

import numpy as np
import xarray as xr
from manim import VGroup

from scenes import _bezier
from scenes._theme import SMALL, Role, figures, words
from scenes.parts import Array, Part, mark


class Curve(Part):
    """One variable (time,) as a line that grows with the clock, on two plain axes.

    The box is (left, bottom, width, height) in units of the frame; `span` and `range` are the data's.
    """

    def __init__(
        self,
        trajectory: xr.Dataset,
        variable: str,
        box: tuple[float, float, float, float],
        span: tuple[float, float],
        range: tuple[float, float],
        label: str,
        along: str,
        role: Role = "focus",
        clock: str = "time",
        ticks: dict[str, float] | None = None,
        steps: dict[str, float] | None = None,
        label_role: Role | None = None,
        frame: bool = True,
    ) -> None:
        self.variables = (variable,)
        super().__init__(trajectory, clock)
        self.variable, self.box, self.span, self.range = variable, box, span, range
        self.xy = self._place(self.instants, self.data[variable])
        self.line = mark(stroke=role, width=4)
        self.head = mark(fill=role)
        if frame:
            self.add(self._axes(label, along, label_role or role, ticks or {}, steps or {}))
        self.add(self.line, self.head)
        self.show(self.t)

    def _place(self, t: Array, values: Array) -> Array:
        left, bottom, width, height = self.box
        x = left + width * (t - self.span[0]) / (self.span[1] - self.span[0])
        y = bottom + height * (values - self.range[0]) / (self.range[1] - self.range[0])
        return np.stack(np.broadcast_arrays(x, y), -1)

    def _axes(
        self, label: str, along: str, role: Role, ticks: dict[str, float], steps: dict[str, float]
    ) -> VGroup:
        left, bottom, width, height = self.box
        axes = mark(stroke="muted", width=2)
        axes.points = _bezier.polyline([(left, bottom + height), (left, bottom), (left + width, bottom)])
        parts = VGroup(axes)
        if label:
            parts.add(words(label, SMALL, role).put(left, bottom + height + 0.16, "left"))
        parts.add(words(along, SMALL, "muted").put(left + width, bottom - 0.34, "right"))
        for text, value in ticks.items():
            y = self._place(np.array(self.span[0]), np.array(value))[1]
            parts.add(figures(text, 16).put(left - 0.12, y - 0.07, "right"))
        for text, value in steps.items():
            x = self._place(np.array(value), np.array(self.range[0]))[0]
            parts.add(figures(text, 16).put(x, bottom - 0.32))
        return parts

    def draw(self, t: float) -> None:
        last = int(np.searchsorted(self.instants, t, side="right"))
        tip = self._place(np.array(t), self.at(self.variable, t))
        path = np.vstack([self.xy[:last], tip])
        stride = max(1, len(path) // 600)
        thinned = np.vstack([path[:-1:stride], path[-1:]])
        self.line.points = _bezier.polyline(thinned) if len(thinned) > 1 else np.zeros((0, 3))
        self.head.points = _bezier.discs(tip, 0.07)

    def read(self) -> dict[str, Array]:
        bottom, height = self.box[1], self.box[3]
        y = self.head.get_center()[1]
        return {
            self.variable: np.array(self.range[0] + (y - bottom) / height * (self.range[1] - self.range[0]))
        }
