"""Where does order set in? Crowds of several sizes tell where it would in an infinite one.

Near the onset the order parameter of N oscillators is not a function of K and N but of one product of them:

    r(K, N) = N^{-β/ν̄} F(u N^{1/ν̄}),   u = 1 - K_c/K

so that at the right K_c (and the right exponents) the curves of all sizes collapse onto one, F.
"""

import json
from collections.abc import Hashable
from itertools import permutations

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from sims.analysis._labels import Array, Data, labelled, located, pick, require, symbol_of, units_of

# ν̄ by how the natural frequencies were taken
NU = {"random": 5 / 2, "quantiles": 5 / 4}

# what the collapse is held to where seeds agree more closely: the form itself holds only near the onset
FORM = 0.02
CANDIDATES = 201
EDGE = 3  # of them: as near to either end of K the minimum may lie beyond it
AT_ONCE = 2_000_000
# fewer seeds than these say nothing of how far others would lie
SEEDS = 5
TAIL = 0.025  # of the drawings, beyond either end of the interval


def critical_coupling(
    order: Data,
    *,
    over: str = "K",
    size: str = "n",
    across: str = "seed",
    beta: float = 0.5,
    nu: float | None = None,
    resamples: int = 200,
    seed: int = 0,
    variable: str = "r",
) -> xr.Dataset:
    """Critical coupling of an infinite crowd, by the finite-size scaling of r(K, N).

        r(K, N) = N^{-β/ν̄} F(u N^{1/ν̄}),   u = 1 - K_c/K

    K_c is where the curves of r² N^{2β/ν̄} against u N^{1/ν̄} of all sizes lie closest to each other: the
    mean, over all points of one size within the range of another, of (distance)²/(variance), where between
    points r² goes on straight from both sides. The variance holds the standard error over seeds, 2 % of r
    for what the form leaves out, and half of how far r² so continued lies from the chord. At 1 or below,
    `quality` says that the curves do collapse; far above, that the exponents or the range of K are not right.

    Takes the order parameter (or a Dataset with it) of a stationary state along K, N and, unless there is
    only one run, seed. β = 1/2; ν̄ is 5/2 for random frequencies and 5/4 for those at even quantiles, after
    the sweep's own parameters, 5/2 if these do not tell. For quantiles the exponent is disputed (Park & Park
    2024); K_c hardly hangs on it, as the curves are then almost those of an infinite crowd.

    Returns along all further dimensions: `K_c`; `K_c_error` and the 95 % interval `K_c_low`, `K_c_high` by
    bootstrap over seeds (NaN with fewer than five of any size, see below, and where more than 2.5 % of the
    drawings find no K_c within the range of K: nobody knows how far it may lie beyond); `K_c_shift`, how far
    K_c moves when the smallest size is left out (NaN with two sizes), and `K_c_grid`, how far at most when
    every other K is (NaN with fewer than ten): what is left of finite sizes and steps; `quality`; and the
    collapse: `x` = u N^{1/ν̄} and `y` = r N^{β/ν̄} along size and K. All NaN where no K_c within the range of
    K, and not at its very ends, makes the curves meet.
    Failed points (NaN) are left out.

    Of n seeds a bootstrap draws spreads that are too small by √((n - 1)/n) on average, and knows no more
    values than the seeds have: of two, no drawing lies beyond them, and if they happen to agree the interval
    is a point that shuts out the truth. With fewer than five it would be an error in name only.

    Raises ValueError where a dimension or its coordinate is missing, or for fewer than two sizes, five K,
    any of them given twice, or K that are not positive.

    Sources: Hong, Chate, Park & Tang 2007, PRL 99, 184101 (ν̄ = 5/2); Hong, Chate, Tang & Park 2015, PRE 92,
    022122 (5/4); Park & Park 2024, arXiv:2406.18904; the measure of collapse: Houdayer & Hartmann 2004, PRB
    70, 014418.
    """
    r = pick(order, variable)
    require(r, over, size)
    for dim in (over, size):
        if dim not in r.coords:
            raise ValueError(f"{dim} has no values; give the dimension {dim} a coordinate")
    r = r.sortby([over, size])
    K, N = r[over].values.astype(float), r[size].values.astype(float)
    if len(N) < 2 or len(K) < 5 or K[0] <= 0 or N[0] < 1 or beta <= 0:
        raise ValueError(
            "finite-size scaling needs two sizes, five couplings > 0 and beta > 0;"
            f" got {size} = {N}, {over} = {K}, beta = {beta}"
        )
    for dim, given in ((over, K), (size, N)):
        if len(np.unique(given)) < len(given):
            raise ValueError(f"a value of {dim} is given more than once: {given}")
    nu = _nu(order) if nu is None else nu
    if not nu > 0:
        raise ValueError(f"nu must be > 0; got {nu}")
    if across not in r.dims:
        r = r.expand_dims(across)
    values = r.transpose(..., across, size, over)
    further = values.dims[:-3]
    runs = values.values.astype(float).reshape(-1, *values.shape[-3:])
    found = np.array([_onset(each, K, N, beta, nu, resamples, seed) for each in runs])
    found = found.reshape(*values.shape[:-3], -1)

    result = _summary(further, found, r[over], size, across)
    size_symbol = str(r[size].attrs.get("symbol") or "N")
    x = (1 - found[..., :1, None] / K) * N[:, None] ** (1 / nu)
    y = _mean(values.values.astype(float), -3) * N[:, None] ** (beta / nu)
    dims, scaled = (*further, size, over), (f"u {size_symbol}^(1/ν̄)", f"{symbol_of(r)} {size_symbol}^(β/ν̄)")
    result["x"] = labelled(dims, x, "scaled distance from the onset", scaled[0])
    result["y"] = labelled(dims, y, "scaled order parameter", scaled[1])
    return located(result, r).assign_attrs(beta=beta, nu=nu)


