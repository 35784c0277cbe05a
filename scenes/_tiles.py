"""The picture as equal tiles: however scattered a change, it is found, copied, converted in few steps."""

from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Mask = NDArray[np.bool_]  # (rows, columns) of tiles
LARGEST = 40  # pixels to a side: 1080 and 1920 are multiples of it


@dataclass(frozen=True)
class Grid:
    """A picture of so many pixels in tiles of `across` × `down`, both even, in `rows` and `columns`."""

    width: int
    height: int

    @cached_property
    def across(self) -> int:
        return _side(self.width)

    @cached_property
    def down(self) -> int:
        return _side(self.height)

    @cached_property
    def columns(self) -> int:
        return self.width // self.across

    @cached_property
    def rows(self) -> int:
        return self.height // self.down

    @property
    def shape(self) -> tuple[int, int]:
        """The shape of a mask, which has a truth for every tile."""
        return self.rows, self.columns

    def meets(self, left: float, top: float, right: float, bottom: float) -> tuple[slice, slice]:
        """The tiles, as an index of a mask, that meet a box in pixels: none for one beside the picture."""
        return (
            slice(max(int(top // self.down), 0), max(int(-(-bottom // self.down)), 0)),
            slice(max(int(left // self.across), 0), max(int(-(-right // self.across)), 0)),
        )

    def cut(self, plane: Bytes) -> NDArray[Any]:
        """A view (rows, lines of a tile, columns) of a plane (lines, bytes), each element a tile's line."""
        lines, length = plane.shape
        return plane.view(f"V{length // self.columns}").reshape(self.rows, lines // self.rows, self.columns)

    def differing(self, a: Bytes, b: Bytes, within: Mask) -> Mask:
        """The tiles in which two pictures (height, width, 4) differ, of those `within`."""
        found = np.zeros_like(within)
        rows, columns = np.flatnonzero(within.any(1)), np.flatnonzero(within.any(0))
        if not len(rows):
            return found
        top, bottom, left, right = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
        part = (
            slice(top * self.down, bottom * self.down),
            slice(left * self.across, right * self.across),
        )
        unlike = a.view(np.uint32)[..., 0][part] != b.view(np.uint32)[..., 0][part]
        lines = unlike.view(np.uint8).reshape(bottom - top, self.down, -1).max(1)
        found[top:bottom, left:right] = lines.reshape(bottom - top, right - left, self.across).any(-1)
        return found & within


def _side(length: int) -> int:
    return max(side for side in range(2, LARGEST + 1, 2) if length % side == 0)


grid = cache(Grid)
