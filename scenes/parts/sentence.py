"""A sentence on one baseline: arcs as wide as its last word's scores, then as its shares, and bars."""

from itertools import pairwise

import numpy as np
import xarray as xr
from manim import VGroup, VMobject

from scenes import _bezier
from scenes._theme import LABEL, Role, Words, rgb
from scenes.parts import Array, Part, deal, mark
from scenes.parts.labels import box_of
from scenes.parts.number import Number

WIDEST, WHOLE = 9.0, 12.0  # stroke width of the largest score, and of a share of 1
DASH, LOOP = 0.13, 0.2  # length of a dash; radius of a word's arc to itself
GAP, PITCH = 0.2, 0.64  # space between words; least way between the middles of two that carry numbers
MATTERS = (0.02, 0.05)  # a share below the first gets no arc and no number, one above the second both


class Sentence(Part):
    """The words `tokens` (token,), the last one's `scores` and `weights` (step, token) over all of them.

    An arc is as wide as its score; a negative one is red and dashed. `reached` grows the arcs one after
    another. `shared` makes every arc as wide as its share, so that those looked past vanish, and grows bars
    as far as their share of `long`; `numbered` shows the numbers of shares that matter. `x` and `y` are the
    middle and the baseline, `zoom` the size; `apart` goes from 0, as words are set, to 1, so far apart that
    numbers fit under them.
    """

    variables = ("scores", "weights")

    def __init__(
        self, trajectory: xr.Dataset, x: float, y: float, role: Role, widest: float, long: float = 0.9
    ) -> None:
        super().__init__(trajectory, "step")
        self.x, self.y, self.role, self.long = x, y, role, long
        self.per_score = WIDEST / widest
        self.zoom, self.apart = 1.0, 1.0
        self.reached, self.shared, self.numbered = 0.0, 0.0, 0.0
        self.tokens = [str(token) for token in trajectory.tokens.values]
        self.words = VGroup(*[Words(token, LABEL).put(0, 0) for token in self.tokens])
        self.outlines = [[glyph.points.copy() for glyph in word] for word in self.words]
        widths = [float(word.width) for word in self.words]
        least = max(PITCH - (a + b) / 2 for a, b in pairwise(widths))
        self.set, self.spread = _spaced(widths, GAP), _spaced(widths, max(GAP, least))
        self.placed: tuple[list[float], float, float] | None = None
        self.first: Array | None = None
        self.red, self.own = rgb("error"), rgb(role)
        n = len(self.tokens)
        self.arcs = VGroup(*[mark(stroke=role) for _ in range(n)])
        self.rail = mark(stroke="faint", width=2)
        self.bars = VGroup(*[mark(fill=role) for _ in range(n)])
        self.numbers = VGroup(*[Number("{:.2f}", 16, "muted", "centre") for _ in range(n)])
        self.add(self.arcs, self.words, self.rail, self.bars, self.numbers)
        self.show(float(self.instants[-1]))

    @property
    def columns(self) -> Array:
        """Where the words' middles are."""
        return self.x + self.zoom * (self.set + self.apart * (self.spread - self.set))

    def draw(self, t: float) -> None:
        self._draw_words()
        self._draw_arcs(self.at("scores", t), self.at("weights", t))
        self._draw_bars(self.at("weights", t))

    def _draw_words(self) -> None:
        """Words and the ways of the arcs above them, which seldom move."""
        columns = self.columns
        place = (columns.tolist(), self.y, self.zoom)
        if place == self.placed and self.words[0][0].points is self.first:
            return
        for word, outlines, x in zip(self.words, self.outlines, columns, strict=True):
            for glyph, outline in zip(word, outlines, strict=True):
                glyph.points = outline * self.zoom + [x, self.y, 0]
        self.placed, self.first = place, self.words[0][0].points
        self.ways = [self._arc(x, self.y + 0.36 * self.zoom) for x in columns]

    def _draw_arcs(self, scores: Array, weights: Array) -> None:
        """A red arc goes before the arc of its share comes; a blue one turns into it."""
        growth = np.clip(self.reached - np.arange(len(scores)), 0, 1)
        colours = self.red, self.own
        for arc, line, score, weight, grown in zip(
            self.arcs, self.ways, scores.tolist(), weights.tolist(), growth.tolist(), strict=True
        ):
            red = score < 0 and self.shared < 0.5
            gone = self.shared if score >= 0 else min(1.0, 2 * self.shared)
            come = self.shared if score >= 0 else max(0.0, 2 * self.shared - 1)
            arc.points = _dashes(line, grown) if red else _bezier.polyline(line[: 2 + int(grown * 119)])
            arc.stroke_width = (1 - gone) * abs(score) * self.per_score + come * weight * WHOLE
            arc.stroke_rgbas[:, :3] = colours[not red]
            there = (1 - gone if red else 1 - come + come * _matters(weight)) * float(grown > 0)
            arc.stroke_rgbas[:, 3] = (0.6 if red else 0.9) * there * self.presence

    def _arc(self, x: float, top: float) -> Array:
        """121 points from the last word to the word at x; a loop where they are the same."""
        from_x = self.columns[-1]
        s = np.linspace(0, 1, 121)[:, None]
        if x == from_x:
            turn = np.pi * (1.25 + 2 * s)
            return np.hstack([x + LOOP * (0.71 + np.cos(turn)), top + LOOP * (0.71 + np.sin(turn))])
        rise, lean = 0.24 + 0.24 * (from_x - x), 0.12 * (from_x - x)
        corners = [(from_x, top), (from_x - lean, top + rise), (x + lean, top + rise), (x, top)]
        a, b, c, d = np.array(corners)
        return (1 - s) ** 3 * a + 3 * (1 - s) ** 2 * s * b + 3 * (1 - s) * s**2 * c + s**3 * d

    def _draw_bars(self, weights: Array) -> None:
        top = self.y - 0.3
        lengths = self.long * self.shared * weights
        there = min(1.0, 4 * self.shared) * self.presence
        columns = self.columns
        level = np.full_like(lengths, top)
        self.rail.points = _bezier.segments(
            np.stack([columns - 0.2, level], -1), np.stack([columns + 0.2, level], -1)
        )
        self.rail.stroke_rgbas[:, 3] = there
        deal(_bezier.rectangles(columns - 0.17, top - lengths, columns + 0.17, top), self.bars)
        for bar, number, x, length, weight in zip(
            self.bars, self.numbers, columns.tolist(), lengths.tolist(), weights.tolist(), strict=True
        ):
            bar.fill_rgbas[:, 3] = there
            number.value = weight
            number.put(x, top - length - 0.27)
            number.fill_rgbas[:, 3] = _matters(weight) * self.numbered * self.presence

    def ring(self) -> VMobject:
        """A frame round the last word."""
        left, bottom, right, top = box_of(self.words[-1])
        ring = mark(stroke="focus", width=3)
        ring.points = _bezier.rectangles(left - 0.14, bottom - 0.14, right + 0.14, top + 0.14)
        return ring

    def read(self) -> dict[str, Array]:
        found = {}
        if self.reached == len(self.tokens) and not self.shared:
            widths = np.array([arc.stroke_width for arc in self.arcs], dtype=float)
            red = np.array([np.allclose(arc.stroke_rgbas[0, :3], rgb("error")) for arc in self.arcs])
            found["scores"] = np.where(red, -widths, widths) / self.per_score
        if self.shared:
            found["weights"] = np.array([bar.height for bar in self.bars]) / self.long / self.shared
        return found


def _matters(share: float) -> float:
    return min(max((share - MATTERS[0]) / (MATTERS[1] - MATTERS[0]), 0.0), 1.0)


def _dashes(line: Array, grown: float) -> Array:
    """The first part of a line (n, 2) in dashes, of which a whole number makes the whole line."""
    way = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(line, axis=0).T))])
    ends = np.linspace(0, way[-1], 2 * round(way[-1] / DASH / 2) + 2)
    along = np.linspace(ends[:-1:2], ends[1::2], 7, axis=1).clip(max=grown * way[-1])
    spots = np.stack([np.interp(along, way, line[:, axis]) for axis in (0, 1)], -1)
    drawn = along[:, 0] < grown * way[-1]
    return _bezier.segments(spots[drawn, :-1].reshape(-1, 2), spots[drawn, 1:].reshape(-1, 2))


def _spaced(widths: list[float], gap: float) -> Array:
    """Middles of words of these widths, set side by side round 0, all with the same gap."""
    middles = [0.0]
    for before, after in pairwise(widths):
        middles.append(middles[-1] + (before + after) / 2 + gap)
    edges = np.array([middles[0] - widths[0] / 2, middles[-1] + widths[-1] / 2])
    return np.array(middles) - edges.mean()
