"""The axes of a sweep: which parameters change along each of its dimensions, and how.

{"K": np.linspace(0, 4, 41), "seed": range(32)}         a grid: a dimension for each parameter
{"point": {"K": [1, 2, 3], "spread": [0.5, 0.7, 1]}}    together along one dimension
{"point": latin(100, {"K": (0, 4), "D": (1e-3, 1, "log")}), "seed": range(8)}
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import xarray as xr

from sims._discover import UnknownName, nearest
from sims._simulation import ParameterError, Simulation

Over = Mapping[str, Any]
Range = tuple[float, float] | tuple[float, float, Literal["log"]] | range | Sequence[Any]


@dataclass(frozen=True)
class Axis:
    """One dimension of a sweep: the parameters that change along it, each with a value for each place."""

    name: str
    columns: dict[str, tuple[Any, ...]]

    @property
    def size(self) -> int:
        return len(next(iter(self.columns.values())))

    def at(self, place: int) -> dict[str, Any]:
        """The parameters at one place along it."""
        return {name: values[place] for name, values in self.columns.items()}


def axes(kind: type[Simulation], over: Over) -> list[Axis]:
    """The axes that `over` describes, checked but for the bounds, which each simulation checks itself.

    Raises UnknownName for what is no parameter, ParameterError for values that do not go together.
    """
    if not over:
        raise ParameterError('a sweep needs something to go over, such as over={"seed": range(8)}; got none')
    found: list[Axis] = []
    for name, values in over.items():
        columns = values if isinstance(values, Mapping) else {name: values}
        axis = Axis(name, {key: _plain(key, column) for key, column in columns.items()})
        for key in axis.columns:
            known(kind, key)
            if any(key in other.columns for other in found):
                raise ParameterError(f"{key} is gone over twice; give its values once")
        counts = {key: len(column) for key, column in axis.columns.items()}
        if len(set(counts.values())) > 1:
            said = ", ".join(f"{key} has {count}" for key, count in counts.items())
            together = "parameters that go together need as many values each"
            raise ParameterError(f"{together}, others a dimension each: {said}")
        if len(columns) == 1 and len(set(axis.columns[name_of := next(iter(columns))])) < axis.size:
            raise ParameterError(f"{name_of} has a value twice; each makes a place of its own along {name}")
        if not counts or not axis.size:
            raise ParameterError(f"there are no values to go over along {name}")
        found.append(axis)
    return found


def known(kind: type[Simulation], name: str) -> str:
    """`name`, which is a parameter; raises UnknownName where it is not."""
    if name not in kind.model_fields:
        near = nearest(name, list(kind.model_fields))
        raise UnknownName(f"{kind.__name__} has no parameter {name!r} to go over: {near}")
    return name


def _plain(name: str, column: Any) -> tuple[Any, ...]:
    """Values as Python's own numbers, words and tuples."""
    if isinstance(column, xr.DataArray):
        column = column.values
    if isinstance(column, (str, bytes)) or not isinstance(column, (Iterable, np.ndarray)):
        raise ParameterError(f"{name} needs several values to go over, such as [1, 2, 3]; got {column!r}")
    values = (value.tolist() if isinstance(value, (np.generic, np.ndarray)) else value for value in column)
    return tuple(tuple(value) if isinstance(value, list) else value for value in values)


# ------------------------------------------------------------------------------------------------ designs


def latin(points: int, ranges: Mapping[str, Range], seed: int = 0) -> dict[str, Any]:
    """A Latin hypercube: so many points, of which every parameter's range is filled evenly.

    A range is (low, high) or (low, high, "log") for numbers, a `range` for whole numbers, a list of values to
    choose from. Returns a column of values for each parameter, to go over together:
    `over={"point": latin(100, {"K": (0, 4)})}`.

    Source: McKay, Beckman & Conover 1979, Technometrics 21, 239; scipy.stats.qmc.LatinHypercube.
    """
    from scipy.stats import qmc

    return _fill(qmc.LatinHypercube(len(ranges), rng=seed).random(_count(points)), ranges)


def random(points: int, ranges: Mapping[str, Range], seed: int = 0) -> dict[str, Any]:
    """So many points drawn at random, each parameter evenly over its range; ranges as `latin` takes them."""
    return _fill(np.random.default_rng(seed).random((_count(points), len(ranges))), ranges)


def _count(points: int) -> int:
    if points < 1:
        raise ParameterError(f"a design needs at least one point; got {points}")
    return points


def _fill(u: np.ndarray, ranges: Mapping[str, Range]) -> dict[str, Any]:
    """Points of the unit cube (points, parameter), stretched over the ranges."""
    return {name: _stretch(name, column, ranges[name]) for name, column in zip(ranges, u.T)}


def _stretch(name: str, u: np.ndarray, over: Range) -> Any:
    if isinstance(over, tuple):
        low, high, *log = over
        if not low <= high or (log and low <= 0):
            above = " > 0" if log else ""
            raise ParameterError(f"{name} needs a range from a lower{above} to a higher number; got {over}")
        return low * (high / low) ** u if log else low + (high - low) * u
    if not over:
        raise ParameterError(f"{name} needs something to choose from; got {over!r}")
    return [over[int(place)] for place in u * len(over)]
