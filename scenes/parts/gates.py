"""Gates as vessels, filled as far as the gate is open."""

from typing import Any

import xarray as xr

from scenes._theme import Role
from scenes.parts import Array, mark
from scenes.parts.memory import HALF, Passage, Row, boxes


class Gates(Passage):
    """Numbers between 0 and 1, each a vessel filled from the bottom: full is open, empty is shut."""

    def __init__(self, *args: Any, role: Role = "updated", **kwargs: Any) -> None:
        self.role = role
        super().__init__(*args, **kwargs)

    def _shapes(self) -> Row:
        return [mark(fill="panel", stroke="faint", width=1.5), mark(fill=self.role)]

    def _outlines(self, x: Array, low: Array, high: Array, values: Array) -> list[Array]:
        left, right = x - HALF, x + HALF
        return [boxes(left, low, right, high), boxes(left, low, right, low + (high - low) * values)]

    def _fade(self, row: Row, alpha: float) -> None:
        vessel, level = row
        vessel.fill_rgbas[:, 3] = vessel.stroke_rgbas[:, 3] = level.fill_rgbas[:, 3] = alpha

    def _value(self, row: Row, x: Array, low: float, high: float) -> Array:
        return (row[1].points.reshape(-1, 16, 3)[:, :, 1].max(1) - low) / (high - low)


def opening(read: xr.Dataset, word: int) -> Array:
    """How much wider each gate `z` (token, unit) is open at a word than, on average, after it."""
    wider: Array = (read.z[word] - read.z[word + 1 :].mean("token")).values
    return wider


def clearest(read: xr.Dataset, word: int) -> tuple[int, int]:
    """The unit whose gate lets most in at `word` and keeps most out at one later word, and the latter."""
    change = abs(read.h_tilde - read.h_before).values
    z = read.z.values
    kept_out = ((1 - z) * change)[word + 1 :]
    unit = int(((z * change)[word] * kept_out.max(0)).argmax())
    return unit, word + 1 + int(kept_out[:, unit].argmax())
