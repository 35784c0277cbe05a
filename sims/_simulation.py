"""What every simulation is: frozen, validated parameters with one verb, `run`.

A subject is a file with pure functions and one subclass of Simulation:

    class Decay(Simulation):
        rate: float = param(1.0, "rate of decay", symbol="λ", unit="1/s", ge=0, le=1e3)

        variables = {
            "time": variable("time", "time", symbol="t", unit="s"),
            "x": variable("time", "what is left", symbol="x"),
        }

        @classmethod
        def solve(cls, p: Batch) -> dict[str, np.ndarray]:
            t = np.linspace(0, 5, 101)
            return {"time": t, "x": np.exp(-p.rate[:, None] * t)}
"""

import json
import math
import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
import xarray as xr
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from sims._discover import nearest
from sims._trajectory import Computed, as_trajectory

BOUNDS = {"ge": ">=", "gt": ">", "le": "<=", "lt": "<"}
KINDS = {int: "a whole number", float: "a finite number", bool: "true or false", str: "text"}


class ParameterError(ValueError):
    """A parameter that is unknown, of the wrong type or outside its bounds; says which and how to mend it."""


class Variable(NamedTuple):
    """Dimensions, meaning, symbol and unit of one recorded variable."""

    dims: tuple[str, ...]
    meaning: str
    symbol: str
    unit: str


def variable(dims: str, meaning: str, symbol: str = "", unit: str = "") -> Variable:
    """Declare a recorded variable: its dimensions in order, separated by spaces, and what it is.

    A name that is its own only dimension is a coordinate. `{l}` and `{l-1}` in the name, the dimensions
    and the meaning stand for a layer's number, so that one line declares W_1, W_2, …
    """
    return Variable(tuple(dims.split()), meaning, symbol, unit)


def param(
    default: Any,
    meaning: str,
    *,
    symbol: str = "",
    unit: str = "",
    ge: float | None = None,
    gt: float | None = None,
    le: float | None = None,
    lt: float | None = None,
    shape: bool = False,
) -> Any:
    """Declare a parameter once: meaning, symbol, unit and bounds serve help, errors, labels and provenance.

    The bounds hold for each entry of a tuple. `shape=True` says that the parameter fixes the shape of the
    arrays or the course of the run, so that it must be equal over a batch.
    """
    bounds = {k: v for k, v in {"ge": ge, "gt": gt, "le": le, "lt": lt}.items() if v is not None}
    extra: dict[str, Any] = {"symbol": symbol, "unit": unit, "shape": shape, "bounds": bounds}
    limits: dict[str, Any] = {} if isinstance(default, tuple) else dict(bounds)
    return Field(default, description=meaning, json_schema_extra=extra, **limits)


class Batch:
    """Equal-shaped simulations side by side: numbers as arrays (B,), `shape` parameters as they are."""

    def __init__(self, sims: Sequence["Simulation"]) -> None:
        if not sims:
            raise ParameterError("a batch needs at least one simulation; got none")
        kind = type(sims[0])
        self.size = len(sims)
        for name in kind.model_fields:
            values = [getattr(sim, name) for sim in sims]
            if name in kind._shaping:
                if any(value != values[0] for value in values):
                    raise ParameterError(
                        f"{name} must be equal over a batch, whose shape it fixes; got {values}"
                    )
                setattr(self, name, values[0])
            else:
                setattr(self, name, np.array(values))

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"a batch has no parameter {name!r}")

    def rngs(self) -> list[np.random.Generator]:
        """One generator for each member, from its own seed."""
        return [np.random.default_rng(int(seed)) for seed in self.seed]


