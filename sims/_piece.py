"""What one panel of a sweep shows, and its middle over what is repeated, in which a value may be infinite."""

from dataclasses import dataclass
from functools import cached_property

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

    @cached_property
    def ordered(self) -> Array:
        """The repetitions that came out, in rising order, and NaN behind them."""
        there = np.where(known(self.values), self.values, np.nan)
        there.sort(axis=-1)
        return there

    def quantile(self, q: float) -> Array:
        """A quantile over repetitions, without those that are missing; missing where all are."""
        return quantile(self.ordered, q)

    def middle(self) -> Array:
        """The mean over repetitions; their median where one is infinite, of which a mean would be, too."""
        if self.never:
            return self.quantile(0.5)
        there = known(self.values)
        count, total = there.sum(-1), np.sum(self.values, axis=-1, where=there)
        mean: Array = np.divide(total, count, out=np.full(count.shape, np.nan), where=count > 0)
        return mean

    @property
    def centre(self) -> Words:
        """What `middle` is, in words."""
        how = f"median of {self.again}, counting {self.never}" if self.never else f"mean of {self.again}"
        return [(how, look().muted)] if self.times > 1 else []


def known(values: Array) -> NDArray[np.bool_]:
    """Whether something came out: a number, or +∞ for what never happens."""
    return values > -np.inf


def finite_of(values: Array) -> Array:
    """The values that are finite, in a row."""
    there = np.isfinite(values)
    return values.ravel() if there.all() else values[there]


def quantile(ordered: Array, q: float) -> Array:
    """A quantile of rising values, NaN behind them, linear between neighbours; ∞ wherever an ∞ counts."""
    at = q * np.maximum(np.sum(~np.isnan(ordered), axis=-1, keepdims=True) - 1, 0)
    below = np.floor(at + 1e-9).astype(int)
    low, high = (
        np.take_along_axis(ordered, i, -1) for i in (below, np.minimum(below + 1, ordered.shape[-1] - 1))
    )
    share = np.clip(at - below, 0, 1)
    with np.errstate(invalid="ignore"):
        found = np.where(
            share > 1e-9, low + share * np.where(np.isinf(high) & np.isinf(low), 0, high - low), low
        )
    return np.asarray(found.squeeze(-1))


def finite(values: Array) -> Array:
    """Values that can be drawn at their place; ∞ has none."""
    return np.where(np.isfinite(values), values, np.nan)
