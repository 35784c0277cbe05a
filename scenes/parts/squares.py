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
    half_of = words("× ½  =", SMALL, "muted").put(x + 0.7, rows.mean() - 0.08)
    return shapes, VGroup(*between, half_of)
