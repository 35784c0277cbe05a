"""A word that its context moves: weighted arrows, tip to tail."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import xarray as xr
from manim import VGroup, VMobject

from scenes import _bezier
from scenes._language import said
from scenes._theme import Role, Words, figures
from scenes.parts import Array, Part, deal, mark
from scenes.parts.labels import Rectangle, along, names
from scenes.parts.space import Space, diamonds
from sims.attention import cosine

REACH, FARTHER = 0.15, 0.6  # from the word's dot to the tip of its arrow; how much farther off a name may be


def on_the_way(end: xr.Dataset) -> xr.Dataset:
    """The cosine of the two words on their straight ways from `bank_before` to `bank_after`, by `moved`."""
    way = xr.DataArray(np.linspace(0, 1, 401), dims="moved")
    words_there = end.bank_before + (end.bank_after - end.bank_before) * way
    one, other = words_there.transpose("sentence", "moved", "feature").values
    return xr.Dataset({"cosine": ("moved", cosine(one, other))}, {"moved": way.values})


class Shift(Part):
    """One sentence's arrows, and the last word that they move; one sentence of `on_plane`.

    First each word's value (token, axis) as an arrow from the origin: `grown`. Then shrunk to its share:
    `shared`. Then tip to tail from where the word starts: `chained`. The word follows their sum: `moved`;
    it stays an arrow from the origin, so that the angle between two of them is the one that is spoken of.
    Its name stands above it, or beside it as far as `aside` says; beyond 1, farther off.
    """

    variables = ("value_xy", "arrow_xy", "before_xy", "after_xy", "weights")

    def __init__(self, trajectory: xr.Dataset, space: Space, role: Role, label: str, side: str) -> None:
        super().__init__(trajectory, "step")
        self.space, self.side, self.role = space, side, role
        self.tokens = [str(token) for token in trajectory.tokens.values]
        self.grown, self.shared, self.chained, self.moved = 0.0, 0.0, 0.0, 0.0
        self.arrows_there, self.label_there, self.aside = 1.0, 0.0, 1.0
        self.arrows = VGroup(*[mark(fill=role) for _ in self.tokens])
        self.moving = mark(fill=role)
        self.dot = mark(fill=role, stroke="ground", width=2)
        self.label = Words(label, 24, role, weight="BOLD").put(0, 0)
        self.half = float(self.label.width) / 2
        self.outlines = [glyph.points.copy() for glyph in self.label]
        self.add(self.arrows, self.moving, self.dot, self.label)
        self.show(float(self.instants[-1]))

    def ends(self, t: float) -> tuple[Array, Array]:
        """Feet and tips (token, 2) of the arrows, on the plane."""
        value, arrow = self.at("value_xy", t), self.at("arrow_xy", t)
        along = self.grown * (value + self.shared * (arrow - value))
        chain = self.at("before_xy", t) + self.grown * (np.cumsum(arrow, axis=0) - arrow)
        feet = self.chained * chain
        return feet, feet + along

    def draw(self, t: float) -> None:
        feet, tips = (self.space.place(xy) for xy in self.ends(t))
        deal(_bezier.arrows(feet, tips, 0.075, 0.26), self.arrows)
        for arrow in self.arrows:
            arrow.fill_rgbas[:, 3] = self.arrows_there * min(1.0, 10 * self.grown) * self.presence
        before, after = self.at("before_xy", t), self.at("after_xy", t)
        now = self.space.place(before + self.moved * (after - before))
        there = min(1.0, 10 * self.label_there) * self.presence
        origin = self.space.place(np.zeros(2))
        short = 1 - REACH / max(float(np.hypot(*(now - origin))), REACH)
        self.moving.points = _bezier.arrows(origin, origin + short * (now - origin), 0.06, 0.24)
        self.moving.fill_rgbas[:, 3] = min(1.0, 5 * self.moved) * there
        round_now = _bezier.discs(now, 0.14) if self.side == "left" else diamonds(now[None], np.array([0.17]))
        self.dot.points = round_now
        self.dot.fill_rgbas[:, 3] = self.dot.stroke_rgbas[:, 3] = there
        way = -1 if self.side == "left" else 1
        beside = np.array([(self.half + 0.22) * way, -0.1])
        farther = np.array([FARTHER * way * max(0.0, self.aside - 1), 0])
        reach = [*(now + np.array([0, 0.24]) + min(1.0, self.aside) * (beside - [0, 0.24]) + farther), 0]
        for glyph, outline in zip(self.label, self.outlines, strict=True):
            glyph.points = outline + reach
            # no name on the way, where it would cross others
            glyph.fill_rgbas[:, 3] = self.label_there * (2 * self.moved - 1) ** 16 * self.presence

    def read(self) -> dict[str, Array]:
        place, found = self.space, {}
        if self.grown == 1 and self.shared in (0, 1):
            ends = np.array([(arrow.points[12, :2] + 0, self._foot(arrow)) for arrow in self.arrows])
            found["arrow_xy" if self.shared else "value_xy"] = (ends[:, 0] - ends[:, 1]) / place.scale
        if self.moved == 1:
            found["after_xy"] = (self.dot.get_center()[:2] - (place.x0, place.y0)) / place.scale
        return found

    def joints(self) -> Array:
        """Where the word starts and the arrows end when they lie tip to tail, (token + 1, 2) in the frame."""
        before = self.at("before_xy", self.t)
        return self.space.place(before + np.vstack([np.zeros(2), self.at("arrow_xy", self.t).cumsum(0)]))

    def taken(self) -> list[Rectangle]:
        """Places that the arrows tip to tail, the word on its way and its name will need."""
        joints = self.joints()
        (x, y), (to_x, to_y) = joints[0], joints[-1]
        wide = 2 * self.half + 0.25
        places = [(x - wide, y - 0.15, x + wide, y + 0.2), (to_x - 0.45, to_y - 0.2, to_x + 0.45, to_y + 0.5)]
        arrows = [spot for foot, tip in pairwise(joints) for spot in along(foot, tip)]
        return [
            *places,
            *arrows,
            *along(self.space.place(np.zeros(2)), joints[-1]),
            *along(self.space.place(np.zeros(2)), joints[0]),
        ]

    def name_values(self, box: Rectangle) -> VGroup:
        """The words at the tips of their full values."""
        origin, tips = self.space.place(np.zeros(2)), self.space.place(self.at("value_xy", self.t))
        labels = [Words(token, 20, self.role) for token in self.tokens]
        return names(labels, tips, [spot for tip in tips for spot in along(origin, tip)], box)

    def name_arrows(self, taken: Sequence[Rectangle], box: Rectangle) -> VGroup:
        """The share and the word beside every arrow that can be seen."""
        joints, weights = self.joints(), self.at("weights", self.t)
        seen = np.flatnonzero(weights >= 0.05)
        factors = [said("{share:.2f} × {word}", share=weights[i], word=self.tokens[i]) for i in seen]
        labels = [figures(factor, 16, "ink") for factor in factors]
        return names(labels, (joints[seen] + joints[seen + 1]) / 2, [*taken, *self.taken()], box)

    @staticmethod
    def _foot(arrow: VMobject) -> Array:
        return (arrow.points[0, :2] + arrow.points[24, :2]) / 2
