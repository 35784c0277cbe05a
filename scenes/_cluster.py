"""Pieces of a film drawn by the workers of a Dask cluster, which need not share a disk with us.

dask scheduler                                         on one machine
dask worker tcp://scheduler:8786 --nthreads 1          on each that draws; the same versions everywhere
scenes render metronomes --scheduler tcp://scheduler:8786
"""

import tempfile
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path
from threading import Lock

from scenes._pieces import Order, Report, Span, WorkerDied, draw, plain, shared_out
from scenes._runs import afresh
from sims._command import Mistyped
from sims._file import write_whole

ONE = Lock()  # Manim's settings are one for a whole process
FRAMES = 900  # in a task: enough to hide the way to its first frame
PATIENCE = "10s"  # to reach the scheduler


def spread_over(
    scheduler: str,
    fresh: bool,
    order: Order,
    spans: Sequence[Span],
    path: Callable[[Span], Path],
    poster: tuple[int, Path] | None,
    report: Report,
) -> None:
    """Have the workers draw these pieces; each is written here as soon as its task is done.

    A task whose worker dies goes to another; Dask gives it up after the fourth. Raises Mistyped where there
    is no scheduler, WorkerDied where no worker could draw.
    """
    try:
        from distributed import Client, KilledWorker, as_completed
    except ImportError:
        raise Mistyped(
            "--scheduler needs dask.distributed: pip install '.[cluster]' where the project lies"
        ) from None
    try:
        client = Client(scheduler, timeout=PATIENCE)
    except (OSError, ValueError) as error:
        raise Mistyped(f"no Dask scheduler answers at {scheduler}: {error}") from None
    frames = sum(last - first for first, last in spans)
    with client:
        at = poster and poster[0]
        shares = shared_out(spans, max(1, round(frames / FRAMES)))
        tasks = [client.submit(drawn, order, share, at, fresh, pure=False) for share in shares]
        try:
            for _, (pieces, picture) in as_completed(tasks, with_results=True):
                for span, data in pieces.items():
                    write_whole(path(span), data)
                    for frame in range(*span):
                        report(frame)
                if poster and picture:
                    write_whole(poster[1], picture)
        except KilledWorker as error:
            raise WorkerDied(f"{error}; out of memory? Choose a lower --quality, or larger workers") from None
        finally:
            client.cancel(tasks)


def drawn(
    order: Order, spans: Sequence[Span], poster: int | None, fresh: bool
) -> tuple[dict[Span, bytes], bytes | None]:
    """On a worker: the bytes of some pieces, and of the poster if it is among them."""
    with (
        ONE,
        afresh() if fresh else nullcontext(),
        tempfile.TemporaryDirectory(prefix="learning-dynamics-") as name,
    ):
        folder = Path(name)
        places = {span: folder / f"{span[0]}-{span[1]}{order.form.suffix}" for span in spans}
        picture = folder / "poster.png"
        failed = None
        try:
            draw(
                order,
                spans,
                places.__getitem__,
                (poster, picture) if poster is not None else None,
                lambda k: None,
            )
        except OSError as error:
            failed = plain(error)
        if failed:
            raise failed  # out here, where nothing that can't be sent goes with it
        pieces = {span: place.read_bytes() for span, place in places.items()}
        return pieces, picture.read_bytes() if picture.exists() else None