class Simulation(BaseModel):
    """Frozen, validated parameters of one simulation; `run()` gives its trajectory.

    `repr(sim)` is the code that makes it again, `sim.model_copy(update={"K": 3.0})` a validated variation.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False, validate_default=True
    )

    variables: ClassVar[dict[str, Variable]] = {}

    _shaping: ClassVar[tuple[str, ...]] = ()  # the parameters that must be equal over a batch
    _tuples: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        cls._shaping = tuple(name for name, field in cls.model_fields.items() if _extra(field).get("shape"))
        cls._tuples = tuple(name for name, f in cls.model_fields.items() if isinstance(f.default, tuple))
        for name, field in cls.model_fields.items():
            if not field.description or "bounds" not in _extra(field):
                raise TypeError(f"{cls.__name__}.{name} must be declared with param(default, meaning, …)")
            number = isinstance(field.default, (int, float)) and not isinstance(field.default, bool)
            if not (number or _extra(field)["shape"]):
                raise TypeError(f"{cls.__name__}.{name} is no number, so it must be declared with shape=True")

    def __init__(self, **parameters: Any) -> None:
        try:
            super().__init__(**parameters)
        except ValidationError as error:
            raise ParameterError("; ".join(_explain(type(self), e) for e in error.errors())) from None

    @model_validator(mode="before")
    @classmethod
    def _plain_numbers(cls, parameters: Any) -> Any:
        """Numpy scalars, and lists and arrays for tuples, are as welcome as Python's own numbers."""
        if not isinstance(parameters, Mapping):
            return parameters
        plain = dict(parameters)
        for name, value in parameters.items():
            if type(value) not in KINDS:  # as nearly all are, a thousand times in a sweep
                value = value.tolist() if isinstance(value, (np.generic, np.ndarray)) else value
                plain[name] = tuple(value) if isinstance(value, list) else value
        return plain

    @model_validator(mode="after")
    def _entries_within_bounds(self) -> Self:
        for name in self._tuples:
            field, entries = type(self).model_fields[name], getattr(self, name)
            bounds = _extra(field)["bounds"].items()
            if any(_beyond(entry, kind, limit) for entry in entries for kind, limit in bounds):
                raise ValueError(f"{name} must have entries {_bounds(field)}; got {entries}")
        return self

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        from sims._html import simulation

        return simulation(self)

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """The same simulation with some parameters changed; unlike pydantic's own, it checks them."""
        return type(self)(**(self.__dict__ | dict(update or {})))

    @classmethod
    def solve(cls, p: Batch) -> Mapping[str, Computed]:
        """Compute every variable of `variables` for the batch `p`, each with a leading batch axis.

        What takes long and is not always wanted may be a function of no arguments that returns the array.
        """
        raise NotImplementedError(f"{cls.__name__} must define solve(cls, p)")

    def run(self) -> xr.Dataset:
        """Run the simulation and return its trajectory. Raises Diverged where it stops being finite."""
        trajectory = self.run_batch([self]).isel(batch=0)
        trajectory.attrs["parameters"] = json.dumps(dict(self))
        trajectory.attrs["seed"] = int(getattr(self, "seed", 0))
        return trajectory

    @classmethod
    def run_batch(cls, sims: Sequence[Self], only: Collection[str] | None = None) -> xr.Dataset:
        """Run simulations of equal shape side by side; their trajectories along a leading `batch`.

        With `only`, of these variables and the coordinates alone.
        """
        return cls.labelled(sims, cls.solve(Batch(sims)), only)

    @classmethod
    def labelled(
        cls, sims: Sequence[Self], computed: Mapping[str, Computed], only: Collection[str] | None = None
    ) -> xr.Dataset:
        """What `solve` computed for these simulations, as their trajectories along a leading `batch`."""
        return as_trajectory(
            computed,
            cls.variables,
            name=cls.__module__.rsplit(".", 1)[-1],
            title=(cls.__doc__ or "").strip().split("\n")[0],
            parameters=[sim.__dict__ for sim in sims],
            seeds=[int(getattr(sim, "seed", 0)) for sim in sims],
            only=only,
        )

    def shape_of_batch(self) -> tuple[Any, ...]:
        """The values of the parameters that must be equal over a batch."""
        return tuple([getattr(self, name) for name in self._shaping])

    def extent(self) -> tuple[float, float]:
        """About how many numbers a run goes through, at some ten nanoseconds each beside others, and keeps.

        A kind of which this follows from the parameters may say so: a sweep then begins with many runs side
        by side. Of all others it begins with one, as nothing is known before it is run.
        """
        return math.inf, math.inf

    def measure(self, trajectory: xr.Dataset) -> dict[str, float]:
        """The headline numbers of a trajectory: what a command prints and a sweep tabulates."""
        return {}


def _extra(field: FieldInfo) -> dict[str, Any]:
    return field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}


def labels_of(kind: type[Simulation], name: str) -> dict[str, str]:
    """Meaning, symbol and unit of a parameter, as a variable has them."""
    field = kind.model_fields[name]
    extra = _extra(field)
    return {"long_name": str(field.description), "symbol": extra["symbol"], "units": extra["unit"]}


def _beyond(value: float, kind: str, limit: float) -> bool:
    return not {"ge": value >= limit, "gt": value > limit, "le": value <= limit, "lt": value < limit}[kind]


def _bounds(field: FieldInfo) -> str:
    return " and ".join(f"{BOUNDS[k]} {v:,.10g}" for k, v in _extra(field)["bounds"].items())


def domain(field: FieldInfo) -> str:
    """What a parameter may be, in words: `a finite number >= 0 and <= 1000 (rad/s)`."""
    unit = f" ({_extra(field)['unit']})" if _extra(field)["unit"] else ""
    choices = re.findall(r"'([^']*)'", repr(field.annotation)) if "Literal" in repr(field.annotation) else []
    if choices:
        return f"one of {', '.join(choices)}"
    if isinstance(field.default, tuple):
        kind = KINDS[int] if "int" in repr(field.annotation) else KINDS[float]
        return f"a tuple, each entry {kind} {_bounds(field)}{unit}".rstrip()
    kind = next((words for kind, words in KINDS.items() if field.annotation is kind), "a value")
    return f"{kind} {_bounds(field)}".rstrip() + unit


def _explain(kind: type[Simulation], error: ErrorDetails) -> str:
    """One validation error of pydantic as: parameter, what it must be, the value received."""
    if not error["loc"]:
        return str(error.get("ctx", {}).get("error", error["msg"]))
    name = str(error["loc"][0])
    if error["type"] == "extra_forbidden":
        return f"{kind.__name__} has no parameter {name!r}: {nearest(name, list(kind.model_fields))}"
    field = kind.model_fields[name]
    where = f"{name}[{error['loc'][1]}]" if len(error["loc"]) > 1 else name
    bound = next((k for k in BOUNDS if k in error.get("ctx", {})), None)
    if bound and error["type"] != "finite_number":
        unit = f" ({_extra(field)['unit']})" if _extra(field)["unit"] else ""
        return f"{where} must be {BOUNDS[bound]} {error['ctx'][bound]:,.10g}{unit}; got {error['input']!r}"
    return f"{where} must be {domain(field)}; got {error['input']!r}"
