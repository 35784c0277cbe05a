"""Pairs of numbers as dots beside the diagonal on which both are equal."""

import numpy as np
import xarray as xr
from manim import VGroup

from scenes import _bezier
from scenes._theme import SMALL, Role, figures, words
from scenes.parts import Array, Part, deal, mark
from scenes.parts.ledger import four


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
        diagonal = mark(stroke="muted", width=1.5)
        diagonal.points = _bezier.segments([corner], [(left + side, bottom + side)])
        self.dots = VGroup(*[mark(fill="ink") for _ in self.data[up]])
        names = VGroup(
            words(labels[0], SMALL, roles[0]).put(left + side, bottom - 0.34, "right"),
            words(labels[1], SMALL, roles[1]).put(left, bottom + side + 0.16, "left"),
            words("equal", SMALL, "muted").put(left + side, bottom + side + 0.16, "right"),
        )
        self.add(diagonal, axes, names, self.dots)
        self.show(self.t)

    def draw(self, t: float) -> None:
        x, y = (self.data[name] for name in self.variables)
        centres = self.middle + self.scale * np.stack([x, y], -1)
        come = self.there * len(x) - np.arange(len(x))
        deal(_bezier.discs(centres, 0.055), self.dots)
        for dot, share in zip(self.dots, np.clip(come, 0, 1).tolist(), strict=True):
            dot.fill_rgbas[:, 3] = 0.9 * share * self.presence

    def read(self) -> dict[str, Array]:
        at = np.array([dot.get_center()[:2] for dot in self.dots])
        return dict(zip(self.variables, ((at - self.middle) / self.scale).T, strict=True))


def table_of(
    pairs: xr.Dataset, names: tuple[str, str], ends: tuple[float, float], top: float, rows: int = 6
) -> tuple[VGroup, list[VGroup], int]:
    """Two columns of some of the pairs, the largest first: heads, rows, and how many of all look alike."""
    roles: tuple[Role, Role] = ("focus", "error")
    heads = VGroup(*[words(n, SMALL, r).put(x, top, "right") for n, r, x in zip(names, roles, ends)])
    shown = [(four(float(a)), four(float(b))) for a, b in zip(pairs.nudged, pairs.computed)]
    order = np.argsort(-abs(pairs.computed.values))[np.linspace(0, 0.7 * len(shown), rows).astype(int)]
    lines = []
    for y, i in zip(top - 0.45 * np.arange(1, rows + 1), order, strict=True):
        cells = zip(shown[i], roles, ends, strict=True)
        lines.append(VGroup(*[figures(text, 16, role).put(x, y, "right") for text, role, x in cells]))
    return heads, lines, sum(a == b for a, b in shown)
