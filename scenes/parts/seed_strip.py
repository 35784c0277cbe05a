"""The same training from several seeds, side by side, each small."""

import numpy as np
import xarray as xr
from manim import VGroup

from scenes import _bezier
from scenes._language import said
from scenes._theme import figures
from scenes.parts import Array, Part, deal, mark
from scenes.parts.number import Number
from scenes.parts.space import SIDES

FOOT = 0.75  # height of a panel's numbers and name


class SeedStrip(Part):
    """A batch of runs: in each panel two arrows as far apart as their `cosine` (step, batch) says.

    They lie mirrored about the upright, so the angle between them is true in whatever space it was measured.
    Below, the two words' `content_share` (step, batch, sentence). The run of `own` is framed.
    """

    variables = ("cosine", "content_share")
    precision = 0.005

    def __init__(
        self,
        batch: xr.Dataset,
        seeds: list[int],
        own: int,
        box: tuple[float, float, float, float],
        columns: int,
    ) -> None:
        super().__init__(batch[list(self.variables)].transpose("step", "batch", ...), "step")
        left, bottom, width, height = box
        rows = -(-len(seeds) // columns)
        self.size = np.array([width / columns, height / rows])
        self.corners = [
            np.array([left, bottom]) + self.size * (i % columns, rows - 1 - i // columns)
            for i in range(len(seeds))
        ]
        self.long = min(self.size[0] / 2, (self.size[1] - FOOT) / 2) - 0.1
        self.foot = np.array([self.size[0] / 2, FOOT + 0.45 * self.long])
        self.ground = mark(fill="panel")
        self.frame = mark(stroke="muted", width=3)
        self.crosses = mark(stroke="muted", width=2)
        self.arrows = [VGroup(*[mark(fill=role) for role in SIDES[:2]]) for _ in seeds]
        self.numbers = [VGroup(*[Number("{:.2f}", 18, role, "centre") for role in SIDES[:2]]) for _ in seeds]
        names = VGroup(
            *[
                figures(said("seed {seed}", seed=seed), 15, "ink" if seed == own else "muted").put(
                    corner[0] + self.size[0] / 2, corner[1] + 0.16
                )
                for seed, corner in zip(seeds, self.corners, strict=True)
            ]
        )
        self._still(seeds.index(own) if own in seeds else None)
        self.add(self.ground, self.frame, self.crosses, names, *self.arrows, *self.numbers)
        self.show(float(self.instants[-1]))

    def _still(self, own: int | None) -> None:
        low = np.array(self.corners) + 0.06
        high = np.array(self.corners) + self.size - 0.06
        self.ground.points = _bezier.rectangles(*low.T, *high.T)
        if own is not None:
            self.frame.points = _bezier.rectangles(*low[own], *high[own])
        feet = np.array([corner + self.foot for corner in self.corners])
        self.crosses.points = np.vstack(
            [_bezier.segments(feet - arm, feet + arm) for arm in ((0.07, 0), (0, 0.07))]
        )

    def draw(self, t: float) -> None:
        half, shares = np.arccos(np.clip(self.at("cosine", t), -1, 1)) / 2, self.at("content_share", t)
        feet = np.array(self.corners) + self.foot
        sides = np.stack([-np.sin(half), np.cos(half), np.sin(half), np.cos(half)], -1).reshape(-1, 2, 2)
        tips = feet[:, None] + self.long * sides
        arrows = _bezier.arrows(feet.repeat(2, axis=0), tips.reshape(-1, 2), 0.06, 0.24)
        deal(arrows, [arrow for pair in self.arrows for arrow in pair])
        for foot, corner, numbers, pair in zip(feet, self.corners, self.numbers, shares, strict=True):
            for side, number, share in zip((-1, 1), numbers, pair, strict=True):
                number.value = share
                number.put(foot[0] + 0.45 * side, corner[1] + 0.48)

    def read(self) -> dict[str, Array]:
        tips = np.array([[arrow.points[12, :2] for arrow in pair] for pair in self.arrows])
        one, other = np.moveaxis(tips - [[corner + self.foot] for corner in self.corners], 1, 0)
        shares = [[float(number.text.replace(",", ".")) for number in pair] for pair in self.numbers]
        return {"cosine": (one * other).sum(-1) / self.long**2, "content_share": np.array(shares)}
