"""Gates as vessels, filled as far as the gate is open."""

from typing import Any

import numpy as np

from scenes import _bezier
from scenes._theme import Role
from scenes.parts import Array, mark
from scenes.parts.memory import HALF, Passage, Row


class Gates(Passage):
    """Numbers between 0 and 1, each a vessel filled from the bottom: a full one is open, an empty one shut."""

    def __init__(self, *args: Any, role: Role = "updated", **kwargs: Any) -> None:
        self.role = role
        super().__init__(*args, **kwargs)

    def _shapes(self) -> Row:
        return [mark(fill="panel", stroke="faint", width=1.5), mark(fill=self.role)]

    def _write(self, row: Row, x: Array, low: float, high: float, values: Array, alpha: float) -> None:
        vessel, level = row
        vessel.points = _bezier.rectangles(x - HALF, low, x + HALF, high)
        level.points = _bezier.rectangles(x - HALF, low, x + HALF, low + (high - low) * np.asarray(values))
        vessel.fill_rgbas[:, 3] = vessel.stroke_rgbas[:, 3] = level.fill_rgbas[:, 3] = alpha

    def _value(self, row: Row, x: Array, low: float, high: float) -> Array:
        return (row[1].points.reshape(-1, 16, 3)[:, :, 1].max(1) - low) / (high - low)
