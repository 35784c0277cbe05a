"""The points of a sweep in batches: what a worker does with one, and which points go into the next."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, wait
from contextlib import suppress
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple, Protocol

import numpy as np
import xarray as xr

from sims._discover import own_place
from sims._journal import Part
from sims._record import MEASURED, Record, kept
from sims._simulation import Batch, Simulation
from sims._trajectory import Diverged, versions

SECONDS = 1.5  # a batch should take: long enough to hide what it costs to send, short enough to see progress
PATIENCE = 6.0  # and at most, as long as it is not known what its points share
SHARE = 4  # at least so many times what a batch of no points would take
MOST = 1024  # points in it
BYTES = 64e6  # of its trajectories
FIRST = 512, 32e6  # points in a shape's first batch, and numbers these go through, in a second or two
APART = (
    "solve does not keep the runs of a batch apart, or is chaotic; so values hang on how the sweep is split"
)
DEATHS = 3  # of workers, after which a point is run with no other beside it


class Order(NamedTuple):
    """What a worker has to know beside the parameters."""

    kind: type[Simulation]
    records: tuple[Record, ...]


class Finished(NamedTuple):
    """A batch that was run: why each point failed (or ""), what is kept of the others, and what it took."""

    failure: list[str]
    kept: xr.Dataset
    seconds: float
    nbytes: int
    versions: dict[str, str]


def run(order: Order, sims: Sequence[Simulation]) -> Finished:
    """Run points of equal shape side by side; what fails is found by halving, and the rest arrives."""
    began = perf_counter()
    with np.errstate(all="ignore"):  # what does not stay finite is told of as a failure
        halves = list(_halves(order, sims))
    datasets = [dataset for _, dataset, _ in halves if dataset is not None] or [xr.Dataset()]
    if len(datasets) > 1:
        datasets = [xr.concat(datasets, "batch", coords="minimal", compat="override", join="override")]
    failure = [reason for reasons, *_ in halves for reason in reasons]
    nbytes = sum(size for *_, size in halves)
    return Finished(failure, datasets[0], perf_counter() - began, nbytes, versions())


def _halves(order: Order, sims: Sequence[Simulation]) -> Iterable[tuple[list[str], xr.Dataset | None, int]]:
    """Reasons, what is kept and the size of the trajectories, of all at once or else of either half."""
    names = {record.variable for record in order.records}
    try:
        computed = order.kind.solve(Batch(sims))
        runs = order.kind.labelled(sims, computed, None if MEASURED in names else names)
        numbers = _measured(sims, runs) if MEASURED in names else {}
    # a simulation may be anybody's: whatever it raises is the reason why that point has no result
    except (Exception, SystemExit) as error:
        if len(sims) == 1:
            yield [_reason(error)], None, 0
        else:
            half = len(sims) // 2
            yield from _halves(order, sims[:half])
            yield from _halves(order, sims[half:])
        return
    size = sum(v.nbytes for v in computed.values() if isinstance(v, np.ndarray))
    yield [""] * len(sims), kept(runs, order.records).assign(numbers), size


def _reason(error: BaseException) -> str:
    """What was raised, and in a user's own file where."""
    said = " ".join(str(error).split())
    if isinstance(error, Diverged):
        return said
    reason, own = f"{type(error).__name__}: {said}".rstrip(": "), own_place(error)
    return f"{reason} ({Path(own[0]).name}, line {own[1]})" if own else reason


def _measured(sims: Sequence[Simulation], runs: xr.Dataset) -> dict[str, xr.Variable]:
    """What each simulation measures of its own trajectory, NaN where it does not."""
    rows = [sim.measure(runs.isel(batch=i)) for i, sim in enumerate(sims)]
    names = dict.fromkeys(name for row in rows for name in row)
    labels = {"symbol": "", "units": ""}
    return {
        name: xr.Variable("batch", [row.get(name, np.nan) for row in rows], {"long_name": name} | labels)
        for name in names
    }


