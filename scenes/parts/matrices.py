"""Attention of all words at once: Q meets Kᵀ, rows become shares, shares meet V."""

import numpy as np
import xarray as xr
from manim import Animation, FadeIn, VGroup

from scenes._film import Tune
from scenes._language import said
from scenes._theme import SMALL, Words, math, words
from scenes.parts.heatmap import Heatmap
from scenes.parts.product import Product

CELL, SPACE = 0.3, 0.3  # side of a square cell; between factor and product
WIDE, HIGH = 2.4, 1.8  # length of a vector that lies, and of one that stands
TOP, Q, S, A, OUT = -0.1, -5.25, -2.55, 0.4, 2.5  # upper edge of the lower row; left edges in it


class Matrices:
    """One sentence of a trained attention, each product below and to the right of its two factors.

    `product` counts up the score of the last word with the word that it looks at most.
    """

    def __init__(self, trajectory: xr.Dataset) -> None:
        tokens = [str(token) for token in trajectory.tokens.values]
        d = trajectory.sizes["channel"]
        flat, tall, square = (WIDE / d, CELL), (CELL, HIGH / d), (CELL, CELL)
        self.side = CELL * len(tokens)
        above = TOP + SPACE
        last, best = len(tokens) - 1, int(trajectory.weights.values[-1, -1].argmax())
        self.q = Heatmap(trajectory, "q", (Q, TOP), flat)
        self.k = Heatmap(trajectory, "k", (S, above + HIGH), tall, transposed=True)
        self.scores = Heatmap(trajectory, "scores", (S, TOP), square, first=(last, best))
        self.weights = Heatmap(trajectory, "weights", (A, TOP), square)
        self.v = Heatmap(trajectory, "v", (OUT, above + self.side), flat)
        self.outputs = Heatmap(trajectory, "outputs", (OUT, TOP), flat)
        middle = Q + WIDE / 2
        self.product = Product(self.q, self.k, self.scores, (last, best), float(np.sqrt(d)), (middle, 1.0))
        self.parts = (self.q, self.k, self.scores, self.weights, self.v, self.outputs, self.product)
        for part in self.parts:
            part.tune(presence=0)
        for empty in (self.scores, self.weights, self.outputs):
            empty.tune(filled=0)
        asks = said("{one} asks, {other} offers", one=tokens[last], other=tokens[best])
        self.cell = VGroup(words(asks, SMALL, "muted").put(middle, 1.5))
        self._name(tokens)

    def _name(self, tokens: list[str]) -> None:
        """Words beside the rows and above the columns, symbols below or beside the matrices."""
        rows = [TOP - CELL * (i + 0.5) - 0.06 for i in range(len(tokens))]
        before = [Words(w, SMALL).put(Q - 0.15, y, "right") for w, y in zip(tokens, rows, strict=True)]
        after = [
            Words(f"{w}′", SMALL).put(OUT + WIDE + 0.12, y, "left") for w, y in zip(tokens, rows, strict=True)
        ]
        asked = [Words(w, 16).rotate(np.pi / 2) for w in tokens]
        for i, word in enumerate(asked):
            word.move_to([S + CELL * (i + 0.45), TOP + SPACE + HIGH + 0.08 + word.height / 2, 0])
        base, middle = TOP - self.side - 0.3, TOP - self.side / 2
        self.asked = VGroup(
            *before,
            *asked,
            math("Q").move_to([Q + WIDE / 2, base, 0]),
            math("K^T").move_to([S + self.side + 0.4, TOP + SPACE + HIGH / 2, 0]),
        )
        self.scored = VGroup(math("Q K^T \\/ sqrt(d)").move_to([S + self.side / 2, base, 0]))
        self.shared = VGroup(
            math("-->").move_to([(S + self.side + A) / 2, middle, 0]),
            words("softmax", 16, "muted").put((S + self.side + A) / 2, middle + 0.2),
            math("A").move_to([A + self.side / 2, base, 0]),
        )
        self.said = VGroup(
            *after,
            math("V").move_to([OUT + WIDE + 0.3, TOP + SPACE + self.side / 2, 0]),
            math("X + A V").move_to([OUT + WIDE / 2, base, 0]),
        )
        self.names = (self.asked, self.scored, self.shared, self.said)

    @staticmethod
    def appear(names: VGroup, *parts: Heatmap | Product) -> list[Animation]:
        """Animations that bring in some matrices with their names."""
        return [FadeIn(names), *[Tune(part, presence=1) for part in parts]]
