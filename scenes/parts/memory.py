"""A memory of several numbers, word by word: one column of bars that moves along a sentence."""

from collections.abc import Callable

import numpy as np
import xarray as xr
from manim import VGroup, VMobject

from scenes import _bezier
from scenes._theme import LABEL, Role, words
from scenes.parts import Array, Part, mark


def staggered(sentence: list[str], columns: Array, line: float, role: Role = "ink") -> VGroup:
    """Words over their columns, every second one on a lower line, so that long ones do not touch."""
    lines = (line, line - 0.42)
    return VGroup(
        *[words(w, LABEL, role).put(x, lines[i % 2]) for i, (w, x) in enumerate(zip(sentence, columns, strict=True))]
    )


def word_by_word(count: int, moving: float = 0.6) -> Callable[[float], float]:
    """A rate that goes in `count` equal steps and rests at each word for the share of time not `moving`."""

    def rate(alpha: float) -> float:
        passed = min(int(alpha * count), count - 1)
        share = min((alpha * count - passed) / moving, 1.0)
        return float((passed + share * share * (3 - 2 * share)) / count)

    return rate


class Passage(Part):
    """Numbers (token, unit) of one network that reads a sentence, a row of marks for each unit.

    With the clock `token` one column travels from word to word and leaves prints behind, which `past` fades.
    With any other clock, such as training's `step`, the columns of all words are there and change.
    `others` fades the rows that are not in `spotlight`.
    """

    def __init__(
        self,
        trajectory: xr.Dataset,
        variable: str,
        columns: Array,
        top: float,
        pitch: float = 0.22,
        clock: str = "token",
        spotlight: tuple[int, ...] = (),
    ) -> None:
        self.variables = (variable,)
        super().__init__(trajectory, clock)
        self.variable, self.columns, self.pitch, self.spotlight = variable, columns, pitch, spotlight
        n = self.data[variable].shape[-1]
        self.rows = top - pitch * (np.arange(n) + 0.5)
        self.past, self.others = 1.0, 1.0
        self.travels = clock == "token"
        self.prints = [self._shapes() for _ in range(n)]
        self.head = [self._shapes() for _ in range(n)]
        self.add(*[shape for row in self.prints + self.head for shape in row])
        self.show(self.t)

    def _shapes(self) -> list[VMobject]:
        """The marks of one row, from back to front."""
        raise NotImplementedError

    def _write(self, shapes: list[VMobject], x: Array, y: float, values: Array, alpha: float) -> None:
        """Write one row's marks: `values` at the places x, opacity `alpha`."""
        raise NotImplementedError

    def _value(self, shapes: list[VMobject], x: Array, y: float) -> Array:
        """Read one row's marks back."""
        raise NotImplementedError

    def draw(self, t: float) -> None:
        values = self.at(self.variable, t)
        if self.travels:
            passed = int(np.clip(np.floor(t) + 1, 0, len(self.columns)))
            place = np.interp([t], self.instants, self.columns)
            self._draw(self.prints, self.columns[:passed], self.data[self.variable][:passed], self.past)
            self._draw(self.head, place, values[None], 1.0)
        else:
            self._draw(self.prints, self.columns, values, 1.0)

    def _draw(self, rows: list[list[VMobject]], x: Array, values: Array, alpha: float) -> None:
        for u, (shapes, y) in enumerate(zip(rows, self.rows, strict=True)):
            lit = 1.0 if not self.spotlight or u in self.spotlight else self.others
            self._write(shapes, x, y, values[:, u], alpha * lit * self.presence)

    def read(self) -> dict[str, Array]:
        place = np.interp([self.t], self.instants, self.columns) if self.travels else self.columns
        rows = self.head if self.travels else self.prints
        values = np.stack([self._value(row, place, y) for row, y in zip(rows, self.rows, strict=True)], -1)
        return {self.variable: values[0] if self.travels else values}


class Memory(Passage):
    """Every number a bar from the middle of its cell: blue to the right if positive, red to the left if not."""

    half = 0.27  # width of a bar for the number 1

    def _shapes(self) -> list[VMobject]:
        return [mark(fill="panel"), mark(fill="state"), mark(fill="error"), mark(stroke="faint", width=2)]

    def _write(self, shapes: list[VMobject], x: Array, y: float, values: Array, alpha: float) -> None:
        cell, positive, negative, middle = shapes
        low, high = y - 0.42 * self.pitch, y + 0.42 * self.pitch
        cell.points = _bezier.rectangles(x - self.half, low, x + self.half, high)
        positive.points = _bezier.rectangles(x, low, x + self.half * np.maximum(values, 0), high)
        negative.points = _bezier.rectangles(x + self.half * np.minimum(values, 0), low, x, high)
        middle.points = _bezier.segments(np.stack([x, np.full_like(x, low)], -1), np.stack([x, np.full_like(x, high)], -1))
        for shape in (cell, positive, negative):
            shape.fill_rgbas[:, 3] = alpha
        middle.stroke_rgbas[:, 3] = alpha

    def _value(self, shapes: list[VMobject], x: Array, y: float) -> Array:
        right = shapes[1].points.reshape(-1, 16, 3)[:, :, 0].max(1)
        left = shapes[2].points.reshape(-1, 16, 3)[:, :, 0].min(1)
        return (right - x + (left - x)) / self.half


class Shadow(Passage):
    """A second memory laid over the first: the outlines of its bars."""

    half = Memory.half

    def _shapes(self) -> list[VMobject]:
        return [mark(stroke="target", width=2.5)]

    def _write(self, shapes: list[VMobject], x: Array, y: float, values: Array, alpha: float) -> None:
        low, high = y - 0.42 * self.pitch, y + 0.42 * self.pitch
        shapes[0].points = _bezier.rectangles(x, low, x + self.half * values, high)
        shapes[0].stroke_rgbas[:, 3] = alpha

    def _value(self, shapes: list[VMobject], x: Array, y: float) -> Array:
        return (shapes[0].points.reshape(-1, 16, 3)[:, 4, 0] - x) / self.half
