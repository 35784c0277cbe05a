"""Thousands of runs as one labelled Dataset: a dimension for each parameter that changes.

    ds = sweep(Kuramoto(n=1000), over={"K": np.linspace(0, 4, 41), "seed": range(32)})
    ds.r.mean("seed").plot()

Points of equal shape run side by side as one batch, here or in other processes or on a Dask cluster. Each
equals the single run with its parameters, however the sweep was cut into batches.
"""

import hashlib
import inspect
import json
from collections.abc import Iterable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from sims._axes import Axis, Over, axes
from sims._batches import Finished, Order, Queue, compute, run
from sims._crew import crew
from sims._journal import Journal, Part, part_of
from sims._progress import points_bar
from sims._record import Record, records
from sims._simulation import ParameterError, Simulation, labels_of
from sims._trajectory import check_writable, load, revision, save, versions

SHORT, LONG = 0.5, 4.0  # seconds: a batch run for an estimate is run again below, and none is to take longer


@dataclass(frozen=True)
class Design:
    """What a sweep is to compute."""

    sim: Simulation
    axes: list[Axis]
    records: tuple[Record, ...]

    @cached_property
    def shape(self) -> tuple[int, ...]:
        return tuple(axis.size for axis in self.axes)

    @cached_property
    def points(self) -> list[Simulation]:
        """The simulation of every point, the last dimension changing fastest.

        Raises ParameterError for a point out of bounds.
        """
        places = product(*([axis.at(i) for i in range(axis.size)] for axis in self.axes))
        updates = ({name: value for at in place for name, value in at.items()} for place in places)
        return [self.sim.model_copy(update=update) for update in updates]

    @property
    def order(self) -> Order:
        return Order(type(self.sim), self.records)

    @property
    def over(self) -> dict[str, dict[str, tuple[Any, ...]]]:
        """What `sweep` goes over, in full."""
        return {axis.name: axis.columns for axis in self.axes}

    @property
    def asked(self) -> list[str]:
        """What is recorded, in words."""
        return ["@".join(filter(None, record)) for record in self.records]

    @property
    def name(self) -> str:
        return type(self.sim).__module__.rsplit(".", 1)[-1]

    def provenance(self) -> dict[str, Any]:
        """All that the values of the sweep hang on."""
        return {
            "simulation": self.name,
            "parameters": dict(self.sim),
            "over": self.over,
            "record": self.asked,
            "versions": versions(),
            "source": source(type(self.sim)),
        }


@cache
def source(kind: type[Simulation]) -> str:
    """SHA-256 of the code that values hang on: every file of `sims`, and a user's own class."""
    sha = hashlib.sha256()
    for file in sorted(Path(__file__).parent.glob("*.py")):
        sha.update(file.read_bytes())
    if not kind.__module__.startswith("sims."):
        with suppress(OSError):  # a class typed in at a prompt has no source
            sha.update(inspect.getsource(kind).encode())
    return sha.hexdigest()


def design(sim: Simulation, over: Over, record: Iterable[str] = ()) -> Design:
    """A sweep to be computed. Raises UnknownName or ParameterError for what is not possible."""
    if not isinstance(sim, Simulation):
        example = f"{sim.__name__}()" if isinstance(sim, type) else "Kuramoto(n=100)"
        raise ParameterError(f"a sweep varies a simulation, such as {example}; got {sim!r}")
    along = axes(type(sim), over)
    taken = {name for axis in along for name in (axis.name, *axis.columns)}
    return Design(sim, along, records(type(sim), record, taken))


