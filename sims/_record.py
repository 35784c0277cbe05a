"""What a sweep keeps of each run.

r           one value: the mean over the last half of time, or the value at the last step of a training
r@end       the last value
theta@10    at time (or step) 10
r@0:20:5    at five times from 0 to 20
r@:         the whole course
measured    the numbers that `sims run` prints
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import xarray as xr

from sims._discover import UnknownName, nearest
from sims._simulation import ParameterError, Simulation
from sims._trajectory import TrajectoryError, declaration

LEADS = ("time", "step", "epoch")
MEASURED = "measured"


class Record(NamedTuple):
    """A variable, and when it is taken."""

    variable: str
    when: str


def records(kind: type[Simulation], asked: Iterable[str], taken: Collection[str] = ()) -> tuple[Record, ...]:
    """What is asked for, as `r@10`; where nothing is, whatever is one number at a time and no angle.

    Raises UnknownName for what the simulation does not record, ParameterError for a time that can't be read
    and for a name that is `taken`, by a parameter or a dimension of the sweep.
    """
    found = [_read(kind, word) for word in asked] or [
        Record(name, "")
        for name, v in kind.variables.items()
        if len(v.dims) == 1
        and v.dims[0] in LEADS
        and name not in {*LEADS, *taken}
        # the mean of an angle that goes round and round says nothing
        and v.unit != "rad"
    ]
    names = [record.variable for record in found]
    for name in names:
        if names.count(name) > 1:
            raise ParameterError(f"{name} is recorded twice; record its course, {name}@:, and take from that")
        dims = () if name == MEASURED else declaration(name, kind.variables).dims
        for clash in {name, *dims} & set(taken):
            raise ParameterError(f"{clash} is gone over, so that {name} cannot be recorded beside it")
    return tuple(found)


def _read(kind: type[Simulation], word: str) -> Record:
    name, at, when = word.strip().partition("@")
    if name == MEASURED and not at:
        return Record(MEASURED, "")
    try:
        dims = declaration(name, kind.variables).dims
    except TrajectoryError:
        known = [key for key, v in kind.variables.items() if v.dims != (key,)]
        raise UnknownName(f"{kind.__name__} does not record {name!r}: {nearest(name, known)}") from None
    if dims == (name,):
        raise UnknownName(f"{name} comes with whatever is recorded along it")
    if at and not set(LEADS) & set(dims):
        raise ParameterError(f"{name} does not change in time: record {name}; got {word}")
    if at and when not in ("end", "late", ":"):
        _times(word, when)
    return Record(name, when if at else "")


def _times(word: str, when: str) -> np.ndarray:
    """The times of `10` or `0:20:5`."""
    try:
        span = [float(part) for part in when.split(":")]
        low, high, count = span if len(span) > 1 else (span[0], span[0], 1)
    except ValueError:
        raise ParameterError(f"say when as in r@end, r@late, r@10, r@0:20:5 or r@:; got {word}") from None
    if low > high or (low == high and count > 1):
        raise ParameterError(f"time runs from the first of two numbers to the second; got {word}")
    return np.linspace(low, high, int(count))


def kept(runs: xr.Dataset, wanted: Sequence[Record]) -> xr.Dataset:
    """Of trajectories side by side (batch, …) what is wanted, with the coordinates it lies along.

    Raises ParameterError for times beyond the end of the run, and for words instead of numbers.
    """
    taken = xr.Dataset()
    for record in wanted:
        if record.variable == MEASURED:
            continue
        if record.variable not in runs:
            raise UnknownName(
                f"{record.variable} is not recorded: {nearest(record.variable, list(map(str, runs)))}"
            )
        v = _at(runs[record.variable], record)
        for name, coordinate in v.coords.items():
            if name in taken and not coordinate.equals(taken[name]):
                raise ParameterError(
                    f"{record.variable} is recorded at other {name}s than the variables before it; "
                    f"record all at the same {name}s, or in two sweeps"
                )
        taken[record.variable] = v
    return taken


def one_number_each(kind: type[Simulation], wanted: Sequence[Record]) -> Iterator[tuple[str, dict[str, str]]]:
    """What will be one number of each run, whatever comes out of it, with its labels."""
    for name, when in wanted:
        if name != MEASURED:
            dims, meaning, symbol, unit = declaration(name, kind.variables)
            lead = next((dim for dim in LEADS if dim in dims), None)
            if not dims or (dims == (lead,) and ":" not in when):
                yield name, {"long_name": meaning, "symbol": symbol, "units": unit}


def _at(v: xr.DataArray, record: Record) -> xr.DataArray:
    if v.dtype.kind not in "fiub":
        raise ParameterError(f"{v.name} is words; a sweep records numbers")
    lead = next((name for name in LEADS if name in v.dims), None)
    if lead is None or record.when == ":":
        return v
    when = record.when or ("late" if lead == "time" else "end")
    axis = v.dims.index(lead)
    if when == "late":
        late = range(v.shape[axis] // 2, v.shape[axis])
        values, told = v.values.take(late, axis).mean(axis), "mean of the last half"
    elif when == "end":
        values, told = v.values.take(-1, axis), "at the end"
    else:
        return _chosen(v, lead, record)
    return _reduced(v, lead, values, told)


def _chosen(v: xr.DataArray, lead: str, record: Record) -> xr.DataArray:
    """The nearest recorded times to those asked for."""
    clock = v[lead].values
    near = np.diff(clock).max(initial=0) / 2
    times = _times(f"{record.variable}@{record.when}", record.when)
    if times.min() < clock[0] - near or times.max() > clock[-1] + near:
        raise ParameterError(
            f"{record.variable}@{record.when}: a run goes from {lead} {clock[0]:g} to {clock[-1]:g}"
        )
    places = abs(clock[:, None] - times).argmin(0)
    if ":" in record.when:
        return v.isel({lead: places})
    unit = f" {v[lead].attrs['units']}" if v[lead].attrs["units"] else ""
    told = f"at {lead} {clock[places[0]]:g}{unit}"
    return _reduced(v, lead, v.values.take(places[0], v.dims.index(lead)), told)


def _reduced(v: xr.DataArray, lead: str, values: np.ndarray, told: str) -> xr.DataArray:
    """`values` in place of those of v, without the dimension `lead`."""
    coordinates = {name: c for name, c in v.coords.items() if lead not in c.dims}
    attrs = v.attrs | {"long_name": f"{v.attrs['long_name']}, {told}"}
    return xr.DataArray(values, coordinates, [dim for dim in v.dims if dim != lead], attrs=attrs)
