"""Where the batches of a sweep are run: in this process, in others beside it, or on a Dask cluster."""

import logging
import pickle
import signal
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from sims._batches import Crew, Finished, Order, run
from sims._simulation import ParameterError, Simulation

ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
PATIENCE = "10s"  # to reach the scheduler
IDLE = 60  # seconds after which a process without work ends


@contextmanager
def crew(jobs: int = 1, scheduler: Any = None) -> Iterator[Crew]:
    """The crew for a sweep: `scheduler` is a Dask scheduler's address, or a Client.

    Raises ConnectionError where no scheduler answers, ParameterError where Dask is not installed.
    """
    if scheduler is not None:
        with _cluster(scheduler) as cluster:
            yield cluster
    elif jobs > 1:
        processes = Processes(jobs)
        try:
            yield processes
        except BaseException:
            processes.end()
            raise
    else:
        yield Here()


class Here:
    """In this process, one batch after another."""

    hands = 1
    lost: tuple[type[BaseException], ...] = ()

    def submit(self, order: Order, sims: Sequence[Simulation]) -> "Future[Finished]":
        future: Future[Finished] = Future()
        future.set_result(run(order, sims))
        return future


class Processes:
    """In processes beside this one, replaced when they die; the next sweep finds them ready."""

    def __init__(self, jobs: int) -> None:
        from loky.process_executor import BrokenProcessPool

        self.hands = jobs
        self.lost: tuple[type[BaseException], ...] = (BrokenProcessPool,)

    def submit(self, order: Order, sims: Sequence[Simulation]) -> "Future[Finished]":
        future: Future[Finished] = self._executor().submit(run_packed, pickled(order), packed(sims))
        return future

    def _executor(self) -> Any:
        """The pool; a new one where a worker's death has broken the last."""
        from loky import get_reusable_executor

        return get_reusable_executor(self.hands, timeout=IDLE, env=ONE_THREAD, initializer=_deaf)

    def end(self) -> None:
        self._executor().shutdown(wait=False, kill_workers=True)


def _deaf() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's, who ends us


class Cluster:
    """On the workers of a Dask cluster, as many as there are when a batch is sent."""

    def __init__(self, client: Any) -> None:
        from distributed import KilledWorker

        self.lost: tuple[type[BaseException], ...] = (KilledWorker,)
        self._client, self._executor = client, client.get_executor(pure=False)

    @property
    def hands(self) -> int:
        return max(1, int(sum(self._client.nthreads().values())))

    def submit(self, order: Order, sims: Sequence[Simulation]) -> "Future[Finished]":
        future: Future[Finished] = self._executor.submit(run_packed, pickled(order), packed(sims))
        return future


@contextmanager
def _cluster(scheduler: Any) -> Iterator[Cluster]:
    try:
        from distributed import Client
    except ImportError:
        raise ParameterError(
            "a scheduler needs dask: pip install '.[cluster]' where the project lies"
        ) from None
    if isinstance(scheduler, Client):
        yield Cluster(scheduler)
        return
    try:
        client = Client(scheduler, timeout=PATIENCE)  # type: ignore[no-untyped-call]
    except (OSError, ValueError) as error:
        raise ConnectionError(f"no Dask scheduler answers at {scheduler}: {error}") from None
    # that the scheduler is gone is told in one line, by us
    logging.getLogger("distributed.client").setLevel(logging.CRITICAL)
    with client:
        yield Cluster(client)


@lru_cache(1)
def pickled(order: Order) -> bytes:
    """An order that another process can read, even where the simulation's file is not there."""
    import cloudpickle

    module = sys.modules[order.kind.__module__]
    if not module.__name__.startswith(("sims.", "__main__")):
        cloudpickle.register_pickle_by_value(module)
    blob: bytes = cloudpickle.dumps(order)
    return blob


@lru_cache(4)
def _unpickled(blob: bytes) -> Order:
    order: Order = pickle.loads(blob)
    return order


def packed(sims: Sequence[Simulation]) -> bytes:
    """Simulations as they are sent: in a list Dask would look through every parameter for what is its own."""
    return pickle.dumps([sim.__dict__ for sim in sims])


def run_packed(blob: bytes, parameters: bytes) -> Finished:
    """In another process: run a batch."""
    order = _unpickled(blob)
    return run(order, [order.kind(**values) for values in pickle.loads(parameters)])
