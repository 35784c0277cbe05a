"""A live number: one mobject whose outline is put together from cached glyphs."""

from functools import cache

import numpy as np
from manim import VMobject
from numpy.typing import NDArray

from scenes._theme import MONO, NUMBER, Role, Words, colour

GLYPHS = "0123456789.-+−×%°∞ηrt=/"


@cache
def glyph(character: str, size: float) -> NDArray[np.float64]:
    """Outline of one character of the monospaced face, its cell's left end of the baseline at the origin."""
    pair = Words("0" + character, size, font=MONO)
    points = np.vstack([m.points for m in pair.submobjects[1:]] or [np.zeros((0, 3))])
    return points - [pair.submobjects[0].get_left()[0] - _bearing(size) + advance(size), pair.baseline, 0]


@cache
def advance(size: float) -> float:
    """Width of every cell of the monospaced face."""
    two = Words("00", size, font=MONO)
    return float(two.submobjects[1].get_left()[0] - two.submobjects[0].get_left()[0])


@cache
def _bearing(size: float) -> float:
    """Space left of the outline of 0 in its cell."""
    return (advance(size) - float(Words("0", size, font=MONO).width)) / 2


class Number(VMobject):
    """A number that can be set at every frame without building text.

    `Number("{:.2f}").put(x, y).set(0.5)`; `align` says which end of the text stays where it was put.
    """

    def __init__(
        self, form: str = "{:.2f}", size: float = NUMBER, role: Role = "ink", align: str = "left"
    ) -> None:
        super().__init__(stroke_width=0)
        self.set_fill(colour(role), opacity=1)
        self.form, self.size, self.align = form, size, align
        self.foot = np.zeros(3)
        self.value = 0.0
        self.text = ""

    def put(self, x: float, y: float) -> "Number":
        """Place the text's end (or centre) at x and its baseline at y."""
        self.foot = np.array([x, y, 0.0])
        return self.set(self.value)

    def set(self, value: float) -> "Number":
        """Show a value, in place."""
        self.value = value
        self.text = self.form.format(value).replace("-", "−")
        cell = advance(self.size)
        start = {"left": 0.0, "centre": 0.5, "right": 1.0}[self.align] * cell * len(self.text)
        self.points = np.vstack(
            [
                glyph(c, self.size) + self.foot + [i * cell - start, 0, 0]
                for i, c in enumerate(self.text)
                if c != " "
            ]
        )
        return self