def sweep(
    sim: Simulation,
    over: Over,
    *,
    record: Iterable[str] = (),
    output: str | Path | None = None,
    resume: bool = False,
    jobs: int = 1,
    scheduler: Any = None,
    progress: bool | None = None,
) -> xr.Dataset:
    """Run a simulation for every combination of values and return what was recorded, labelled.

    over        {"K": [0, 1, 2], "seed": range(8)}: a dimension for each;
                {"point": {"K": …, "D": …}}: together along one, as `latin` and `random` give them
    record      "r" (mean over the last half of time, or the last step of a training), "r@end", "r@10",
                "r@0:20:5", "r@:" (the whole course), "measured" (what `sims run` prints); unless given, every
                variable that is one number at a time
    output      a .nc or .zarr to stream to: what is done survives whatever ends this process
    resume      do only what is missing of an `output` that was interrupted
    jobs        processes
    scheduler   a Dask scheduler's address, or a Client: its workers compute
    progress    a bar with done, failed, rate and time left; on a terminal and in a notebook unless said

    Returns a Dataset with the parameters as coordinates and `failure`, which says why a point has no values
    (NaN) or "". Its attributes hold all that is needed to compute it again.

    Raises ParameterError and UnknownName for what can't be run or recorded, before anything is computed,
    FileExistsError for an output that is there, that another process writes or that holds other points,
    OSError as files do.
    """
    wanted = design(sim, over, record)
    count = len(wanted.points)
    if output is not None and resume and (whole := finished(wanted, Path(output))):
        return whole
    with ExitStack() as stack:
        journal = None
        parts: list[Part] = []
        if output is not None:
            check_output(Path(output), resume)
            journal = stack.enter_context(Journal(Path(output), wanted.provenance(), resume))
            parts = journal.parts
        done = {int(i) for part in parts for i in part.points}
        bar = stack.enter_context(points_bar(count, len(done), wanted.name, progress))
        failed = sum(reason != "" for part in parts for reason in part.failure)

        def keep(part: Part) -> None:
            nonlocal failed
            check_alike(part, parts, wanted)
            if journal:
                journal.keep(part)
            else:
                parts.append(part)
            failed += sum(reason != "" for reason in part.failure)
            if failed:
                bar.set_postfix(failed=failed, refresh=False)
            bar.update(len(part.points))

        missing = [i for i in range(count) if i not in done]
        try:
            if missing:
                hands = stack.enter_context(crew(jobs, scheduler))
                compute(wanted.order, wanted.points, missing, hands, keep)
            dataset = assembled(wanted, parts)
            if journal:
                save(dataset, journal.output)
        except KeyboardInterrupt:
            raise KeyboardInterrupt(f"interrupted{journal.hint() if journal else ''}") from None
        except ConnectionError as error:
            raise ConnectionError(f"{error}{journal.hint() if journal else ''}") from None
        except MemoryError as error:
            raise MemoryError(f"{error}{journal.hint() if journal else ''}") from None
        if journal:
            journal.remove()
    return dataset


def finished(wanted: Design, output: Path) -> xr.Dataset | None:
    """The sweep, where it is there already and whole.

    Raises FileExistsError where what is there is something else, TrajectoryError where it is damaged.
    """
    if not output.exists() or part_of(output).exists():
        return None
    there, asked = load(output), attributes(wanted)
    differ = [key for key in asked if key != "revision" and there.attrs.get(key) != asked[key]]
    for name, values in coordinates(wanted).items():
        if name not in there or not np.array_equal(there[name], values):
            differ.append(name)
    if differ:
        raise FileExistsError(
            f"{output} is no beginning of what is asked for: it differs in {', '.join(differ)}"
        )
    return there


class Estimate(NamedTuple):
    """What a sweep takes: seconds in one process, and bytes before they are packed."""

    seconds: float
    nbytes: float


def estimate(wanted: Design) -> Estimate:
    """Roughly, from a run of one point of each shape, and of more as long as that takes but seconds."""
    shapes: dict[Any, list[Simulation]] = {}
    for point in wanted.points:
        shapes.setdefault(point.shape_of_batch(), []).append(point)
    seconds, nbytes = zip(*(_of_one_shape(wanted.order, points) for points in shapes.values()))
    return Estimate(sum(seconds), sum(nbytes))