def _nu(order: Data) -> float:
    """ν̄ after how the sweep's own simulation takes its frequencies."""
    parameters = json.loads(order.attrs.get("parameters", "{}"))
    sampling = parameters.get("sampling") if isinstance(parameters, dict) else None
    return NU.get(str(sampling), NU["random"])


def _summary(dims: tuple[Hashable, ...], found: Array, K: xr.DataArray, size: str, across: str) -> xr.Dataset:
    """What was found (..., number), by name."""
    symbol, units = symbol_of(K), units_of(K)
    meaning = "critical coupling of an infinite crowd"
    what = {
        "K_c": (meaning, f"{symbol}_c", units),
        "K_c_error": (f"standard error of {symbol}_c, bootstrap over {across}", f"δ{symbol}_c", units),
        "K_c_low": (f"{meaning}, 95 % interval: lower end", f"{symbol}_c", units),
        "K_c_high": (f"{meaning}, 95 % interval: upper end", f"{symbol}_c", units),
        "K_c_shift": (f"{symbol}_c without the smallest {size}, less that with it", f"Δ{symbol}_c", units),
        "K_c_grid": (f"largest change of {symbol}_c with every other {symbol}", f"Δ{symbol}_c", units),
        "quality": ("mean square distance of the curves over its variance", "S", ""),
    }
    return xr.Dataset({k: labelled(dims, found[..., i], *what[k]) for i, k in enumerate(what)})


def _onset(
    runs: Array, K: Array, N: Array, beta: float, nu: float, resamples: int, seed: int
) -> tuple[float, ...]:
    """K_c, its error and interval, how it hangs on sizes and steps, and quality, of runs (seed, size, K)."""
    K_c, quality = _best(runs[None], K, N, beta, nu)
    error = low = high = shift = np.nan
    there = np.isfinite(runs).any(-1).sum(0).min()
    if there >= SEEDS and resamples > 1 and np.isfinite(K_c[0]):
        rng = np.random.default_rng(seed)
        # a run's seed is kept together along K, where it has the same frequencies, but not along N
        drawn = rng.integers(len(runs), size=(resamples, len(runs), len(N)))
        again = np.stack([runs[drawn[..., i], i] for i in range(len(N))], axis=2)
        spread = _best(again, K, N, beta, nu)[0]
        found = spread[np.isfinite(spread)]
        if len(spread) - len(found) <= TAIL * len(spread):
            error, (low, high) = found.std(ddof=1), np.quantile(found, [TAIL, 1 - TAIL])
    if len(N) > 2:
        shift = (_best(runs[None, :, 1:], K, N[1:], beta, nu)[0] - K_c)[0]
    grid = np.nan
    if len(K) >= 10:
        halves = [_best(runs[None, ..., i::2], K[i::2], N, beta, nu)[0][0] for i in (0, 1)]
        grid = np.abs(halves - K_c[0]).max()
    return float(K_c[0]), float(error), float(low), float(high), float(shift), float(grid), float(quality[0])


