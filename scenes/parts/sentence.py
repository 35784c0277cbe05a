"""A sentence on one baseline: arcs as wide as its last word's scores, bars as long as its shares."""

from itertools import pairwise

import numpy as np
import xarray as xr
from manim import VGroup

from scenes import _bezier
from scenes._theme import LABEL, Role, rgb, words
from scenes.parts import Array, Part, mark
from scenes.parts.number import Number

WIDEST = 12.0  # stroke width of the largest score
DASH, LOOP = 0.13, 0.2  # length of a dash; radius of a word's arc to itself
GAP, PITCH = 0.2, 0.7  # space between words; least way between the middles of two that carry numbers


class Sentence(Part):
    """The words `tokens` (token,), the last one's `scores` and `weights` (step, token) over all of them.

    An arc is as wide as its score; a negative one is red and dashed. A bar hangs as far as its share of 1.
    `reached` grows the arcs one after another, `shared` the bars and `numbered` their numbers, `long` is the
    length of a whole one. `x` and `y` are the middle and the baseline, `zoom` the size; `apart` goes from 0,
    as words are set, to 1, so far apart that numbers fit under them. `lit` colours the last word.
    """

    variables = ("scores", "weights")

    def __init__(
        self, trajectory: xr.Dataset, x: float, y: float, role: Role, widest: float, long: float = 0.9
    ) -> None:
        super().__init__(trajectory, "step")
        self.x, self.y, self.role, self.long = x, y, role, long
        self.per_score = WIDEST / widest
        self.zoom, self.apart, self.lit = 1.0, 1.0, 0.0
        self.reached, self.shared, self.numbered = 0.0, 0.0, 0.0
        self.tokens = [str(token) for token in trajectory.tokens.values]
        self.words = VGroup(*[words(token, LABEL).put(0, 0) for token in self.tokens])
        self.outlines = [[glyph.points.copy() for glyph in word] for word in self.words]
        widths = [float(word.width) for word in self.words]
        self.set, self.spread = _spaced(widths, 0.0), _spaced(widths, PITCH)
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
        self._draw_arcs(self.at("scores", t))
        self._draw_bars(self.at("weights", t))

    def _draw_words(self) -> None:
        last = rgb("ink") + self.lit * (rgb(self.role) - rgb("ink"))
        for i, (word, outlines) in enumerate(zip(self.words, self.outlines, strict=True)):
            for glyph, outline in zip(word, outlines, strict=True):
                glyph.points = outline * self.zoom + [self.columns[i], self.y, 0]
                if i == len(self.words) - 1:
                    glyph.fill_rgbas[:, :3] = last

    def _draw_arcs(self, scores: Array) -> None:
        growth = np.clip(self.reached - np.arange(len(scores)), 0, 1)
        for arc, x, score, grown in zip(self.arcs, self.columns, scores, growth, strict=True):
            line = self._arc(x, self.y + 0.36 * self.zoom)[: 2 + int(grown * 119)]
            arc.points = _dashed(line) if score < 0 else _bezier.polyline(line)
            arc.stroke_width = abs(score) * self.per_score
            arc.stroke_rgbas[:, :3] = rgb("error" if score < 0 else self.role)
            arc.stroke_rgbas[:, 3] = (0.0 if not grown else 0.55 if score < 0 else 0.9) * self.presence

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
        self.rail.points = _bezier.segments(
            np.stack([self.columns - 0.2, np.full_like(lengths, top)], -1),
            np.stack([self.columns + 0.2, np.full_like(lengths, top)], -1),
        )
        self.rail.stroke_rgbas[:, 3] = there
        for bar, number, x, length, weight in zip(
            self.bars, self.numbers, self.columns, lengths, weights, strict=True
        ):
            bar.points = _bezier.rectangles(x - 0.17, top - length, x + 0.17, top)
            bar.fill_rgbas[:, 3] = there
            number.value = weight
            number.put(x, top - length - 0.27)
            number.fill_rgbas[:, 3] = self.numbered * self.presence

    def read(self) -> dict[str, Array]:
        found = {}
        if self.reached == len(self.tokens):
            widths = np.array([arc.stroke_width for arc in self.arcs], dtype=float)
            red = np.array([np.allclose(arc.stroke_rgbas[0, :3], rgb("error")) for arc in self.arcs])
            found["scores"] = np.where(red, -widths, widths) / self.per_score
        if self.shared:
            found["weights"] = np.array([bar.height for bar in self.bars]) / self.long / self.shared
        return found


def _dashed(line: Array) -> Array:
    """Every second stretch of a line."""
    steps = np.hypot(*np.diff(line, axis=0).T)
    drawn = ((np.cumsum(steps) - steps / 2) // DASH) % 2 == 0
    return _bezier.segments(line[:-1][drawn], line[1:][drawn])


def _spaced(widths: list[float], pitch: float) -> Array:
    """Middles of words of these widths, set side by side round 0, none nearer than the pitch."""
    middles = [0.0]
    for before, after in pairwise(widths):
        middles.append(middles[-1] + max(pitch, (before + after) / 2 + GAP))
    edges = np.array([middles[0] - widths[0] / 2, middles[-1] + widths[-1] / 2])
    return np.array(middles) - edges.mean()