def _of_one_shape(order: Order, points: Sequence[Simulation]) -> Estimate:
    queue = Queue(points, range(len(points)), hands=1)
    ((shape, first),) = queue.most.items()
    count = more = 1
    while more:
        count = more
        finished = quickest(order, points[:count])
        queue.learn(range(count), finished)
        a, b = queue.cost.get(shape, (0.0, finished.seconds))
        largest = min(queue.most[shape], len(points))
        fitting = (min(n, largest) for n in (8 * count, 2 * count) if a + b * n < LONG)
        more = next((n for n in fitting if n > count), 0)
    kept = finished.kept.drop_vars(finished.kept.coords)
    batches = 1 + -(-max(0, len(points) - first) // largest)
    return Estimate(a * batches + b * len(points), len(points) * kept.nbytes / count)


def quickest(order: Order, sims: Sequence[Simulation]) -> Finished:
    """A batch, run up to three times where it is short: what comes first pays for what it brings to hand."""
    found = [run(order, sims)]
    while len(found) < 3 and sum(each.seconds for each in found) < SHORT:
        found.append(run(order, sims))
    return min(found, key=lambda each: each.seconds)


def check_output(path: Path, resume: bool = False) -> None:
    """Raise ParameterError, FileExistsError or OSError unless a sweep can be written there."""
    if path.suffix not in (".nc", ".zarr"):
        raise ParameterError(f"a sweep is written as .nc or .zarr; got {path}")
    if path.exists() and not resume:
        raise FileExistsError(f"{path} is there already; take another name, or remove it")
    if path.suffix == ".nc" or not path.is_dir():
        check_writable(path)


def check_alike(part: Part, parts: Sequence[Part], wanted: Design) -> None:
    """Raise ParameterError where what is recorded has another shape than at the points before."""
    first = next((other for other in parts if other.kept.sizes), None)
    if first is None or not part.kept.sizes:
        return
    for name, v in first.kept.variables.items():
        if name not in part.kept.variables:
            continue  # a number that is measured only for some parameters
        other = part.kept.variables[name]
        along = name in first.kept.coords
        alike = np.array_equal(v, other) if along else v.shape[1:] == other.shape[1:]
        if v.dims == other.dims and alike:
            continue
        ours, theirs = (wanted.points[int(p.points[0])] for p in (first, part))
        differ = [k for k, value in dict(ours).items() if value != dict(theirs)[k] and k != "seed"]
        said = " and ".join(", ".join(f"{k}={dict(point)[k]}" for k in differ) for point in (ours, theirs))
        raise ParameterError(
            f"{name} has not one shape at all points ({said}); record what has, such as one number at a time"
        )


def assembled(wanted: Design, parts: Sequence[Part]) -> xr.Dataset:
    """The Dataset of a sweep, from its parts in any order."""
    count, dims = len(wanted.points), [axis.name for axis in wanted.axes]
    failure = np.full(count, "", dtype=object)
    whole = sum(part.failure.count("") for part in parts) == count
    found: dict[str, tuple[xr.Variable, np.ndarray]] = {}
    dataset = xr.Dataset(coords=coordinates(wanted))
    for part in parts:
        reasons = np.array(part.failure, dtype=object)
        failure[part.points] = reasons
        fine = part.points[reasons == ""]
        for name, v in part.kept.data_vars.items():
            if name not in found:
                # only floats can say that a value is missing
                as_is = whole and v.dtype.kind in "iub"
                empty = np.full((count, *v.shape[1:]), 0 if as_is else np.nan, v.dtype if as_is else float)
                found[str(name)] = v.variable, empty
            found[str(name)][1][fine] = v.values
        dataset = dataset.assign_coords({name: c.variable for name, c in part.kept.coords.items()})
    for key, (variable, values) in found.items():
        grid = values.reshape(*wanted.shape, *values.shape[1:])
        dataset[key] = ((*dims, *variable.dims[1:]), grid, variable.attrs)
    told = {"long_name": "why a point has no values", "symbol": "", "units": ""}
    dataset["failure"] = (dims, failure.astype(str).reshape(wanted.shape), told)
    dataset.attrs = attributes(wanted)
    return dataset


def attributes(wanted: Design) -> dict[str, Any]:
    """Where the values of a sweep come from, as its Dataset says it."""
    return {
        "simulation": wanted.name,
        "title": (type(wanted.sim).__doc__ or "").strip().split("\n")[0],
        "parameters": json.dumps(dict(wanted.sim)),
        "seed": int(getattr(wanted.sim, "seed", 0)),
        "versions": json.dumps(versions()),
        "revision": revision(),
        "source": source(type(wanted.sim)),
        "over": json.dumps([list(axis.columns) for axis in wanted.axes]),
        "record": json.dumps(wanted.asked),
    }


def coordinates(wanted: Design) -> dict[str, xr.Variable]:
    """The values of every parameter that is gone over, with meaning, symbol and unit."""
    found = {}
    for axis in wanted.axes:
        for name, column in axis.columns.items():
            plain = [" ".join(map(str, value)) if isinstance(value, tuple) else value for value in column]
            found[name] = xr.Variable(axis.name, np.array(plain), labels_of(type(wanted.sim), name))
    return found
