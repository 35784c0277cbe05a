"""A matrix as coloured cells, or one row of it as a strip with its numbers under it."""

import numpy as np
import xarray as xr
from manim import RIGHT, VGroup, VMobject

from scenes import _bezier
from scenes._theme import rgb, signed_colour
from scenes.parts import Array, Part, deal, mark
from scenes.parts.number import Number

STOPS = 10  # colours to a cell: the last blends into the next cell's first just where the gap is


class Heatmap(Part):
    """One variable (clock, row, column), or (clock, column) as a single row: blue is positive, red negative.

    A row is one mobject, coloured by a gradient whose every change falls into the gap between two cells.
    `largest` is the value of full colour; `filled` says how many cells have got their colour, the cell
    `first` and then row by row;
    `x` and `y` are the upper left corner, `cell` a cell's width and height. A `form` writes each number
    under its cell, as far as `numbered` says.
    """

    def __init__(
        self,
        trajectory: xr.Dataset,
        variable: str,
        corner: tuple[float, float],
        cell: tuple[float, float] = (0.32, 0.32),
        clock: str = "step",
        largest: float | None = None,
        form: str = "",
        transposed: bool = False,
        first: tuple[int, int] = (0, 0),
    ) -> None:
        self.variables = (variable,)
        super().__init__(trajectory, clock)
        self.variable, self.transposed = variable, transposed
        values = self._matrix(self.data[variable][0])
        self.m, self.n = values.shape
        self.filled = float(values.size)
        self.places = np.indices(values.shape).reshape(2, -1)  # row and column of each cell
        self.order = np.arange(values.size).reshape(values.shape)
        self.order[self.order < self.order[first]] += 1
        self.order[first] = 0
        self.numbered = 1.0
        self.x, self.y = corner
        self.cell = np.array(cell)
        self.gap = cell[0] / STOPS
        self.largest = float(abs(self.data[variable]).max() or 1.0) if largest is None else largest
        self.frame = mark(stroke="faint", width=1.5)
        self.rows = VGroup(*[self._row() for _ in range(self.m)])
        self.numbers = VGroup(
            *[Number(form, 15, "muted", "centre") for _ in range(values.size if form else 0)]
        )
        self.add(self.frame, self.rows, self.numbers)
        self.show(float(self.instants[-1]))

    def _row(self) -> VMobject:
        row = mark(fill="panel")
        row.sheen_direction = RIGHT
        row.fill_rgbas = np.ones((self.n * STOPS, 4))
        return row

    def _matrix(self, values: Array) -> Array:
        values = np.atleast_2d(values)
        return values.T if self.transposed else values

    @property
    def width(self) -> float:
        return float(self.n * self.cell[0] - self.gap)

    @property
    def height(self) -> float:
        return float(self.m * self.cell[1] - self.gap)

    def edges(self, row: Array | int, column: Array | int) -> tuple[Array, Array, Array, Array]:
        """Left, bottom, right and top of some cells."""
        left, top = self.x + self.cell[0] * np.asarray(column), self.y - self.cell[1] * np.asarray(row)
        wide, tall = self.cell - self.gap
        return left, top - tall, left + wide, top

    def draw(self, t: float) -> None:
        values = self._matrix(self.at(self.variable, t))
        shown = np.clip(self.filled - self.order, 0, 1)
        colours = np.concatenate([signed_colour(values, self.largest), shown[..., None] * self.presence], -1)
        outlines = _bezier.rectangles(*self.edges(*self.places))
        self.frame.points = outlines.copy()
        deal(outlines, self.rows)
        for row, blocks in zip(self.rows, np.repeat(colours, STOPS, axis=1), strict=True):
            row.fill_rgbas[:] = blocks
        for i, number in enumerate(self.numbers):
            left, bottom, right, _ = self.edges(*divmod(i, self.n))
            number.value = values.flat[i]
            number.put((left + right) / 2, bottom - 0.27)
            number.fill_rgbas[:, 3] = shown.flat[i] * self.numbered * self.presence

    def read(self) -> dict[str, Array]:
        if self.filled < self.m * self.n:
            return {}
        colours = np.array([row.fill_rgbas[::STOPS, :3] for row in self.rows]) - rgb("panel")
        reach = {sign: rgb(role) - rgb("panel") for sign, role in ((1, "state"), (-1, "error"))}
        share = {sign: colours @ to / (to @ to) for sign, to in reach.items()}
        miss = {sign: abs(colours - share[sign][..., None] * to).sum(-1) for sign, to in reach.items()}
        values = np.where(miss[1] <= miss[-1], share[1], -share[-1]) * self.largest
        values = values.T if self.transposed else values
        return {self.variable: values.reshape(self.data[self.variable].shape[1:])}
