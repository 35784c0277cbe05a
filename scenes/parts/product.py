"""One cell of a matrix product: a row meets a column, and the sum of their products counts up."""

import re

import numpy as np
from manim import VGroup

from scenes import _bezier
from scenes.parts import Array, Part, mark
from scenes.parts.heatmap import Heatmap
from scenes.parts.number import Number


class Product(Part):
    """Row `row` of one heatmap times column `column` of another, divided by `divisor`: a cell of a third.

    `swept` goes from 0 to 1 over the numbers of the row; frames show which two are multiplied now.
    """

    precision = 0.005

    def __init__(
        self,
        left: Heatmap,
        right: Heatmap,
        result: Heatmap,
        cell: tuple[int, int],
        divisor: float,
        place: tuple[float, float],
        size: float = 24,
    ) -> None:
        self.variables = (left.variable, right.variable, result.variable)
        super().__init__(left.trajectory, "step")
        self.left, self.right, self.result = left, right, result
        self.row, self.column = cell
        self.divisor, self.swept = divisor, 0.0
        self.outlines = mark(stroke="focus", width=2)
        self.pair = mark(stroke="focus", width=4)
        self.number = Number("{:.2f}", size, "ink", "centre").put(*place)
        self.add(VGroup(self.outlines, self.pair, self.number))
        self.show(float(self.instants[-1]))

    def draw(self, t: float) -> None:
        row = self.at(self.left.variable, t)[self.row]
        column = self.right._matrix(self.at(self.right.variable, t))[:, self.column]
        sums = np.cumsum(row * column) / self.divisor
        now = int(np.clip(self.swept * len(sums), 0, len(sums) - 1))
        self.number.set(sums[now])
        bands = (
            self._band(self.left, (self.row, 0), (self.row, len(sums) - 1)),
            self._band(self.right, (0, self.column), (len(sums) - 1, self.column)),
            self._band(self.result, (self.row, self.column), (self.row, self.column)),
        )
        self.outlines.points = np.vstack(bands)
        pair = [(self.left, (self.row, now)), (self.right, (now, self.column))]
        self.pair.points = np.vstack([self._band(part, at, at) for part, at in pair])

    @staticmethod
    def _band(part: Heatmap, first: tuple[int, int], last: tuple[int, int]) -> Array:
        left, _, _, top = part.edges(*first)
        _, bottom, right, _ = part.edges(*last)
        return _bezier.rectangles(left - 0.03, bottom - 0.03, right + 0.03, top + 0.03)

    def read(self) -> dict[str, Array]:
        if self.swept < 1:
            return {}
        values = np.array(self.at(self.result.variable, self.t))
        digits = re.search(r"-?\d+\.\d+", self.number.text.replace("−", "-").replace(",", "."))
        values[self.row, self.column] = float(digits[0]) if digits else np.nan
        return {self.result.variable: values}
