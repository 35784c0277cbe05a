"""A system as its equation of motion: what Lyapunov exponents and continuation need of it.

A flow is any function f(t, y) -> dy/dt that acts on the last axis of y and broadcasts over those before it.
`kuramoto_flow` makes one of a Kuramoto simulation, for a whole grid of parameters at once.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from itertools import product
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from sims.analysis._labels import Array, labelled
from sims.kuramoto import Kuramoto, drift, pinning

Field = Callable[[float, Array], Array]
Tangent = Callable[[float, Array, Array], Array]


class Flow(NamedTuple):
    """An equation of motion, where it starts, and how small deviations move."""

    f: Field
    """dy/dt = f(t, y), y (..., state)."""
    start: xr.DataArray
    """y at t = 0, its last dimension the state's."""
    tangent: Tangent | None = None
    """dv/dt = (∂f/∂y) v as tangent(t, y, v), v broadcasting with y."""


def kuramoto_flow(
    simulation: Kuramoto, over: Mapping[str, Iterable[float]] | None = None, start: Array | None = None
) -> Flow:
    """The flow of Kuramoto's oscillators without noise, from the simulation's own phases and frequencies.

        dθᵢ/dt = ωᵢ + (K/N) Σⱼ sin(θⱼ - θᵢ - α) - κ sin(θᵢ - θ*)
        dvᵢ/dt = (K/N) Σⱼ cos(θⱼ - θᵢ - α) (vⱼ - vᵢ) - κ cos(θᵢ - θ*) vᵢ

    `over` names parameters and their values, each a leading dimension of the state as in `sims.sweep`.
    `start` (..., oscillator) takes the place of the simulation's phases. Raises ValueError where the
    simulation is noisy or goes in Euler steps, ParameterError for a parameter that is unknown or outside its
    bounds.
    """
    if simulation.D > 0 or simulation.scheme != "rk4":
        raise ValueError(
            "a flow needs a smooth system: D=0 and scheme='rk4';"
            f" got D={simulation.D:g} and scheme={simulation.scheme!r}"
        )
    grid = {name: list(values) for name, values in (over or {}).items()}
    if any(not values for values in grid.values()):
        raise ValueError(f"over must give each parameter one value or more; got {grid}")
    once = {"steps": 1, "every": 1}
    sims = [simulation.model_copy(update=once | dict(zip(grid, point))) for point in product(*grid.values())]
    first = Kuramoto.run_batch(sims).isel(time=0)
    shape = tuple(map(len, grid.values()))
    omega = first.omega.values.reshape(*shape, -1)
    K, alpha, kappa, target = (
        np.array([getattr(sim, name) for sim in sims], dtype=float).reshape(*shape, 1)
        for name in ("K", "alpha", "kappa", "target")
    )

    def f(t: float, theta: Array) -> Array:
        flow = drift(theta, omega, K, alpha)
        return flow + pinning(theta, kappa, target) if kappa.any() else flow

    def tangent(t: float, theta: Array, v: Array) -> Array:
        z = np.exp(1j * theta)
        turned = K * np.exp(-1j * alpha) * z.conj()
        pull = (turned * (z * v).mean(-1, keepdims=True)).real - (turned * z.mean(-1, keepdims=True)).real * v
        change: Array = pull - kappa * np.cos(theta - target) * v if kappa.any() else pull
        return change

    theta_0 = first.theta.values.reshape(omega.shape) if start is None else start
    phases = labelled((*grid, "oscillator"), theta_0, "phase, unwrapped", "θ", "rad")
    return Flow(f, xr.DataArray(phases, {name: axis(simulation, name, grid[name]) for name in grid}), tangent)


def axis(simulation: Kuramoto, name: str, values: Iterable[float]) -> xr.Variable:
    """The values of a parameter as a coordinate that knows its meaning, symbol and unit."""
    field = type(simulation).model_fields[name]
    extra: Any = field.json_schema_extra or {}
    return labelled(name, list(values), field.description or name, extra["symbol"] or name, extra["unit"])


def as_start(start: Any) -> xr.DataArray:
    """Where a flow starts: a DataArray as it is, a plain vector along `state`."""
    named: xr.DataArray
    if isinstance(start, xr.DataArray):
        named = start
    else:
        if np.ndim(start) != 1:
            raise ValueError(
                "start must be a vector, or a DataArray that names its dimensions;"
                f" got shape {np.shape(start)}"
            )
        named = xr.DataArray(np.asarray(start, dtype=float), dims="state")
    if named.ndim == 0 or not np.isfinite(named.values).all():
        raise ValueError("start must be finite numbers, its last dimension the state's")
    return named


def check_steps(dt: float, steps: int) -> None:
    """Raise ValueError unless dt > 0 and steps >= 1."""
    if not (0 < dt < math.inf and steps >= 1):
        raise ValueError(f"dt must be > 0 and steps >= 1; got dt={dt!r} and steps={steps!r}")