def _best(runs: Array, K: Array, N: Array, beta: float, nu: float) -> tuple[Array, Array]:
    """K_c of best collapse and its quality, for each set of runs (set, seed, size, K); NaN if at the edge."""
    candidates = np.linspace(K[0], K[-1], CANDIDATES)
    S = _distance(runs, K, N, beta, nu, candidates)
    i = S.argmin(-1)
    inner = np.isfinite(S.min(-1)) & (i >= EDGE) & (i < CANDIDATES - EDGE)
    i = np.clip(i, 1, CANDIDATES - 2)
    before, at, after = (np.take_along_axis(S, (i + k)[:, None], -1)[:, 0] for k in (-1, 0, 1))
    with np.errstate(invalid="ignore"):  # infinite where curves no longer overlap
        bend = before - 2 * at + after
        offset = np.where(
            np.isfinite(bend) & (bend > 0), (before - after) / (2 * np.where(bend > 0, bend, 1)), 0
        )
    K_c = candidates[i] + offset * (candidates[1] - candidates[0])
    return np.where(inner, K_c, np.nan), np.where(inner, at, np.nan)


def _distance(runs: Array, K: Array, N: Array, beta: float, nu: float, candidates: Array) -> Array:
    """Mean square distance of the scaled curves at every candidate for K_c: (set, candidate)."""
    r, seeds = _mean(runs, 1), np.isfinite(runs).sum(1)
    spread = np.sqrt(_mean((runs - r[:, None]) ** 2, 1) / np.maximum(seeds - 1, 1))
    square = r**2 * N[:, None] ** (2 * beta / nu)  # (set, size, K)
    error = 2 * square * np.hypot(spread / np.where(r > 0, r, 1), FORM)
    total, counted = np.zeros((len(runs), len(candidates))), np.zeros((len(runs), len(candidates)))
    for one, other in permutations(range(len(N)), 2):
        # the coupling at which the other size has the same u N^{1/ν̄}
        u = (1 - candidates[:, None] / K) * (N[one] / N[other]) ** (1 / nu)
        there = candidates[:, None] / np.where(u < 1, 1 - u, np.nan)
        k = np.clip(np.searchsorted(K, there, "right") - 1, 0, len(K) - 2)
        w = (there - K[k]) / (K[k + 1] - K[k])
        for part in np.array_split(np.arange(len(runs)), -(-len(runs) * u.size // AT_ONCE)):
            df = error[part, other]
            expected, doubt = _between(square[part, other], K, k, w)
            variance = ((1 - w) * df[:, k]) ** 2 + (w * df[:, k + 1]) ** 2
            variance += error[part, one, None] ** 2 + doubt**2
            gap = (square[part, one, None] - expected) ** 2 / np.where(variance > 0, variance, np.nan)
            valid = np.isfinite(gap) & (w >= 0) & (w <= 1)
            total[part] += np.where(valid, gap, 0).sum(-1)
            counted[part] += valid.sum(-1)
    # a collapse of curves that hardly overlap says nothing
    return np.where(counted >= len(K), total / np.maximum(counted, 1), np.inf)


def _between(f: Array, K: Array, k: NDArray[np.intp], w: Array) -> tuple[Array, Array]:
    """f (set, K) between its points, at the share w (candidate, K) of interval k, and how far it may be off.

    Where f bends the same way at both ends of an interval it lies between the chord and the lines beyond it,
    prolonged into it: on these where there is a kink, as r² of a large crowd has one at its onset.
    """
    h = np.diff(K)
    slope = np.diff(f) / h
    before, after = slope[:, np.maximum(k - 1, 0)], slope[:, np.minimum(k + 1, len(h) - 1)]
    chord = (1 - w) * f[:, k] + w * f[:, k + 1]
    from_left, from_right = f[:, k] + before * h[k] * w, f[:, k + 1] - after * h[k] * (1 - w)
    here = slope[:, k]
    convex, concave = (before <= here) & (here <= after), (before >= here) & (here >= after)
    beyond = np.where(convex, np.maximum(from_left, from_right), np.minimum(from_left, from_right))
    beyond = np.where(convex | concave, beyond, chord)
    return beyond, np.abs(chord - beyond) / 2


def _mean(values: Array, axis: int) -> Array:
    """Mean of what is finite; NaN where nothing is."""
    there = np.isfinite(values)
    count = there.sum(axis)
    mean: Array = np.where(there, values, 0).sum(axis) / np.where(count, count, np.nan)
    return mean
