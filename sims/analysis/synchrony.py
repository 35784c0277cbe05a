"""How long does it take a crowd to agree? Synchronisation times over seeds, some of which never do."""

import numpy as np
import xarray as xr
from scipy.special import ndtri

from sims.analysis._labels import Array, Data, labelled, pick, require, share, units_of


def synchronisation_time(
    order: Data,
    threshold: float = 0.9,
    *,
    over: str = "seed",
    along: str = "time",
    hold: float = 0.0,
    quantiles: tuple[float, float] = (0.1, 0.9),
    variable: str = "r",
) -> xr.Dataset:
    """First time after which r >= threshold for good, and its median and band over seeds.

        t* = min {t : r(t') >= threshold for all t' >= t}

    with the crossing interpolated linearly between records. A run that is below at its end, or has not
    been above for the last `hold`, did not synchronise while it was watched: its time is inf, later than
    all that was seen. A run that is NaN anywhere has no time (NaN) and counts for nothing.

    The runs of one crowd are watched equally long, so quantiles that lie before the end are not touched by
    those that never got there (with one time of censoring Kaplan and Meier's estimate is the empirical
    distribution); a quantile is the earliest time at which that share had synchronised, inf if fewer did.

    Takes r, or a Dataset with it, along `along` and `over`. Returns along all further dimensions `time_each`
    (which keeps `over`), `centre` (the median), `low`, `high`, `synchronised` (the share that did), its 95 %
    interval after Wilson as `synchronised_low` and `synchronised_high`, and `runs`, how many there are.
    Without a dimension `over` there is `time_each` alone. Raises ValueError where there is no dimension
    `along`.

    Sources: Kaplan & Meier 1958, J. Am. Stat. Assoc. 53, 457; Wilson 1927, J. Am. Stat. Assoc. 22, 209.
    """
    r = pick(order, variable)
    require(r, along)
    if along not in r.coords:
        raise ValueError(f"{along} has no values; give the dimension {along} a coordinate")
    if not np.isfinite(threshold):
        raise ValueError(f"threshold must be a finite number; got {threshold!r}")
    if not hold >= 0:
        raise ValueError(f"hold must be >= 0; got {hold!r}")
    low, high = (share(q, "each of quantiles") for q in quantiles)

    if over in r.dims:
        require(r, over)
    r = r.transpose(..., along).sortby(along)
    units = units_of(r, along)
    t = _settled(r.values.astype(float), r[along].values.astype(float), threshold, hold)
    what = f"{along} after which r >= {threshold:g} for good"
    each = xr.DataArray(
        labelled(r.dims[:-1], t, f"{what}, inf if never", "t*", units), r.isel({along: 0}, drop=True).coords
    )
    if over not in each.dims:
        return xr.Dataset({"time_each": each})

    values = each.transpose(over, ...)
    t, dims = values.values, values.dims[1:]
    count = (~np.isnan(t)).sum(0)
    done = np.isfinite(t).sum(0)
    bands = {"low": low, "centre": 0.5, "high": high}
    result = xr.Dataset({"time_each": each}, coords=values.coords)
    for name, q in bands.items():
        result[name] = labelled(dims, _earliest(t, q), f"{what}, {q:.0%} of {over}s by then", "t*", units)
    centre, wide = _wilson(done, count)
    parts = {"": done / np.where(count, count, np.nan), "_low": centre - wide, "_high": centre + wide}
    ends = {"": "", "_low": ", 95 % interval: lower end", "_high": ", 95 % interval: upper end"}
    for name, p in parts.items():
        result[f"synchronised{name}"] = labelled(dims, p, f"share that synchronised{ends[name]}", "p")
    result["runs"] = labelled(dims, count, f"number of runs along {over} that are there", "n")
    return result


def _settled(r: Array, t: Array, threshold: float, hold: float) -> Array:
    """Time of the last upward crossing of r (..., time), inf if it is followed by less than `hold`."""
    if len(t) < 2:
        raise ValueError(f"a time of synchronisation needs a course of r; got {len(t)} time")
    below = r < threshold
    last = r.shape[-1] - 1 - np.argmax(below[..., ::-1], axis=-1)
    last = np.where(below.any(-1), last, -1)  # -1: above from the first record on
    k = np.clip(last, 0, r.shape[-1] - 2)[..., None]
    before, after = np.take_along_axis(r, k, -1)[..., 0], np.take_along_axis(r, k + 1, -1)[..., 0]
    rise = np.where(after > before, after - before, 1.0)
    crossing = t[k[..., 0]] + (threshold - before) / rise * (t[k[..., 0] + 1] - t[k[..., 0]])
    time = np.where(last < 0, t[0], crossing)
    time = np.where((last == r.shape[-1] - 1) | (t[-1] - time < hold), np.inf, time)
    settled: Array = np.where(np.isnan(r).any(-1), np.nan, time)
    return settled


def _earliest(t: Array, q: float) -> Array:
    """The earliest of the times t (run, ...) by which a share q of those that are there was done."""
    inner = np.sort(t, axis=0)  # finite, then inf, then NaN
    count = (~np.isnan(inner)).sum(0)
    at = np.maximum(np.ceil(q * count - 1e-9).astype(int) - 1, 0)
    earliest: Array = np.take_along_axis(inner, at[None], 0)[0]
    return earliest


def _wilson(done: Array, count: Array, level: float = 0.95) -> tuple[Array, Array]:
    """Middle and half-width of Wilson's interval for a share of `done` out of `count`."""
    z = ndtri((1 + level) / 2)
    n = np.where(count, count, np.nan)
    p = done / n
    wide = z / (1 + z**2 / n) * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    return (p + z**2 / (2 * n)) / (1 + z**2 / n), wide
