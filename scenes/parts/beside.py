"""What stands beside, under and round the columns of a sentence: names, charts, a ring."""

from typing import Any

import xarray as xr
from manim import VGroup, VMobject

from scenes import _bezier
from scenes._film import WIDE
from scenes._theme import SMALL, Role, words
from scenes.parts import Array, mark
from scenes.parts.curve import Curve
from scenes.parts.memory import HALF


def beside(text: str, y: float) -> VMobject:
    """The name of a row of marks, at the left edge."""
    return words(text, SMALL, "muted").put(-WIDE, y - 0.06, "left")


def in_a_row(x: float, y: float, *pieces: tuple[str, Role]) -> VGroup:
    """Differently coloured pieces of one line, which begins at x."""
    line = VGroup()
    for text, role in pieces:
        line.add(words(text, SMALL, role).put(x, y, "left"))
        x = line.get_right()[0] + 0.12
    return line


def ring_around(x: float, low: float, high: float) -> VMobject:
    """A yellow ring round one column."""
    ring = mark(stroke="focus", width=4)
    ring.points = _bezier.rectangles(x - HALF - 0.1, low - 0.08, x + HALF + 0.1, high + 0.08)
    return ring


def along(
    columns: Array,
    read: xr.Dataset,
    variable: str,
    bottom: float,
    height: float,
    extent: tuple[float, float],
    says: str,
    roles: tuple[Any, ...] = ("focus",),
    ticks: dict[str, float] | None = None,
) -> Curve:
    """A chart of a quantity (token, …) whose places along lie under the words."""
    box, span = (columns[0], bottom, columns[-1] - columns[0], height), (0, len(columns) - 1)
    look: dict[str, Any] = {"ticks": ticks or {"0": 0.0}, "label_role": roles[0]}
    return Curve(read, variable, box, span, extent, says, "", roles, "token", **look)
