"""What one panel of a sweep shows, and its middle over what is repeated, in which a value may be infinite."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from sims._labels import Words
from sims._look import look

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Piece:
    """What one panel shows: `values` (x, y, hue, repetition), each axis of length 1 where it is not used."""

    v: xr.DataArray  # whose labels these are
    values: Array
    gone: NDArray[np.bool_]  # (x, y, hue): all repetitions failed
    x: xr.DataArray | None
    y: xr.DataArray | None
    hue: xr.DataArray | None
    again: str  # `seed (32)`
    of: str  # where the panel stands among others, `n = 100`
    first: bool  # of these, and so explains the colours
    span: tuple[float, float]  # of the values, over all panels of the variable
    log: bool  # whether values are read by their logarithms
    never: str = ""  # what infinity means, where there is one among the values of the variable

    @property
    def times(self) -> int:
        return int(self.values.shape[-1])

    def over(self, how: Any, *args: Any) -> Array:
        """A mean or quantile over repetitions, without those that are missing; missing where all are."""
        some = np.any(known(self.values), axis=-1, keepdims=True)
        there = np.where(known(self.values), self.values, np.nan)
        found = np.asarray(how(np.where(some, there, 0), *args, axis=-1))
        return np.where(some[..., 0], found, np.nan)

    def middle(self) -> Array:
        """The mean over repetitions; their median where one is infinite, of which a mean would be, too."""
        return self.over(quantile, 0.5) if self.never else self.over(np.nanmean)

    @property
    def centre(self) -> Words:
        """What `middle` is, in words."""
        how = f"median of {self.again}, counting {self.never}" if self.never else f"mean of {self.again}"
        return [(how, look().muted)] if self.times > 1 else []


def known(values: Array) -> NDArray[np.bool_]:
    """Whether something came out: a number, or +∞ for what never happens."""
    return np.isfinite(values) | np.isposinf(values)


def quantile(values: Array, q: float, axis: int = -1) -> Array:
    """A quantile of what is not NaN, linear between neighbours; ∞ wherever one of these is ∞ and counts."""
    sound = np.sort(values, axis=axis)  # NaN come last
    at = q * np.maximum(np.sum(~np.isnan(sound), axis=axis, keepdims=True) - 1, 0)
    below = np.floor(at + 1e-9).astype(int)
    low, high = (
        np.take_along_axis(sound, i, axis) for i in (below, np.minimum(below + 1, sound.shape[axis] - 1))
    )
    share = np.clip(at - below, 0, 1)
    with np.errstate(invalid="ignore"):
        found = np.where(
            share > 1e-9, low + share * np.where(np.isinf(high) & np.isinf(low), 0, high - low), low
        )
    return np.asarray(found.squeeze(axis))


def finite(values: Array) -> Array:
    """Values that can be drawn at their place; ∞ has none."""
    return np.where(np.isfinite(values), values, np.nan)
