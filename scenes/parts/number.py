"""A live number: one mobject whose outline is put together from cached glyphs."""

import re
from functools import cache, lru_cache

import numpy as np
import xarray as xr
from manim import VMobject

from scenes._language import with_decimal_sign
from scenes._theme import MONO, NUMBER, Role, Words, colour
from scenes.parts import Array, Part


@cache
def glyph(character: str, size: float) -> Array:
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


@lru_cache(maxsize=4096)
def _laid(text: str, size: float, align: str) -> tuple[Array, Array]:
    """Outlines of a text's characters (n, 3), each in its own cell, and how far right each point goes."""
    cell = advance(size)
    start = {"left": 0.0, "centre": 0.5, "right": 1.0}[align] * cell * len(text)
    shapes = [(i, glyph(c, size)) for i, c in enumerate(text) if c != " "]
    along = [np.full(len(points), i * cell - start) for i, points in shapes]
    return np.vstack([points for _, points in shapes]), np.concatenate(along)


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
        self.foot = (0.0, 0.0)
        self.value = 0.0
        self.text = ""
        self.written: tuple[tuple[object, ...], Array] = ((), np.zeros((0, 3)))

    def put(self, x: float, y: float) -> "Number":
        """Place the text's end (or centre) at x and its baseline at y."""
        self.foot = (float(x), float(y))
        return self.set(self.value)

    def set(self, value: float) -> "Number":
        """Show a value, in place."""
        self.value = value
        self.text = with_decimal_sign(self.form.format(value).replace("-", "−"))
        wanted = (self.text, self.foot, self.size, self.align)
        if self.written[0] != wanted or self.written[1] is not self.points:
            outline, along = _laid(self.text, self.size, self.align)
            self.points = outline + np.array([*self.foot, 0.0])
            self.points[:, 0] += along
            self.written = wanted, self.points
        return self


class Readout(Part):
    """A live number that follows one variable (time,), or one of its columns."""

    def __init__(
        self,
        trajectory: xr.Dataset,
        variable: str,
        form: str,
        place: tuple[float, float],
        size: float = NUMBER,
        role: Role = "ink",
        align: str = "left",
        column: int | None = None,
        clock: str = "time",
    ) -> None:
        self.variables = (variable,)
        super().__init__(trajectory, clock)
        self.variable, self.column = variable, column
        self.precision = 0.5 * 10.0 ** -int((re.findall(r"\.(\d+)f", form) or ["0"])[0])
        self.number = Number(form, size, role, align)
        self.number.put(*place)
        self.add(self.number)
        self.show(self.t)

    def draw(self, t: float) -> None:
        value = self.at(self.variable, t)
        self.number.set(value if self.column is None else value[self.column])

    def read(self) -> dict[str, Array]:
        digits = re.search(r"[+−]?\d+([.,]\d+)?", self.number.text)
        shown = np.array(float(digits[0].replace("−", "-").replace(",", ".")) if digits else np.nan)
        if self.column is None:
            return {self.variable: shown}
        values = np.array(self.at(self.variable, self.t))
        values[self.column] = shown
        return {self.variable: values}
