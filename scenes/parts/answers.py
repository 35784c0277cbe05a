"""What a network answers when it is asked: a vessel for every answer, filled with the share it gives."""

import numpy as np
import xarray as xr
from manim import VGroup

from scenes import _bezier
from scenes._language import said
from scenes._theme import SMALL, Words, figures
from scenes.parts import Array, Part, mark

HALF = 0.27  # half the width of a vessel
SHARE = 16  # size of the shares in numbers


class Answers(Part):
    """Shares `y` (step, output) at a recorded step of training, a dashed line where each would be by chance.

    `grown` 0 … 1 fills the vessels. The right answer, the first, is bright; the others are muted.
    """

    variables = ("y",)
    held = True

    def __init__(self, trajectory: xr.Dataset, columns: Array, bottom: float, height: float) -> None:
        super().__init__(trajectory, "step")
        self.bottom, self.tall, self.grown = bottom, height, 1.0
        self.lefts, self.rights = columns - HALF, columns + HALF
        vessels, self.levels = mark(fill="panel", stroke="faint", width=1.5), mark(fill="state")
        vessels.points = _bezier.rectangles(self.lefts, bottom, self.rights, bottom + height)
        chance = mark(stroke="muted", width=2)
        ends = np.array([columns[0] - HALF - 0.1, columns[-1] + HALF + 0.1])
        chance.points = _bezier.dashes(*ends, bottom + height / len(columns))
        self.add(vessels, self.levels, chance)
        self.show(self.instants[-1])
        says = VGroup()
        for i, (x, name, share) in enumerate(zip(columns, trajectory.output.values, self._shares())):
            role = "muted" if i else "ink"
            places = 1 if 0.995 <= share < 1 else 0
            says.add(Words(str(name), SMALL, role).put(x, bottom - 0.32))
            percent = said("{share}%", share=f"{100 * share:.{places}f}")
            says.add(figures(percent, SHARE, role).put(x, bottom + height + 0.12))
        chances = said("1 in {count}", count=len(columns))
        says.add(figures(chances, SHARE).put(ends[1] + 0.1, self._chance() - 0.07, "left"))
        self.add(says)

    def _shares(self) -> Array:
        shares: Array = self.nearest("y", self.t)
        return shares

    def _chance(self) -> float:
        return self.bottom + self.tall / len(self.lefts)

    def draw(self, t: float) -> None:
        tops = self.bottom + self.tall * self.grown * self._shares()
        self.levels.points = _bezier.rectangles(self.lefts, self.bottom, self.rights, tops)

    def read(self) -> dict[str, Array]:
        if self.grown < 1:
            return {}
        tops = self.levels.points.reshape(-1, 16, 3)[:, :, 1].max(1)
        return {"y": (tops - self.bottom) / self.tall}
