"""Is it chaos? The rate at which neighbouring courses part.

A Lyapunov exponent λ > 0 says that a small deviation grows as e^{λt}; λ = 0 that it is kept, as the phase of
any rhythm is; λ < 0 that it is forgotten.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import xarray as xr

from sims._integrate import rk4
from sims.analysis._labels import Array, labelled, located, units_of
from sims.analysis.flows import Field, Flow, Tangent, as_start, check_steps, kuramoto_flow
from sims.kuramoto import Kuramoto

BLOCKS = 20
# by differences: how many times its own square, or rounding, a deviation must be
CLEAR = 30


def lyapunov(
    system: Field | Flow | Kuramoto,
    start: Any = None,
    *,
    over: Mapping[str, Iterable[float]] | None = None,
    tangent: Tangent | None = None,
    count: int | None = None,
    dt: float | None = None,
    steps: int | None = None,
    transient: int | None = None,
    renormalise: int = 10,
    nearness: float = 1e-7,
    seed: int = 0,
) -> xr.Dataset:
    """Largest Lyapunov exponent of a flow, or its `count` largest.

        λ = lim (1/t) Σ ln |v(t + τ)| / |v(t)|,   v renormalised to length 1 every τ = renormalise · dt

    where v is a deviation: by dv/dt = (∂f/∂y) v if `tangent`(t, y, v) is given, else the difference between
    two courses started `nearness` (times the size of y) apart. Several are kept orthogonal by QR; by
    differences they must not part, or shrink, so far within τ that nothing of them is left but the squares
    of others, or rounding. The course
    is taken by Runge-Kutta steps of `dt`; the first `transient` steps (a fifth of `steps` unless given) go
    uncounted.

    `system` is f(t, y), acting on the last axis of y, with a vector or a DataArray as `start`; or a `Flow`;
    or a Kuramoto simulation, with `over` naming parameters and their values, as in `sims.sweep`; its dt and
    steps are taken unless given. All starts and all points of `over` go side by side.

    Returns along the leading dimensions of the start: `lyapunov` (1 / time); `lyapunov_error`, what its
    standard error would be if 20 stretches of the course were independent, which is more than it is where one
    loses what the last has gained (of Lorenz's attractor three to five times); and `running` along `time`:
    the mean up to then. With `count` given each has a last dimension `exponent`. Raises Diverged where the
    course stops being finite, ValueError for settings that cannot be.

    Sources: Benettin, Galgani, Giorgilli & Strelcyn 1980, Meccanica 15, 9; Shimada & Nagashima 1979, Prog.
    Theor. Phys. 61, 1605; for Kuramoto's oscillators Popovych, Maistrenko & Tass 2005, PRE 71, 065201.
    """
    if isinstance(system, Flow) and (start is not None or tangent is not None):
        raise ValueError("a Flow has its own start and tangent; give them to it, with _replace")
    if isinstance(system, Kuramoto):
        if tangent is not None:
            raise ValueError("the tangent of a Kuramoto simulation is known; leave it out")
        dt, steps = system.dt if dt is None else dt, system.steps if steps is None else steps
        system = kuramoto_flow(system, over, start)
    elif over is not None:
        raise ValueError("over goes with a Kuramoto simulation; give a flow of your own many starts instead")
    flow = system if isinstance(system, Flow) else Flow(system, as_start(start), tangent)
    y = flow.start.values.astype(float)
    dt, steps = 0.01 if dt is None else dt, 100_000 if steps is None else steps
    check_steps(dt, steps)
    transient = steps // 5 if transient is None else transient
    n, k = y.shape[-1], 1 if count is None else count
    if not 1 <= k <= n:
        raise ValueError(f"count must be >= 1 and <= {n}, the size of the state; got {count}")
    if not np.finfo(float).eps * CLEAR <= nearness < 1:
        raise ValueError(f"nearness must be < 1 and well above rounding, such as 1e-7; got {nearness!r}")
    if transient < 0:
        raise ValueError(f"transient must be >= 0; got {transient}")
    if not 1 <= renormalise <= steps // BLOCKS:
        raise ValueError(
            f"renormalise must be >= 1 and <= steps/{BLOCKS} = {steps // BLOCKS}; got {renormalise}"
        )

    v = np.random.default_rng(seed).normal(size=(k, *y.shape))
    growth = []
    v, _ = _orthonormal(v)
    for i in range((transient + steps) // renormalise):
        y, v = _advance(flow, y, v, i * renormalise * dt, dt, renormalise, nearness)
        with np.errstate(divide="ignore", invalid="ignore"):  # told below
            v, rate = _orthonormal(v)
        if flow.tangent is None:
            _check_clear(rate, nearness, renormalise)
        if i >= transient // renormalise:
            growth.append(rate)
    rates = np.stack(growth) / (renormalise * dt)  # (stretch, exponent, ...)
    return _summary(rates, flow.start, renormalise * dt, count)


def _advance(
    flow: Flow, y: Array, v: Array, t_0: float, dt: float, steps: int, nearness: float
) -> tuple[Array, Array]:
    """The course y (..., state) and deviations v (k, ..., state) after some steps."""
    if flow.tangent is None:
        size = nearness * np.maximum(1.0, np.abs(y).max(-1, keepdims=True))
        both = np.concatenate([y[None], y + size * v])
        both = rk4(lambda t, s: flow.f(t_0 + t, s), both, dt, steps, steps)[:, -1]
        return both[0], (both[1:] - both[0]) / size
    tangent = flow.tangent

    def joint(t: float, s: Array) -> Array:
        return np.concatenate([flow.f(t_0 + t, s[0])[None], tangent(t_0 + t, s[0], s[1:])])

    both = rk4(joint, np.concatenate([y[None], v]), dt, steps, steps)[:, -1]
    return both[0], both[1:]


def _orthonormal(v: Array) -> tuple[Array, Array]:
    """Gram-Schmidt on deviations v (k, ..., state): orthonormal ones, and the logarithms of their growth."""
    if len(v) == 1:
        length = np.linalg.norm(v, axis=-1, keepdims=True)
        return v / length, np.log(length[..., 0])
    Q, R = np.linalg.qr(np.moveaxis(v, 0, -1))
    growth = np.log(np.abs(np.diagonal(R, axis1=-2, axis2=-1)))
    return np.ascontiguousarray(np.moveaxis(Q, -1, 0)), np.moveaxis(growth, -1, 0)


def _check_clear(rate: Array, nearness: float, renormalise: int) -> None:
    """Raise ValueError where a deviation (exponent, ...) has shrunk below what differences can tell."""
    least = np.maximum(np.log(CLEAR * nearness) + rate.max(0), np.log(CLEAR * np.finfo(float).eps / nearness))
    if (rate.min(0) < least).any():
        raise ValueError(
            f"within renormalise={renormalise} steps a deviation shrinks to e^{rate.min():.3g} of itself, too"
            " little for differences of courses; take a smaller renormalise, or give the tangent"
        )


def _summary(rates: Array, start: xr.DataArray, stretch: float, count: int | None) -> xr.Dataset:
    """Mean, its error and the running mean of the rates of growth (stretch, exponent, ...)."""
    rates = np.moveaxis(rates, 1, -1)
    stretches = np.arange(1, len(rates) + 1)
    grid = start.dims[:-1]
    each = len(rates) // BLOCKS
    blocks = rates[len(rates) - each * BLOCKS :].reshape(BLOCKS, each, *rates.shape[1:]).mean(1)
    running = (np.moveaxis(rates, 0, -1).cumsum(-1) / stretches).swapaxes(-1, -2)
    last: tuple[str, ...] = ("exponent",)
    error = blocks.std(0, ddof=1) / np.sqrt(BLOCKS)
    mean = rates.mean(0)
    if count is None:
        mean, error, running, last = mean[..., 0], error[..., 0], running[..., 0], ()
    units = "1/s" if units_of(start) else ""
    what = "largest Lyapunov exponent" if count is None else "Lyapunov exponent"
    result = xr.Dataset(
        {
            "lyapunov": labelled((*grid, *last), mean, what, "λ", units),
            "lyapunov_error": labelled((*grid, *last), error, f"error of the {what}, at most", "δλ", units),
            "running": labelled((*grid, "time", *last), running, f"{what}, mean up to then", "λ", units),
            "time": labelled("time", stretch * stretches, "time counted", "t", "s" if units else ""),
        }
    )
    if count is not None:
        result["exponent"] = labelled("exponent", np.arange(1, count + 1), "number of the exponent")
    return located(result, start)
