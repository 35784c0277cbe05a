"""A quantity against time, drawn as far as the clock has come."""

from bisect import bisect_right

import numpy as np
import xarray as xr
from manim import VGroup
from numpy.typing import NDArray

from scenes import _bezier
from scenes._theme import SMALL, Role, figures, words
from scenes.parts import Array, Part, deal, mark

UNSEEN = 0.0004  # units: a twentieth of a pixel at 1080p


class Curve(Part):
    """One variable (time,), or one line for each of its columns, growing with the clock on two plain axes.

    The box is (left, bottom, width, height) in units of the frame; `span` (along the clock) and `extent`
    (of the values) are the data's.
    """

    def __init__(
        self,
        trajectory: xr.Dataset,
        variable: str,
        box: tuple[float, float, float, float],
        span: tuple[float, float],
        extent: tuple[float, float],
        label: str,
        along: str,
        role: Role | tuple[Role, ...] = "focus",
        clock: str = "time",
        ticks: dict[str, float] | None = None,
        steps: dict[str, float] | None = None,
        label_role: Role | None = None,
        frame: bool = True,
        width: float = 4,
    ) -> None:
        self.variables = (variable,)
        super().__init__(trajectory, clock)
        self.variable, self.box, self.span, self.extent = variable, box, span, extent
        self.dot = 0.0175 * width
        columns = self.data[variable].reshape(len(self.instants), -1).T
        self.paths = [self._place(self.instants, column) for column in columns]
        # how many instants before the line first leaves the chart
        self.stays = [int(np.append(self._holds(path[:, 1]), False).argmin()) for path in self.paths]
        self.stride = 0  # and for it, of each line on the chart, which steps are corners, and all it draws
        self.corners, self.whole = [np.arange(0)] * len(self.paths), self.paths
        roles = (role,) if isinstance(role, str) else role
        self.lines = VGroup(*[mark(stroke=roles[i % len(roles)], width=width) for i in range(len(columns))])
        self.heads = VGroup(*[mark(fill=roles[i % len(roles)]) for i in range(len(columns))])
        if frame:
            self.add(self._axes(label, along, label_role or roles[0], ticks or {}, steps or {}))
        self.add(self.lines, self.heads)
        self.show(self.t)

    def _place(self, t: Array, values: Array) -> Array:
        left, bottom, width, height = self.box
        x = left + width * (t - self.span[0]) / (self.span[1] - self.span[0])
        y = bottom + height * (values - self.extent[0]) / (self.extent[1] - self.extent[0])
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
        if along:
            parts.add(words(along, SMALL, "muted").put(left + width, bottom - 0.34, "right"))
        for text, value in ticks.items():
            y = self._place(np.array(self.span[0]), np.array(value))[1]
            parts.add(figures(text, 16).put(left - 0.12, y - 0.07, "right"))
        for text, value in steps.items():
            x = self._place(np.array(value), np.array(self.extent[0]))[0]
            parts.add(figures(text, 16).put(x, bottom - 0.32))
        return parts

    def draw(self, t: float) -> None:
        passed = bisect_right(self._clock, t)
        stride = max(1, passed // 600)
        if stride != self.stride:
            self.stride = stride
            on_chart = [path[:stay:stride] for path, stay in zip(self.paths, self.stays, strict=True)]
            self.corners = [_bezier.bends(path, UNSEEN) for path in on_chart]
            self.whole = [
                _bezier.polyline(path[corners]) for path, corners in zip(on_chart, self.corners, strict=True)
            ]
        tips = self._place(np.array(t), np.atleast_1d(self.at(self.variable, t)))
        held = self._holds(tips[:, 1])
        for i, line in enumerate(self.lines):
            path = self.paths[i][:passed:stride]
            if len(path) and held[i] and passed <= self.stays[i]:
                drawn = int(self.corners[i].searchsorted(len(path)))
                corner = self.corners[i][drawn - 1]
                recent = path[[corner, -1]] if corner < len(path) - 1 else path[-1:]
                tip = _bezier.polyline(np.vstack([recent, tips[i]]))
                line.points = np.concatenate([self.whole[i][: 4 * drawn - 4], tip])
            else:
                line.points = self._inside(np.vstack([path, tips[i]]))
        deal(_bezier.discs(tips, np.where(held, self.dot, 0.0)), self.heads)

    def _holds(self, y: Array) -> NDArray[np.bool_]:
        """Which heights (n,) are on the chart."""
        return (self.box[1] - 1e-9 <= y) & (y <= self.box[1] + self.box[3] + 1e-9)

    def _inside(self, path: Array) -> Array:
        """The path as far as it stays on the chart, cut where it first leaves it."""
        leaves = np.flatnonzero(~self._holds(path[:, 1]))
        if len(leaves) and leaves[0] > 0:
            a, b = path[leaves[0] - 1], path[leaves[0]]
            edge = np.clip(b[1], self.box[1], self.box[1] + self.box[3])
            cut = a + (b - a) * (edge - a[1]) / (b[1] - a[1])
            path = np.vstack([path[: leaves[0]], cut])
        return _bezier.polyline(path)

    def read(self) -> dict[str, Array]:
        bottom, height = self.box[1], self.box[3]
        y = np.array([head.get_center()[1] for head in self.heads])
        values = self.extent[0] + (y - bottom) / height * (self.extent[1] - self.extent[0])
        return {self.variable: values.reshape(self.data[self.variable].shape[1:])}
