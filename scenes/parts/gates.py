"""Gates as vessels, filled as far as the gate is open."""

import numpy as np
from manim import VMobject

from scenes import _bezier
from scenes.parts import Array, mark
from scenes.parts.memory import Passage


class Gates(Passage):
    """Every gate, between 0 and 1, a vessel filled from the bottom: full is open, empty is shut."""

    half = 0.27

    def _shapes(self) -> list[VMobject]:
        return [mark(fill="panel", stroke="faint", width=1.5), mark(fill="updated")]

    def _edges(self, y: float) -> tuple[float, float]:
        return y - 0.42 * self.pitch, y + 0.42 * self.pitch

    def _write(self, shapes: list[VMobject], x: Array, y: float, values: Array, alpha: float) -> None:
        vessel, level = shapes
        low, high = self._edges(y)
        vessel.points = _bezier.rectangles(x - self.half, low, x + self.half, high)
        level.points = _bezier.rectangles(x - self.half, low, x + self.half, low + (high - low) * np.asarray(values))
        vessel.fill_rgbas[:, 3] = vessel.stroke_rgbas[:, 3] = level.fill_rgbas[:, 3] = alpha

    def _value(self, shapes: list[VMobject], x: Array, y: float) -> Array:
        low, high = self._edges(y)
        return (shapes[1].points.reshape(-1, 16, 3)[:, :, 1].max(1) - low) / (high - low)
