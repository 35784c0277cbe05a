"""Learning curves over many seeds: where the middle runs, and how far apart the seeds are."""

import re
from typing import Literal

import numpy as np
import xarray as xr

from sims.analysis._labels import (
    Array,
    labelled,
    meaning_of,
    require,
    share,
    symbol_of,
    units_of,
    without_empty_units,
)

# resamples drawn at once are kept below this many numbers
AT_ONCE = 4_000_000


def learning_curve(
    curves: xr.DataArray,
    over: str = "seed",
    *,
    centre: Literal["median", "mean"] = "median",
    band: Literal["quantiles", "bootstrap"] = "quantiles",
    level: float | None = None,
    resamples: int = 1000,
    seed: int = 0,
) -> xr.Dataset:
    """Middle and band of curves over seeds, at every step, for any further dimensions.

    band="quantiles" tells how far the seeds are spread: between the quantiles (1 - level)/2 and
    (1 + level)/2 of the curves, level = 0.8 unless given. band="bootstrap" tells how well the middle is
    known: the percentile interval of `centre` over `resamples` drawings of as many whole curves with
    replacement, level = 0.95 unless given; it holds at each step, not for all steps at once, and is NaN where
    one curve is all there is.

    A seed that is not finite at a step, such as a sweep's failed point, is left out there and is missing in
    `runs`. Returns `centre`, `low` and `high` in the unit of the curves, and `runs`, along all dimensions
    but `over`. Raises ValueError where there is no dimension `over`.

    Source: Efron & Tibshirani 1993, An Introduction to the Bootstrap, §13.3.
    """
    if isinstance(curves, xr.Dataset):
        raise ValueError(f"curves must be one variable; got a Dataset with {', '.join(curves.data_vars)}")
    require(curves, over)
    if centre not in ("median", "mean"):
        raise ValueError(f"centre must be median or mean; got {centre!r}")
    if band not in ("quantiles", "bootstrap"):
        raise ValueError(f"band must be quantiles or bootstrap; got {band!r}")
    level = share(level if level is not None else {"quantiles": 0.8, "bootstrap": 0.95}[band], "level")
    ends = (1 - level) / 2, (1 + level) / 2

    values = curves.transpose(over, ...)
    y = values.values.astype(float)
    middle = nan_centre(y, centre)
    if band == "quantiles":
        low, high = _quantiles(y, ends)
        spread = f"{level:.0%} of the seeds lie between"
    else:
        low, high = _bootstrap(y, centre, ends, resamples, seed)
        spread = f"{level:.0%} confidence interval of the {centre}"
    dims, symbol, units = values.dims[1:], symbol_of(curves), units_of(curves)
    # xarray's plots break a label, but make no room for its lines
    what = re.sub(r" \(.*?\)", "", meaning_of(curves))
    count = np.isfinite(y).sum(0)
    found = xr.Dataset(
        {
            "centre": labelled(dims, middle, f"{what}, {centre} over {over}", symbol, units),
            "low": labelled(dims, low, f"{what}, {spread}: lower end", symbol, units),
            "high": labelled(dims, high, f"{what}, {spread}: upper end", symbol, units),
            "runs": labelled(dims, count, f"number of curves along {over} that are there", "n"),
        },
        coords=values.isel({over: 0}, drop=True).coords,
    )
    return without_empty_units(found)


def nan_centre(y: Array, centre: str) -> Array:
    """Median or mean over the first axis of what is finite; NaN where nothing is."""
    if centre == "median":
        median: Array = _quantiles(y, (0.5,))[0]
        return median
    there = np.isfinite(y)
    total = np.where(there, y, 0.0).sum(0)
    mean: Array = np.divide(total, there.sum(0), out=np.full(total.shape, np.nan), where=there.any(0))
    return mean


def _quantiles(y: Array, q: tuple[float, ...]) -> Array:
    """Quantiles q over the first axis, of what is finite, interpolated between neighbours: (q, ...)."""
    inner = np.sort(np.where(np.isfinite(y), y, np.nan), axis=0)  # NaN are sorted last
    count = np.isfinite(inner).sum(0)
    at = np.multiply.outer(np.array(q), np.maximum(count - 1, 0))
    below = np.floor(at).astype(int)
    above = np.minimum(below + 1, np.maximum(count - 1, 0))
    first, second = (np.take_along_axis(inner, i, 0) for i in (below, above))
    quantiles: Array = first + (at - below) * (second - first)
    return quantiles


def _bootstrap(
    y: Array, centre: str, ends: tuple[float, float], resamples: int, seed: int
) -> tuple[Array, Array]:
    """Percentile interval of the centre over drawings of whole curves y (curve, ...)."""
    if resamples < 2:
        raise ValueError(f"resamples must be >= 2; got {resamples}")
    rng = np.random.default_rng(seed)
    drawn = rng.integers(len(y), size=(resamples, len(y)))
    flat = y.reshape(len(y), -1)
    columns = max(1, AT_ONCE // drawn.size)
    interval = np.empty((2, flat.shape[1]))
    for i in range(0, flat.shape[1], columns):
        part = np.moveaxis(flat[drawn, i : i + columns], 1, 0)
        interval[:, i : i + columns] = _quantiles(nan_centre(part, centre), ends)
    interval[:, np.isfinite(flat).sum(0) < 2] = np.nan
    low, high = interval.reshape(2, *y.shape[1:])
    return low, high
