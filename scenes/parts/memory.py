"""A memory of several numbers, word by word: a column of bars that moves along a sentence."""

from collections.abc import Callable, Sequence

import numpy as np
import xarray as xr
from manim import VGroup, VMobject

from scenes import _bezier
from scenes._theme import LABEL, Words
from scenes.parts import Array, Part, deal, mark

Row = list[VMobject]  # the marks of one row, from back to front
HALF = 0.27  # half the width of a column
FILLED = 0.84  # share of its pitch that a row fills


def reading(run: xr.Dataset, step: int, sequence: int = 0) -> xr.Dataset:
    """What happens word by word in one watched sentence, at one recorded step of training.

    Words count from 0. Added is `h_before` (token, unit), what each word finds.
    """
    read = run.isel(step=step, sequence=sequence)
    before = read.h.shift(token=1, fill_value=0.0)
    return read.assign(h_before=before).assign_coords(token=np.arange(float(read.sizes["token"])))


def staggered(sentence: Sequence[str], columns: Array, line: float) -> VGroup:
    """Words over their columns, every second one on a lower line, so that long ones do not touch."""
    return VGroup(
        *[
            Words(word, LABEL).put(x, line - 0.42 * (i % 2))
            for i, (word, x) in enumerate(zip(sentence, columns, strict=True))
        ]
    )


def word_by_word(count: int, moving: float = 0.6) -> Callable[[float], float]:
    """A rate that goes in `count` equal steps and rests after each for the share of time not `moving`."""

    def rate(alpha: float) -> float:
        passed = min(int(alpha * count), count - 1)
        share = min((alpha * count - passed) / moving, 1.0)
        return float((passed + share * share * (3 - 2 * share)) / count)

    return rate


def boxes(left: Array, bottom: Array, right: Array, top: Array) -> Array:
    """Upright rectangles row by row, from edges that fit each other (unit, …)."""
    return _bezier.rectangles(*map(np.ravel, np.broadcast_arrays(left, bottom, right, top)))


class Passage(Part):
    """Numbers (token, unit) of a network that reads a sentence: a row of marks for each unit.

    With the clock `token` one column travels from word to word and leaves prints behind, which `past` fades.
    With any other clock, such as training's `step`, the columns of all words are there and change.
    `others` fades the rows that are not in `spotlight`; `framed` shows the frame round the travelling column.
    """

    def __init__(
        self,
        trajectory: xr.Dataset,
        variable: str,
        columns: Array,
        top: float,
        height: float,
        clock: str = "token",
        spotlight: Sequence[int] = (),
    ) -> None:
        self.variables = (variable,)
        super().__init__(trajectory, clock)
        self.variable, self.columns, self.spotlight = variable, columns, spotlight
        n = self.data[variable].shape[-1]
        self.pitch = height / n
        self.rows = top - self.pitch * (np.arange(n) + 0.5)
        self.lows, self.highs = self._edges(self.rows)
        self.past, self.others, self.framed = 1.0, 1.0, 1.0
        self.travels = clock == "token"
        self.prints = [self._shapes() for _ in range(n)]
        self.head = [self._shapes() for _ in range(n)]
        self.frame = mark(stroke="ink", width=2.5)
        self.add(*[shape for row in self.prints + self.head for shape in row], self.frame)
        self.show(self.t)

    def _shapes(self) -> Row:
        """The marks of one row, still empty."""
        raise NotImplementedError

    def _outlines(self, x: Array, low: Array, high: Array, values: Array) -> list[Array]:
        """Each kind of marks of all rows: `values` (unit, …) at x, from height low (unit, 1) to high."""
        raise NotImplementedError

    def _fade(self, row: Row, alpha: float) -> None:
        """Give one row's marks an opacity."""
        raise NotImplementedError

    def _value(self, row: Row, x: Array, low: float, high: float) -> Array:
        """Read one row's marks back."""
        raise NotImplementedError

    def _edges(self, y: Array) -> tuple[Array, Array]:
        return y - FILLED / 2 * self.pitch, y + FILLED / 2 * self.pitch

    def _place(self, t: float) -> Array:
        """Where the columns of time t are: one of them, or all."""
        return np.interp([t], self.instants, self.columns) if self.travels else self.columns

    def draw(self, t: float) -> None:
        values = self.at(self.variable, t)
        if not self.travels:
            self._draw(self.prints, self.columns, values, 1.0)
            return
        passed = int(np.searchsorted(self.instants, t))  # the word it stands at has no print yet
        self._draw(self.prints, self.columns[:passed], self.data[self.variable][:passed], self.past)
        x = self._place(t)
        self._draw(self.head, x, values[None], 1.0)
        edge = HALF + 0.06
        low, high = self.rows[-1] - self.pitch / 2 - 0.05, self.rows[0] + self.pitch / 2 + 0.05
        self.frame.points = _bezier.rectangles(x - edge, low, x + edge, high)
        self.frame.stroke_rgbas[:, 3] = self.framed * self.presence

    def _draw(self, rows: list[Row], x: Array, values: Array, alpha: float) -> None:
        outlines = self._outlines(x, self.lows[:, None], self.highs[:, None], values.T)
        for kind, points in zip(zip(*rows, strict=True), outlines, strict=True):
            deal(points, kind)
        for u, row in enumerate(rows):
            lit = 1.0 if not self.spotlight or u in self.spotlight else self.others
            self._fade(row, alpha * lit * self.presence)

    def read(self) -> dict[str, Array]:
        x = self._place(self.t)
        rows = self.head if self.travels else self.prints
        values = np.stack(
            [self._value(row, x, *self._edges(y)) for row, y in zip(rows, self.rows, strict=True)], -1
        )
        return {self.variable: values[0] if self.travels else values}


class Memory(Passage):
    """Every number a bar from the middle of its cell: right and blue if positive, left and red if not."""

    def _shapes(self) -> Row:
        return [mark(fill="panel"), mark(fill="state"), mark(fill="error"), mark(stroke="faint", width=2)]

    def _outlines(self, x: Array, low: Array, high: Array, values: Array) -> list[Array]:
        ends = (np.stack(np.broadcast_arrays(x, y), -1).reshape(-1, 2) for y in (low, high))
        return [
            boxes(x - HALF, low, x + HALF, high),
            boxes(x, low, x + HALF * np.maximum(values, 0), high),
            boxes(x + HALF * np.minimum(values, 0), low, x, high),
            _bezier.segments(*ends),
        ]

    def _fade(self, row: Row, alpha: float) -> None:
        for shape in row[:3]:
            shape.fill_rgbas[:, 3] = alpha
        row[3].stroke_rgbas[:, 3] = alpha

    def _value(self, row: Row, x: Array, low: float, high: float) -> Array:
        right = row[1].points.reshape(-1, 16, 3)[:, :, 0].max(1)
        left = row[2].points.reshape(-1, 16, 3)[:, :, 0].min(1)
        return (right - x + left - x) / HALF


class Shadow(Passage):
    """A second memory laid over the first: the outlines of its bars."""

    def _shapes(self) -> Row:
        return [mark(stroke="target", width=2.5)]

    def _outlines(self, x: Array, low: Array, high: Array, values: Array) -> list[Array]:
        return [boxes(x, low, x + HALF * values, high)]

    def _fade(self, row: Row, alpha: float) -> None:
        row[0].stroke_rgbas[:, 3] = alpha

    def _value(self, row: Row, x: Array, low: float, high: float) -> Array:
        return (row[0].points.reshape(-1, 16, 3)[:, 4, 0] - x) / HALF
