"""Thousands of runs as one labelled Dataset: a dimension for each parameter that changes.

    ds = sweep(Kuramoto(n=1000), over={"K": np.linspace(0, 4, 41), "seed": range(32)})
    ds.r.mean("seed").plot()

Points of equal shape run side by side as one batch, here or in other processes or on a Dask cluster. Each
equals the single run with its parameters, however the sweep was cut into batches.
"""

import hashlib
import inspect
import json
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from sims._axes import Axis, Over, axes
from sims._batches import Order, compute
from sims._crew import crew
from sims._file import check_writable, opened, save
from sims._journal import Journal, Part, begun
from sims._parts import gathered, saved_part
from sims._progress import bar_of
from sims._record import Record, one_number_each, records
from sims._simulation import ParameterError, Simulation, labels_of
from sims._trajectory import revision, versions

TELLING = 8  # points at the beginning that all fail are told of: there may be a mistake in what was asked


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
    def dims(self) -> list[str]:
        return [axis.name for axis in self.axes]

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
    retry_failed: bool = False,
    jobs: int = 1,
    scheduler: Any = None,
    progress: bool | None = None,
) -> xr.Dataset:
    """Run a simulation for every combination of values and return what was recorded, labelled.

    over          {"K": [0, 1, 2], "seed": range(8)}: a dimension for each;
                  {"point": {"K": …, "D": …}}: together along one, as `latin` and `random` give them
    record        "r" (mean over the last half of time, or the last step of a training), "r@end", "r@10",
                  "r@0:20:5", "r@:" (the whole course), "measured" (what `sims run` prints); unless given,
                  every variable that is one number at a time
    output        a .nc or .zarr to stream to: what is done survives whatever ends this process
    resume        do only what is missing of an `output` that was interrupted
    retry_failed  the same, and run those points again that failed, also of an `output` that is whole
    jobs          processes
    scheduler     a Dask scheduler's address, or a Client: its workers compute
    progress      a bar with done, failed, rate and time left; on a terminal and in a notebook unless said

    Returns a Dataset with the parameters as coordinates and `failure`, which says why a point has no values
    (NaN) or "". Its attributes hold all that is needed to compute it again.

    Raises ParameterError and UnknownName for what can't be run or recorded, before anything is computed,
    FileExistsError for an output that is there, that another process writes or that holds other points,
    OSError as files do.
    """
    path = None if output is None else Path(output)
    dataset = computed(design(sim, over, record), path, resume, retry_failed, jobs, scheduler, progress)
    try:
        return dataset.load()
    except MemoryError as error:
        saved = f"; it is whole in {path}, which xarray.open_dataset reads piece by piece" if path else ""
        raise MemoryError(f"{error}{saved}") from None


def computed(
    wanted: Design,
    output: Path | None,
    resume: bool,
    retry_failed: bool,
    jobs: int,
    scheduler: Any,
    progress: bool | None = None,
) -> xr.Dataset:
    """Compute a sweep and write it, as `sweep` tells; its values may lie on disk until they are read."""
    count = len(wanted.points)
    with ExitStack() as stack:
        journal = None
        before: list[Part] = []  # what is in the file already, where failed points are run again
        parts: list[Part] = []
        if output is not None:
            whole = finished(wanted, output, retry_failed) if resume or retry_failed else None
            if whole is not None and not ((retry_failed and (whole.failure != "").any()) or begun(output)):
                return whole
            check_output(output, resume or retry_failed)
            journal = stack.enter_context(Journal(output, wanted.provenance(), resume, retry_failed))
            if whole is not None and (whole.failure == "").any():
                before = [saved_part(whole, wanted.dims)]
            parts = journal.parts
        stack.enter_context(hinting(journal))
        done = {int(i) for part in (*before, *parts) for i in part.points}
        missing = [i for i in range(count) if i not in done]
        ran, failed = len(done), sum(reason != "" for part in parts for reason in part.failure)
        bar = stack.enter_context(bar_of(count, wanted.name, progress, initial=ran))

        def keep(part: Part) -> None:
            nonlocal ran, failed
            check_alike(part, before or parts, wanted)
            if journal:
                journal.keep(part)
            else:
                parts.append(part)
            failed += sum(reason != "" for reason in part.failure)
            if failed:
                bar.set_postfix(failed=failed, refresh=False)
            bar.update(len(part.points))
            ran += len(part.points)
            if ran - len(part.points) < TELLING <= ran == failed < count:
                warn(f"the first {failed} points all failed: {part.failure[-1]}")

        def warn(said: str) -> None:
            with bar.external_write_mode():
                warnings.warn(said, stacklevel=4)

        if missing:
            hands = stack.enter_context(crew(jobs, scheduler))
            compute(wanted.order, wanted.points, missing, hands, keep, warn)
        dataset = assembled(wanted, [*before, *parts])
        if journal:
            bar.close()
            size = sum(v.nbytes for v in dataset.data_vars.values())
            with bar_of(size, f"writing {journal.output.name}", progress, unit="B") as written:
                save(dataset, journal.output, written.update)
            journal.remove()
    return dataset


@contextmanager
def hinting(journal: Journal | None) -> Iterator[None]:
    """Whatever ends a sweep from outside also says how to go on with it."""
    try:
        yield
    except (KeyboardInterrupt, MemoryError, OSError) as error:
        hint = journal.hint() if journal else ""
        if isinstance(error, OSError) and error.errno:
            raise type(error)(error.errno, f"{error.strerror}{hint}", error.filename) from None
        raise type(error)(f"{str(error) or 'interrupted'}{hint}") from None


def finished(wanted: Design, output: Path, retry_failed: bool = False) -> xr.Dataset | None:
    """The sweep, where it is there already and whole.

    Raises FileExistsError where what is there is something else, TrajectoryError where it is damaged. Where
    nothing but failures came out, which are to be run again, code that has changed since makes no difference.
    """
    if not output.exists():
        return None
    there, asked = opened(output), attributes(wanted)
    differ = [key for key in asked if key != "revision" and there.attrs.get(key) != asked[key]]
    for name, values in coordinates(wanted).items():
        if name not in there or not np.array_equal(there[name], values):
            differ.append(name)
    if differ == ["source"] and (retry_failed or begun(output)) and (there.failure != "").all():
        return there
    if differ:
        raise FileExistsError(
            f"{output} is no beginning of what is asked for: it differs in {', '.join(differ)}"
        )
    return there


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
    """The Dataset of a sweep, from its parts in any order, whose values stay in these until they are read."""
    found = gathered(parts, wanted.dims, wanted.shape)
    dataset = xr.Dataset(coords=coordinates(wanted)).assign_coords(found.coords).assign(found.data_vars)
    for name, labels in one_number_each(type(wanted.sim), wanted.records):
        if name not in dataset:  # no point has it, and still its shape is known
            dataset[name] = (wanted.dims, np.full(wanted.shape, np.nan), labels)
    return dataset.assign_attrs(attributes(wanted))


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
