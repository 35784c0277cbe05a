"""What a sweep would take, told before it is run: roughly how long, and how much disk."""

from collections.abc import Sequence
from pathlib import Path
from shutil import disk_usage
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import xarray as xr

from sims._batches import Finished, Order, Queue, run
from sims._file import save, write_whole
from sims._journal import Part, pack
from sims._simulation import Simulation

if TYPE_CHECKING:
    from sims._sweep import Design

SHORT, LONG = 0.5, 4.0  # seconds: a batch run for an estimate is run again below, and none is to take longer
MUCH = 64e6  # bytes, of which it is told how long they take to write


class Estimate(NamedTuple):
    """What a sweep takes: seconds in one process, and to write it; bytes unpacked, and bytes free."""

    seconds: float
    writing: float
    nbytes: float
    free: float


def estimate(wanted: "Design", folder: Path) -> Estimate:
    """Roughly, from a run of one point of each shape, and of more as long as that takes but seconds.

    Where it will be much to write, some of it is written into the folder, and removed.
    """
    shapes: dict[Any, list[Simulation]] = {}
    for point in wanted.points:
        shapes.setdefault(point.shape_of_batch(), []).append(point)
    seconds, nbytes, kept = zip(*(_of_one_shape(wanted.order, points) for points in shapes.values()))
    total, free = sum(nbytes), disk_usage(folder).free
    # where a sample has no room, the sweep has none: that is told instead
    rate = _seconds_to_write(kept[-1], folder) / MUCH if min(3 * total, free) > 3 * MUCH else 0.0
    return Estimate(sum(seconds), total * rate, total, free)


def _seconds_to_write(kept: xr.Dataset, folder: Path) -> float:
    """What MUCH of what is like this takes, as a part and then in the sweep."""
    sample = xr.Dataset(
        {
            name: (str(name), np.resize(v.values, int(MUCH * v.nbytes / kept.nbytes / v.dtype.itemsize)))
            for name, v in kept.data_vars.items()
        }
    )
    with TemporaryDirectory(dir=folder, prefix=".estimate.") as scratch:
        began = perf_counter()
        write_whole(Path(scratch) / "part", pack(Part(np.arange(1), [""], sample)))
        save(sample, Path(scratch) / "sweep.nc")
        return perf_counter() - began


def _of_one_shape(order: Order, points: Sequence[Simulation]) -> tuple[float, float, xr.Dataset]:
    """Seconds in one process and bytes for these points, and what is kept of a few of them."""
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
    return a * batches + b * len(points), len(points) * kept.nbytes / count, kept


def quickest(order: Order, sims: Sequence[Simulation]) -> Finished:
    """A batch, run up to three times where it is short: what comes first pays for what it brings to hand."""
    found = [run(order, sims)]
    while len(found) < 3 and sum(each.seconds for each in found) < SHORT:
        found.append(run(order, sims))
    return min(found, key=lambda each: each.seconds)
