"""How a word's scores come about, and how they turn into shares: one row for each word it looks at."""

import numpy as np
import xarray as xr
from manim import VGroup

from scenes import _bezier
from scenes._theme import Role
from scenes.parts import Array, Part, deal, mark
from scenes.parts.heatmap import Heatmap
from scenes.parts.number import Number


class ScoreTable(Part):
    """Scores, e^scores and shares of one query, in the rows of its heatmap of keys.

    `swept` runs over the rows: in the row that it passes, the products of query and key are added up cell
    by cell, within a frame; rows before show their `scores`. `slid` moves the scores to where the keys were.
    `raised` shows e^score and its total, `shared` bars and numbers of the shares, and their total.
    """

    variables = ("query", "k", "scores", "weights")
    precision = 0.005

    def __init__(self, trajectory: xr.Dataset, query: Heatmap, keys: Heatmap, role: Role) -> None:
        super().__init__(trajectory, "step")
        self.query, self.keys = query, keys
        self.swept, self.slid, self.raised, self.shared = 0.0, 0.0, 0.0, 0.0
        n = keys.m
        self.pair, self.row = mark(stroke="focus", width=3), mark(stroke="focus", width=2)
        self.scores = VGroup(*[Number("{:.2f}", 18, "ink", "right") for _ in range(n)])
        power = "{:,.2f}" if self.data["scores"].max() < 11 else "{:.1e}"
        self.powers = VGroup(*[Number(power, 18, "ink", "right") for _ in range(n + 1)])
        self.shares = VGroup(*[Number("{:.2f}", 18, "ink", "right") for _ in range(n + 1)])
        self.bars = VGroup(*[mark(fill=role) for _ in range(n)])
        self.rule = mark(stroke="muted", width=2)
        self.add(self.pair, self.row, self.scores, self.powers, self.bars, self.shares, self.rule)
        left = keys.x
        self.columns = {"score": left + 4.5, "slid": left + 0.9, "power": left + 2.6, "share": left + 5.5}
        self.show(float(self.instants[-1]))

    def lines(self) -> Array:
        """Baselines of the rows and of the total under them."""
        _, bottom, _, top = self.keys.edges(np.arange(self.keys.m + 1), 0)
        return (bottom + top) / 2 - 0.08

    def draw(self, t: float) -> None:
        q, k = self.at("query", t), self.at("k", t)
        sums = np.cumsum(q * k, axis=-1) / np.sqrt(len(q))
        now = int(np.clip(np.floor(self.swept), 0, self.keys.m - 1))
        within = int(np.clip((self.swept - now) * len(q), 0, len(q) - 1))
        lines = self.lines()
        x = self.columns["score"] + self.slid * (self.columns["slid"] - self.columns["score"])
        for i, (number, y) in enumerate(zip(self.scores, lines[:-1], strict=True)):
            done = self.swept >= i + 1 or i < now
            number.value = self.at("scores", t)[i] if done else sums[i, within]
            number.put(x, y)
            number.fill_rgbas[:, 3] = (1.0 if done or (i == now and self.swept > 0) else 0.0) * self.presence
        self._frames(now, within)
        self._shares(self.at("scores", t), self.at("weights", t), lines)

    def _frames(self, row: int, column: int) -> None:
        """A frame round the row that is added up, and one round the two numbers multiplied now."""
        there = (1.0 if 0 < self.swept < self.keys.m else 0.0) * self.presence
        left, bottom, _, top = self.keys.edges(row, 0)
        air = 0.05
        self.row.points = _bezier.rectangles(
            left - air, bottom - air, left + self.keys.width + air, top + air
        )
        pairs = [part.edges(i, column) for part, i in ((self.query, 0), (self.keys, row))]
        self.pair.points = np.vstack([_bezier.rectangles(*edges) for edges in pairs])
        self.row.stroke_rgbas[:, 3] = self.pair.stroke_rgbas[:, 3] = there

    def _shares(self, scores: Array, weights: Array, lines: Array) -> None:
        powers = np.exp(scores)
        for values, numbers, x, there in (
            (powers, self.powers, self.columns["power"], self.raised),
            (weights, self.shares, self.columns["share"], self.shared),
        ):
            for value, number, y in zip([*values, values.sum()], numbers, lines, strict=True):
                number.value = value
                number.put(x, y)
                number.fill_rgbas[:, 3] = there * self.presence
        left, right = self.columns["power"] + 0.3, self.columns["share"] - 0.7
        feet = lines[:-1]
        ends = left + (right - left) * weights * self.shared
        deal(_bezier.rectangles(left, feet - 0.04, ends, feet + 0.2), self.bars)
        for bar in self.bars:
            bar.fill_rgbas[:, 3] = self.shared * self.presence
        y = (lines[-1] + lines[-2]) / 2 + 0.08
        self.rule.points = _bezier.segments((self.columns["power"] - 1.0, y), (self.columns["share"], y))
        self.rule.stroke_rgbas[:, 3] = self.raised * self.presence

    def read(self) -> dict[str, Array]:
        found = {}
        if self.swept >= self.keys.m:
            found["scores"] = _said(self.scores)
        if self.shared:
            found["weights"] = _said(self.shares[:-1])
        return found


def _said(numbers: VGroup) -> Array:
    return np.array([float(number.text.replace("−", "-").replace(",", ".")) for number in numbers])
