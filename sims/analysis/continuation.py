"""Up and down again: what a system does depends on where it comes from.

A parameter is changed in small steps, each beginning in the state where the last one ended, first up, then
down the same values. Where both ways differ there are two states at one value: hysteresis.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from sims._integrate import rk4
from sims.analysis._labels import Array, labelled, located
from sims.analysis.flows import Field, Flow, as_start, axis, check_steps, kuramoto_flow
from sims.kuramoto import Kuramoto, order

Varied = Callable[[float, Array, float], Array]


def hysteresis(
    system: Varied | Kuramoto,
    over: Mapping[str, Iterable[float]],
    start: Any = None,
    observe: Callable[[Array], Array] | None = None,
    *,
    dt: float | None = None,
    steps: int | None = None,
    samples: int = 40,
) -> xr.Dataset:
    """Continuation of a parameter up and down, `steps` Runge-Kutta steps of `dt` at each of its values.

    `system` is f(t, y, value) -> dy/dt, acting on the last axis of y, with `start` a vector or a DataArray,
    `over` the one parameter's name and increasing values, and `observe`(y) -> a number for each state. Or it
    is a Kuramoto simulation: `over` names the parameter to be continued first and then any that make a grid
    (K, then seed); r is observed, its dt and steps are taken, unless others are given.

    What is observed is averaged over the second half of the steps at each value, of which `samples` are
    looked at (and `steps` is rounded down to a multiple of them). Returns along `direction` (up, down), the
    parameter and the grid: `observed` (for Kuramoto `r`) and `change`, how much its mean moved from the third
    to the last quarter of the steps: where that is not small the system had not settled, and more steps
    would show another value. Along the grid: `area`, that of the loop, ∫ (down - up); along `direction` too:
    `jump_at` and `jump`, the middle of the largest step from one value to the next and its height.

    Of a system with one state at each value nothing but the delay of a finite pace remains of the loop: it
    shrinks as the steps grow.

    Raises Diverged where the state stops being finite, ValueError for values that do not increase.

    Sources: Pazo 2005, PRE 72, 046211 (uniform frequencies: one jump, at K = 4γ/π to r = π/4, both ways);
    Tanaka, Lichtenberg & Oishi 1997, PRL 78, 2104 (with inertia: two).
    """
    if not over:
        raise ValueError("over must name the parameter to be continued, and its values; got nothing")
    name, *rest = over
    values = np.array(list(over[name]), dtype=float)
    if len(values) < 2 or not (np.diff(values) > 0).all():
        raise ValueError(f"{name} must have two values or more that increase; got {values}")
    if isinstance(system, Kuramoto):
        dt, steps = system.dt if dt is None else dt, system.steps if steps is None else steps
        watched = _crowd(system, name, values, {key: list(over[key]) for key in rest}, start, observe)
    else:
        if rest:
            raise ValueError(f"a flow of your own has one parameter; got {', '.join(over)}")
        if observe is None:
            raise ValueError("observe must say what is looked at: a function of the states y (..., state)")
        watched = _own(system, name, values, as_start(start), observe)
    dt, steps = 0.01 if dt is None else dt, 10_000 if steps is None else steps
    check_steps(dt, steps)
    if not 4 <= samples <= steps:
        raise ValueError(f"samples must be >= 4 and <= steps = {steps}; got {samples}")

    pace, y, courses = steps // samples, watched.start.values.astype(float), []
    for i, place in enumerate([*range(len(values)), *reversed(range(len(values)))]):
        f, t_0 = watched.at(place), i * pace * samples * dt
        course = rk4(lambda t, s: f(t_0 + t, s), y[None], dt, pace * samples, pace)[0]  # noqa: B023
        y = course[-1]
        courses.append(watched.observe(course[1:]))
    observed = np.stack(courses).reshape(2, len(values), samples, *watched.start.shape[:-1])
    observed[1] = observed[1, ::-1].copy()
    return _loop(observed, watched)


class Watched(NamedTuple):
    """A system whose parameter is varied: where it starts, its flow at the i-th value, what is looked at."""

    start: xr.DataArray
    at: Callable[[int], Field]
    observe: Callable[[Array], Array]
    axis: xr.Variable
    labels: tuple[str, str, str]
    """Name, meaning and symbol of what is observed."""


ANY = ("observed", "what is observed", "")


def _crowd(
    simulation: Kuramoto,
    name: str,
    values: Array,
    grid: dict[str, list[float]],
    start: Any,
    observe: Callable[[Array], Array] | None,
) -> Watched:
    """Kuramoto's oscillators, of which r is observed unless something else shall be."""
    if name in ("dt", "steps", "every", "arc", "scheme", "D"):
        raise ValueError(f"{name} does not enter the smooth equation of motion; continue another, such as K")

    def flow(place: int) -> Flow:
        return kuramoto_flow(simulation.model_copy(update={name: values[place]}), grid, start)

    look = _checked(observe) if observe else lambda theta: order(theta)[0]
    labels = ANY if observe else ("r", "order parameter: 1 when all agree", "r")
    return Watched(flow(0).start, lambda i: flow(i).f, look, axis(simulation, name, values), labels)


def _own(
    f: Varied, name: str, values: Array, start: xr.DataArray, observe: Callable[[Array], Array]
) -> Watched:
    """A flow of the user's own."""

    def at(place: int) -> Field:
        return lambda t, y: f(t, y, float(values[place]))

    return Watched(start, at, _checked(observe), labelled(name, values, name, name), ANY)


def _checked(observe: Callable[[Array], Array]) -> Callable[[Array], Array]:
    """`observe`, held to one number for each state."""

    def look(y: Array) -> Array:
        seen = np.asarray(observe(y), dtype=float)
        if seen.shape != y.shape[:-1]:
            raise ValueError(f"observe must give one number for each state, {y.shape[:-1]}; got {seen.shape}")
        return seen

    return look


def _loop(observed: Array, watched: Watched) -> xr.Dataset:
    """What the loop (direction, value, sample, ...) looks like, how large it is and where it jumps."""
    (name,), values = watched.axis.dims, watched.axis.values
    grid, (key, meaning, symbol) = watched.start.dims[:-1], watched.labels
    over, units = watched.axis.attrs["symbol"], watched.axis.attrs.get("units", "")
    samples = observed.shape[2]
    third, last = observed[:, :, samples // 2 : 3 * samples // 4], observed[:, :, 3 * samples // 4 :]
    mean, change = observed[:, :, samples // 2 :].mean(2), last.mean(2) - third.mean(2)
    steps = np.diff(mean, axis=1)
    place = np.abs(steps).argmax(1)
    middle = ((values[1:] + values[:-1]) / 2)[place]
    jump = np.take_along_axis(steps, place[:, None], 1)[:, 0]
    middle = np.where(np.isnan(jump), np.nan, middle)
    area = np.trapezoid(mean[1] - mean[0], values, axis=0)
    both, course = ("direction", *grid), ("direction", name, *grid)
    result = xr.Dataset(
        {
            key: labelled(course, mean, f"{meaning}, mean of the last half", symbol),
            "change": labelled(course, change, f"{meaning}: how far from settled", f"Δ{symbol}"),
            "area": labelled(grid, area, f"{meaning}: area of the loop", "A", units),
            "jump_at": labelled(both, middle, f"{over} at the largest step: {meaning}", over, units),
            "jump": labelled(both, jump, f"largest step: {meaning}", f"Δ{symbol}"),
            "direction": labelled("direction", ["up", "down"], f"direction in which {over} goes"),
            name: watched.axis,
        }
    )
    return located(result, watched.start)
