"""Fixed-step integrators over a leading batch axis, and an adaptive reference to hold them to.

All take y of shape (B, ...) and return the recorded states as (B, T, ...), T = steps // every + 1,
the first being the initial value. Elementwise in the batch: one member alone gives the same bytes.
"""

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from sims._progress import ticks
from sims._trajectory import Diverged, check_finite

Array = NDArray[np.float64]
Field = Callable[[float, Array], Array]

CURE = "a smaller dt"


def times(dt: float, steps: int, every: int = 1) -> Array:
    """Recorded times 0, every·dt, 2·every·dt, … for `steps` steps of `dt`; shape (T,)."""
    return np.arange(0.0, steps + 1, every) * dt


def rk4(f: Field, y: Array, dt: float, steps: int, every: int = 1) -> Array:
    """Classical Runge-Kutta of order four for ẏ = f(t, y).

    k₁ = f(t, y), k₂ = f(t + h/2, y + h k₁/2), k₃ = f(t + h/2, y + h k₂/2), k₄ = f(t + h, y + h k₃),
    y ← y + h (k₁ + 2k₂ + 2k₃ + k₄)/6. Global error O(h⁴).

    Raises Diverged where y stops being finite.
    Source: Kutta 1901; Hairer, Nørsett & Wanner, Solving Ordinary Differential Equations I, §II.1.
    """

    def advance(t: float, y: Array) -> Array:
        k1 = f(t, y)
        k2 = f(t + dt / 2, y + dt / 2 * k1)
        k3 = f(t + dt / 2, y + dt / 2 * k2)
        k4 = f(t + dt, y + dt * k3)
        return y + dt / 6 * (k1 + 2 * k2 + 2 * k3 + k4)

    return _record(advance, y, dt, steps, every)


def euler_maruyama(
    f: Field,
    y: Array,
    dt: float,
    steps: int,
    every: int = 1,
    g: Field | None = None,
    rngs: list[np.random.Generator] | None = None,
) -> Array:
    """Euler-Maruyama for the Itô equation dy = f(t, y) dt + g(t, y) dW; Euler's method without g.

    y ← y + f h + g √h ξ, ξ ~ N(0, 1) drawn from the batch member's own generator in `rngs`.
    Strong order 1/2 (1 where g is constant), weak order 1.

    Raises Diverged where y stops being finite.
    Source: Maruyama 1955; Kloeden & Platen, Numerical Solution of Stochastic Differential Equations, §10.2.
    """
    if g is None:
        return _record(lambda t, y: y + dt * f(t, y), y, dt, steps, every)
    if rngs is None or len(rngs) != len(y):
        raise ValueError(f"rngs must hold one generator for each of the {len(y)} batch members; got {rngs!r}")

    def advance(t: float, y: Array) -> Array:
        xi: Array = np.stack([rng.standard_normal(y.shape[1:]) for rng in rngs])
        return y + dt * f(t, y) + g(t, y) * (math.sqrt(dt) * xi)

    return _record(advance, y, dt, steps, every)


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


def _record(advance: Field, y: Array, dt: float, steps: int, every: int) -> Array:
    kept = np.empty((y.shape[0], steps // every + 1, *y.shape[1:]))
    kept[:, 0] = y
    for i in ticks(steps):
        with np.errstate(over="ignore", invalid="ignore"):  # told below, by name and time
            y = advance(i * dt, y)
        if (i + 1) % every == 0:
            check_finite(y, "the state", when=f"t = {(i + 1) * dt:g}", cure=CURE)
            kept[:, (i + 1) // every] = y
    return kept
