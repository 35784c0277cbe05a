"""Pairs of numbers as dots beside the diagonal on which both are equal."""

import numpy as np
import xarray as xr
from manim import VGroup

from scenes import _bezier
from scenes._theme import SMALL, Role, words
from scenes.parts import Array, Part, mark


class Scatter(Part):
    """Two variables (pair,) against each other, in a square with its middle at 0.

    `there` 0 … 1 lets the dots appear one after the other. A dot on the line says that both are equal.
    """

    def __init__(
        self,
        trajectory: xr.Dataset,
        across: str,
        up: str,
        corner: tuple[float, float],
        side: float,
        labels: tuple[str, str],
        roles: tuple[Role, Role] = ("ink", "ink"),
    ) -> None:
        self.variables = (across, up)
        super().__init__(trajectory)
        self.across, self.up, self.there = across, up, 1.0
        self.middle = np.array(corner) + side / 2
        largest = max(abs(self.data[name]).max() for name in self.variables) or 1.0
        self.scale = 0.46 * side / largest
        left, bottom = corner
        axes = mark(stroke="muted", width=2)
        axes.points = _bezier.polyline([(left, bottom + side), (left, bottom), (left + side, bottom)])
        diagonal = mark(stroke="faint", width=4)
        diagonal.points = _bezier.segments([corner], [(left + side, bottom + side)])
        self.dots = VGroup(*[mark(fill="ink") for _ in self.data[up]])
        names = VGroup(
            words(labels[0], SMALL, roles[0]).put(left + side, bottom - 0.34, "right"),
            words(labels[1], SMALL, roles[1]).put(left, bottom + side + 0.16, "left"),
        )
        self.add(diagonal, axes, names, self.dots)
        self.show(self.t)

    def draw(self, t: float) -> None:
        x, y = (self.data[name] for name in self.variables)
        centres = self.middle + self.scale * np.stack([x, y], -1)
        come = self.there * len(x) - np.arange(len(x))
        for dot, centre, share in zip(self.dots, centres, np.clip(come, 0, 1), strict=True):
            dot.points = _bezier.discs(centre, 0.055)
            dot.fill_rgbas[:, 3] = 0.9 * share * self.presence

    def read(self) -> dict[str, Array]:
        at = np.array([dot.get_center()[:2] for dot in self.dots])
        return dict(zip(self.variables, ((at - self.middle) / self.scale).T, strict=True))
