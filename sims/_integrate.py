"""Fixed-step integrators over a leading batch axis, and an adaptive reference to hold them to.

All take y of shape (B, ...) and return the recorded states as (B, T, ...), T = steps // every + 1,
the first being the initial value. Elementwise in the batch: one member alone gives the same bytes.

`rk4` and `euler_maruyama` take a field f(t, y) that returns ẏ. `rk4_in_place` and `euler_in_place` take
flows: flow(t, y, h, out) writes h ẏ into out. A flow that folds h into its constants and keeps buffers of
its own makes no temporary and saves a pass over the state at every stage.
"""

import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from sims._progress import ticks
from sims._trajectory import Diverged, check_finite

Array = NDArray[np.float64]
Field = Callable[[float, Array], Array]
Flow = Callable[[float, Array, float, Array], object]

CURE = "a smaller dt"
LINE = 64  # bytes of the cache that come and go together
CACHED = 2**15  # so many numbers of each array at a time: those of one step then stay in a core's own cache


def times(dt: float, steps: int, every: int = 1) -> Array:
    """Recorded times 0, every·dt, 2·every·dt, … for `steps` steps of `dt`; shape (T,)."""
    return np.arange(0.0, steps + 1, every) * dt


def empty(*shape: int) -> Array:
    """Room that begins with a line of the cache: elsewhere each vector lies across two, at twice the cost."""
    room = np.empty(math.prod(shape) + LINE // 8)
    first = -room.ctypes.data % LINE // 8
    return room[first : first + math.prod(shape)].reshape(shape)


def aligned(y: Array) -> Array:
    """A copy, in such room."""
    copy = empty(*y.shape)
    copy[...] = y
    return copy


def rk4(f: Field, y: Array, dt: float, steps: int, every: int = 1) -> Array:
    """Classical Runge-Kutta of order four for ẏ = f(t, y).

    k₁ = f(t, y), k₂ = f(t + h/2, y + h k₁/2), k₃ = f(t + h/2, y + h k₂/2), k₄ = f(t + h, y + h k₃),
    y ← y + h (k₁ + 2k₂ + 2k₃ + k₄)/6. Global error O(h⁴).

    Raises Diverged where y stops being finite.
    Source: Kutta 1901; Hairer, Nørsett & Wanner, Solving Ordinary Differential Equations I, §II.1.
    """
    return rk4_in_place([_flow(f)], y, dt, steps, every)


def rk4_in_place(flows: Sequence[Flow], y: Array, dt: float, steps: int, every: int = 1) -> Array:
    """`rk4` for flows in place, one for each of the parts that np.array_split makes of the batch."""
    largest = -(-len(y) // len(flows))
    scratch = [empty(largest, *y.shape[1:]) for _ in range(5)]

    def advance_by(flow: Flow, y: Array) -> Callable[[float], None]:
        k1, k2, k3, k4, at = (buffer[: len(y)] for buffer in scratch)
        pieces = _pieces(y, k1, k2, k3, k4)

        def advance(t: float) -> None:
            flow(t, y, dt / 2, k1)
            flow(t + dt / 2, np.add(y, k1, out=at), dt / 2, k2)
            flow(t + dt / 2, np.add(y, k2, out=at), dt, k3)
            flow(t + dt, np.add(y, k3, out=at), dt / 2, k4)
            # with the halves and wholes of h that are in the k, h (k₁ + 2k₂ + 2k₃ + k₄)/6 is a third of this
            for y_, k1_, k2_, k3_, k4_ in pieces:
                k1_ += k2_
                k1_ += k2_
                k1_ += k3_
                k1_ += k4_
                k1_ *= 1 / 3
                y_ += k1_

        return advance

    y = aligned(y)
    advances = [advance_by(flow, part) for flow, part in zip(flows, np.array_split(y, len(flows)))]
    return _record(advances, y, dt, steps, every)


def euler_maruyama(
    f: Field,
    y: Array,
    dt: float,
    steps: int,
    every: int = 1,
    g: Field | None = None,
    rngs: Sequence[np.random.Generator] | None = None,
) -> Array:
    """Euler-Maruyama for the Itô equation dy = f(t, y) dt + g(t, y) dW; Euler's method without g.

    y ← y + f h + g √h ξ, ξ ~ N(0, 1) drawn from the batch member's own generator in `rngs`.
    Strong order 1/2 (1 where g is constant), weak order 1.

    Raises Diverged where y stops being finite.
    Source: Maruyama 1955; Kloeden & Platen, Numerical Solution of Stochastic Differential Equations, §10.2.
    """
    return euler_in_place([_flow(f)], y, dt, steps, every, g, rngs)


def euler_in_place(
    flows: Sequence[Flow],
    y: Array,
    dt: float,
    steps: int,
    every: int = 1,
    g: Field | None = None,
    rngs: Sequence[np.random.Generator] | None = None,
) -> Array:
    """`euler_maruyama` for flows in place, one for each of the parts of the batch, as in `rk4_in_place`."""
    y, k = aligned(y), empty(*y.shape)
    parts = list(zip(flows, np.array_split(y, len(flows)), np.array_split(k, len(flows))))
    if g is not None and (rngs is None or len(rngs) != len(y)):
        raise ValueError(f"rngs must hold one generator for each of the {len(y)} batch members; got {rngs!r}")
    xis = _normals(rngs or [], y.shape[1:], steps, math.sqrt(dt))

    def advance(t: float) -> None:
        for flow, part, k_ in parts:
            flow(t, part, dt, k_)
        if g is not None:
            np.add(k, g(t, y) * next(xis), out=k)
        np.add(y, k, out=y)

    return _record([advance], y, dt, steps, every)


def dop853(f: Field, y: Array, t: Array, tolerance: float = 1e-12) -> Array:
    """The accuracy reference: scipy's adaptive Dormand-Prince 8(5,3) at the times `t`; (B, T, ...).

    The whole batch is one system, so this is for checking, not for speed.
    Source: Hairer, Nørsett & Wanner, §II.5.
    """
    from scipy.integrate import solve_ivp

    solution = solve_ivp(
        lambda s, flat: f(s, flat.reshape(y.shape)).ravel(),
        (t[0], t[-1]),
        y.ravel(),
        method="DOP853",
        t_eval=t,
        rtol=tolerance,
        atol=tolerance,
    )
    if not solution.success:
        raise Diverged(
            f"the state diverged at t = {solution.t[-1] if len(solution.t) else t[0]:g}: {solution.message}"
        )
    states: Array = np.moveaxis(solution.y.reshape(*y.shape, len(t)), -1, 1)
    return states


def _flow(f: Field) -> Flow:
    """A field as a flow."""
    return lambda t, y, h, out: np.multiply(f(t, y), h, out=out)


def _pieces(*arrays: Array) -> list[tuple[Array, ...]]:
    """The same pieces of arrays of equal shape, each small enough for the cache."""
    flat = [array.reshape(-1) for array in arrays]
    return [tuple(a[i : i + CACHED] for a in flat) for i in range(0, flat[0].size, CACHED)]


def _normals(
    rngs: Sequence[np.random.Generator], shape: tuple[int, ...], steps: int, scale: float
) -> Iterator[Array]:
    """Normal numbers of deviation `scale` for step after step, (B, *shape), drawn for many steps at once."""
    at_once = max(1, min(64, steps, 2**20 // max(1, math.prod(shape))))
    drawn = np.empty((len(rngs), at_once, *shape))
    for begin in range(0, steps, at_once):
        now = drawn[:, : steps - begin]
        for rng, row in zip(rngs, now):
            rng.standard_normal(out=row)
        now *= scale
        yield from np.swapaxes(now, 0, 1)


def _record(
    advances: Sequence[Callable[[float], None]], y: Array, dt: float, steps: int, every: int
) -> Array:
    """Advance y, in place, from one record to the next."""
    kept = np.empty((y.shape[0], steps // every + 1, *y.shape[1:]))
    kept[:, 0] = y
    with np.errstate(over="ignore", invalid="ignore"):  # told below, by name and time
        for i in ticks(steps):
            for advance in advances:
                advance(i * dt)
            if (i + 1) % every == 0:
                # one sum is quicker than a look at every entry
                if not math.isfinite(np.add.reduce(y, axis=None)):
                    check_finite(y, "the state", when=f"t = {(i + 1) * dt:g}", cure=CURE)
                kept[:, (i + 1) // every] = y
    return kept