class Crew(Protocol):
    """Where batches are run."""

    lost: tuple[type[BaseException], ...]
    """What the future of a batch raises whose worker died."""

    @property
    def hands(self) -> int:
        """How many batches it runs at once."""

    def submit(self, order: Order, sims: Sequence[Simulation]) -> "Future[Finished]":
        """Have these points run as one batch."""


class Queue:
    """The points still to run, by shape; batches grow until one takes SECONDS, and end in equal shares.

    A batch of n points takes a + b n seconds. Of each shape every hand first runs as many as are quick for
    sure, one at least, then more; from these follow a and b.
    """

    def __init__(self, points: Sequence[Simulation], missing: Iterable[int], hands: int) -> None:
        self.hands = hands
        self.waiting: dict[Any, list[int]] = {}
        self.shape: dict[int, Any] = {}
        for i in missing:
            self.shape[i] = points[i].shape_of_batch()
            self.waiting.setdefault(self.shape[i], []).append(i)
        self.most: dict[Any, int] = {  # points in the next batch of each shape
            shape: _first(points[left[0]]) for shape, left in self.waiting.items()
        }
        self.out: Counter[Any] = Counter()  # batches that are running
        self.first: dict[Any, tuple[int, float]] = {}  # points and seconds of the first batch
        self.cost: dict[Any, tuple[float, float]] = {}  # a and b, from the second on
        self.least: dict[Any, int] = {}  # points in the next, where there are so many: likewise
        self.round: dict[Any, list[int]] = {}  # sizes of the next batches, one for each hand
        self.returned: list[list[int]] = []
        self.deaths: Counter[int] = Counter()

    def pop(self, alone: bool) -> list[int] | None:
        """The points of the next batch, or None as long as nothing can be begun beside what is running."""
        for batch in self.returned:
            if alone or not self.suspect(batch):
                self.returned.remove(batch)
                self.out[self.shape[batch[0]]] += 1
                return batch
        for shape, left in self.waiting.items():
            if left and (shape in self.least or self.out[shape] < self.hands):
                count = self._count(shape, len(left))
                batch = left[:count]
                del left[:count]
                self.out[shape] += 1
                return batch
        return None

    def suspect(self, batch: Sequence[int]) -> bool:
        """Whether a batch is one point whose workers died so often that it must be seen alone."""
        return len(batch) == 1 and self.deaths[batch[0]] >= DEATHS

    def _count(self, shape: Any, left: int) -> int:
        """Where all that is left makes no two good batches for every hand, each gets its share of it."""
        if not self.round.get(shape):
            even = -(-left // self.hands)
            least = self.least.get(shape, even)
            good = even if self.hands == 1 or even <= 2 * least else max(least, -(-even // 2))
            self.round[shape] = [min(good, self.most[shape])] * self.hands
        return self.round[shape].pop()

    def learn(self, batch: Sequence[int], finished: Finished) -> None:
        """How many points go into the next batches of this shape, from what this one and the first one took.

        They shall take SECONDS, or longer where these would mostly be spent on a.
        """
        count, seconds = len(batch), max(finished.seconds, 1e-6)
        shape = self.shape[batch[0]]
        self.out[shape] -= 1
        few, sooner = self.first.setdefault(shape, (count, seconds))
        if count != few:
            b = max((seconds - sooner) / (count - few), seconds / count / 10)
            a = max(seconds - b * count, 0.0)
            self.cost[shape] = a, b
            self.least[shape] = max(1, int(SHARE * a / b))
            size = max((SECONDS - a) / b, self.least[shape])
        else:
            size = max(count * PATIENCE / seconds, 2 if count == 1 else 1)
        room = BYTES * count / finished.nbytes if finished.nbytes else 2 * count
        self.most[shape] = max(1, int(min(size, room, MOST)))

    def again(self, batch: list[int]) -> bool:
        """Take back a batch whose worker died, in halves from the second time on.

        False where a single point was run alone and has killed its worker once too often.
        """
        self.out[self.shape[batch[0]]] -= 1
        for i in batch:
            self.deaths[i] += 1
        died = self.deaths[batch[0]]
        if len(batch) == 1 and died > DEATHS:
            return False
        half = len(batch) // 2 if died > 1 else 0
        self.returned += [part for part in (batch[:half], batch[half:]) if part]
        return True

    def __bool__(self) -> bool:
        return bool(self.returned) or any(self.waiting.values())


def _first(point: Simulation) -> int:
    """How many points like this one are run before it is known what they take: one, if it tells nothing."""
    through, kept = point.extent()
    return max(1, int(min(FIRST[0], FIRST[1] / through, BYTES / (8 * kept))))


class Twin(NamedTuple):
    """A point that is run again as the last of another batch, and what was kept of it."""

    point: int
    kept: xr.Dataset

    def taken_from(self, finished: Finished, warn: Callable[[str], None]) -> Finished:
        """The batch without it; told of where it has changed."""
        *failure, failed = finished.failure
        if failed:
            warn(f"a point that gave values failed when it was run once more: {failed}")
            return finished._replace(failure=failure)
        for name, v in self.kept.data_vars.items():
            before, now = v.values[0], finished.kept[name].values[-1]
            if not np.allclose(before, now, rtol=1e-6, atol=1e-6 * np.max(abs(before), initial=0)):
                warn(f"{name} of a point changed with the points that ran beside it: {APART}")
                break
        return finished._replace(failure=failure, kept=finished.kept.isel(batch=slice(-1)))


def compute(
    order: Order,
    points: Sequence[Simulation],
    missing: Iterable[int],
    crew: Crew,
    keep: Callable[[Part], None],
    warn: Callable[[str], None],
) -> None:
    """Run the missing points on a crew, handing on every batch as it comes.

    A simulation may be anybody's, so a point of it is run once more, in another batch and at another place
    in it, and `warn` is told where that changes what it gives.

    Raises what a batch raises beyond the failure of its points: a mistake in what is to be recorded, a crew
    that is lost as a whole, or OSError for workers of other versions than ours.
    """
    hands = crew.hands
    queue = Queue(points, missing, hands)
    running: dict[Future[Finished], tuple[list[int], Twin | None]] = {}
    anybodys = not order.kind.__module__.startswith("sims.")
    twins: dict[Any, Twin] = {}
    alone = False  # whether what is running must have nothing beside it
    slots = hands if hands == 1 else 2 * hands
    try:
        while queue or running:
            while len(running) < (1 if alone else slots):
                batch = queue.pop(alone=not running)
                if batch is None:
                    break
                alone = queue.suspect(batch)
                twin = twins.pop(queue.shape[batch[0]], None) if len(batch) > 1 else None
                ran = [*batch, twin.point] if twin else batch
                running[crew.submit(order, [points[i] for i in ran])] = batch, twin
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                batch, twin = running.pop(future)
                alone = False
                try:
                    finished = future.result()
                except crew.lost:
                    if not queue.again(batch):
                        reason = f"its process died {DEATHS + 1} times: killed, or out of memory"
                        keep(Part(np.array(batch), [reason], xr.Dataset()))
                    continue
                except CancelledError:
                    raise ConnectionError("the scheduler, or the way to it, was lost") from None
                _same_versions(finished.versions)
                if twin:
                    finished = twin.taken_from(finished, warn if anybodys else lambda _: None)
                    anybodys = False  # once is enough
                queue.learn(batch, finished)
                fine = [i for i, reason in zip(batch, finished.failure) if not reason]
                if anybodys and fine:
                    twins[queue.shape[batch[0]]] = Twin(fine[0], finished.kept.isel(batch=[0]))
                keep(Part(np.array(batch), finished.failure, finished.kept))
    finally:
        for future in running:
            with suppress(RuntimeError):
                future.cancel()


def _same_versions(theirs: dict[str, str]) -> None:
    for name, ours in versions().items():
        if theirs[name] != ours:
            raise OSError(f"a worker has {name} {theirs[name]}, this process {ours}; install the same on all")
