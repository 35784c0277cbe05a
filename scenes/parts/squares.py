"""Misses squared: the sum that a loss is half of."""

import numpy as np
from manim import VGroup

from scenes import _bezier
from scenes._theme import SMALL, words
from scenes.parts import Array, mark

LARGEST = 1.75  # side of the square of a miss of 1, unless the rows are too near for it


def squares(misses: Array, rows: Array, x: float) -> tuple[VGroup, VGroup]:
    """A square with the side of each miss, in its row round x; and the signs between and after them."""
    pitch = float(abs(np.diff(rows)).min(initial=2.0))
    side = abs(misses) * min(LARGEST, 0.62 * pitch / max(abs(misses).max(), 1e-9))
    shapes = VGroup(*[mark(fill="error", opacity=0.85) for _ in rows])
    for shape, y, half in zip(shapes, rows, side / 2, strict=True):
        shape.points = _bezier.rectangles(x - half, y - half, x + half, y + half)
    between = [words("+", SMALL, "muted").put(x, y - 0.08) for y in (rows[1:] + rows[:-1]) / 2]
    top, bottom, edge = rows[0] + side[0] / 2, rows[-1] - side[-1] / 2, x + side.max() / 2 + 0.22
    bracket = mark(stroke="muted", width=2)
    corners = (edge - 0.1, top), (edge, top), (edge, bottom), (edge - 0.1, bottom)
    bracket.points = _bezier.polyline(corners)
    half_of = words("× ½  =", SMALL, "muted").put(edge + 0.55, rows.mean() - 0.08)
    return shapes, VGroup(*between, bracket, half_of)
