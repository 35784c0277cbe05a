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
from numpy.typing import NDArray

from sims._network import adjacency
from sims.analysis._labels import Array, labelled
from sims.kuramoto import Kuramoto, drift, pinning

Complex = NDArray[np.complex128]
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

        dθᵢ/dt = ωᵢ + K Σⱼ Aᵢⱼ sin(θⱼ - θᵢ - α) - κ sin(θᵢ - θ*)
        dvᵢ/dt = K Σⱼ Aᵢⱼ cos(θⱼ - θᵢ - α) (vⱼ - vᵢ) - κ cos(θᵢ - θ*) vᵢ

    with A = 1/N between all, or 1/d along the edges of the simulation's network, d its mean degree.
    `over` names parameters and their values, each a leading dimension of the state as in `sims.sweep`.
    `start` (..., oscillator) takes the place of the simulation's phases, one for all points or for each one.
    Raises ValueError where the simulation is noisy or goes in Euler steps, or `start` is of another shape,
    ParameterError for a parameter that is unknown or outside its bounds.
    """
    if simulation.D > 0 or simulation.scheme == "euler":
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

    seen = _seen(first, simulation) if simulation.network != "all" else None

    def f(t: float, theta: Array) -> Array:
        if seen is None:
            flow = drift(theta, omega, K, alpha)
        else:
            flow = omega + K * (np.exp(-1j * (theta + alpha)) * seen(np.exp(1j * theta))).imag
        return flow + pinning(theta, kappa, target) if kappa.any() else flow

    def tangent(t: float, theta: Array, v: Array) -> Array:
        z = np.exp(1j * theta)
        turned, of = K * np.exp(-1j * alpha) * z.conj(), seen or _mean
        pull = (turned * of(z * v)).real - (turned * of(z)).real * v
        change: Array = pull - kappa * np.cos(theta - target) * v if kappa.any() else pull
        return change

    theta_0 = first.theta.values.reshape(omega.shape)
    if start is not None:
        try:
            theta_0 = np.broadcast_to(np.asarray(start, dtype=float), omega.shape)
        except ValueError:
            dims = ", ".join([*grid, "oscillator"])
            raise ValueError(f"start must fit {dims}, {omega.shape}; got {np.shape(start)}") from None
    phases = labelled((*grid, "oscillator"), theta_0, "phase, unwrapped", "θ", "rad")
    return Flow(f, xr.DataArray(phases, {name: axis(simulation, name, grid[name]) for name in grid}), tangent)


def _mean(z: Complex) -> Complex:
    """(1/N) Σⱼ zⱼ, what each of all sees of the others: (..., 1)."""
    mean: Complex = z.mean(-1, keepdims=True)
    return mean


def _seen(first: xr.Dataset, simulation: Kuramoto) -> Callable[[Complex], Complex]:
    """z (..., oscillator) -> (1/d) Σⱼ Aᵢⱼ zⱼ all networks of a batch in one sparse array."""
    n, links = simulation.n, first.link.values
    edges = np.concatenate([own + n * i for i, own in enumerate(links)])
    A = adjacency(edges, n * len(links)) * (n / (2 * links.shape[1]))

    def seen(z: Complex) -> Complex:
        side_by_side: Complex = A @ z.reshape(-1, A.shape[0]).T
        return side_by_side.T.reshape(z.shape)

    return seen


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
