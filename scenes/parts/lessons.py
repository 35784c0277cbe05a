"""What many networks get right while they learn, against what chance would give them."""

import xarray as xr

from scenes import _bezier
from scenes._theme import LABEL, SMALL, Role, words
from scenes.parts import mark
from scenes.parts.curve import Curve


class Lessons(Curve):
    """The `accuracy` (step, batch) of a batch of runs, under the network's name and its task."""

    def __init__(
        self, runs: xr.Dataset, box: tuple[float, float, float, float], name: str, task: str, role: Role
    ) -> None:
        runs = runs.transpose("step", "batch", ...)
        left, bottom, width, height = box
        span, top = (0.0, float(runs.step[-1])), 1.02
        axes, ticks = ("share of right answers", "training"), {"0": 0.0, "1": 1.0}
        super().__init__(
            runs, "accuracy", box, span, (0, top), *axes, role, "step", ticks, label_role="muted", width=2.5
        )
        chance = bottom + height / runs.sizes["output"] / top
        level = mark(stroke="muted", width=2)
        level.points = _bezier.dashes(left, left + width, chance)
        self.add(level, words("chance", SMALL, "muted").put(left + width + 0.1, chance - 0.06, "left"))
        self.add(words(name, LABEL, role).put(left, bottom + height + 1.2, "left"))
        self.add(words(task, SMALL, "ink").put(left, bottom + height + 0.75, "left"))
