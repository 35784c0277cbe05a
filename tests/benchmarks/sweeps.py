"""Sweeps: what they add to the work itself, here, in two processes and through Dask."""

import logging
from collections.abc import Sequence
from concurrent.futures import wait
from functools import cache
from time import perf_counter
from typing import Any

import numpy as np

from benchmarks.measure import Group, Pair, Timed
from benchmarks.simulations import clock
from sims import Kuramoto, sweep

BATCH = 256  # points side by side: of 256, 512 or all of them the quickest


def work(sims: Sequence[Kuramoto]) -> np.ndarray:
    """The runs alone, in batches, and what is wanted of them: r over the last half of each."""
    batches = [sims[i : i + BATCH] for i in range(0, len(sims), BATCH)]
    runs = [Kuramoto.run_batch(batch, only=("r",)).r.values for batch in batches]
    r = np.concatenate(runs)
    return np.asarray(r[:, r.shape[1] // 2 :].mean(1))


def seconds_of_work(sims: Sequence[Kuramoto]) -> float:
    """What the runs alone take in the process that is asked."""
    return clock(lambda: work(sims))


@cache
def cluster() -> Any:
    """A Dask cluster of two workers, which stays for the whole run."""
    from distributed import Client, LocalCluster

    logging.getLogger("distributed").setLevel(logging.ERROR)  # which manim would print
    workers = LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None)
    return Client(workers)


def sweeps(quick: bool) -> list[Group]:
    """1,000 runs of 40 oscillators: the sweep, and the same runs with nothing around them."""
    sim = Kuramoto(n=40, steps=100 if quick else 1000, every=10, sampling="random")
    over = {"K": np.linspace(0, 4, 40), "seed": range(5 if quick else 25)}
    sims = [sim.model_copy(update={"K": K, "seed": seed}) for K in over["K"] for seed in over["seed"]]
    if not np.array_equal(sweep(sim, over, record=["r"], progress=False).r.values.ravel(), work(sims)):
        raise ArithmeticError("a sweep and its single runs differ: then their times would say nothing")

    def swept(**where: Any) -> float:
        return clock(lambda: sweep(sim, over, record=["r"], progress=False, **where))

    def two_bare_processes(i: int) -> float:
        """Half of the runs in each of two processes that are there already."""
        from loky import get_reusable_executor

        pool = get_reusable_executor(2, timeout=60)
        wait([pool.submit(seconds_of_work, sims[:2]) for _ in range(4)])
        began = perf_counter()
        wait([pool.submit(seconds_of_work, half) for half in (sims[::2], sims[1::2])])
        return perf_counter() - began

    def two_processes(i: int) -> float:
        sweep(sim, {"seed": range(8)}, record=["r"], jobs=2, progress=False)
        return swept(jobs=2)

    timings: dict[str, Timed] = {
        "sweep": lambda i: swept(),
        "work": lambda i: seconds_of_work(sims),
        "two processes": two_processes,
        "two bare": two_bare_processes,
    }
    pairs = [
        Pair("in one process, of the runs alone", "sweep", "work", "floor", 1.05),
        Pair("in two processes, against one", "two processes", "sweep", "peer", 1.8),
        Pair("in two processes, of half the runs in each of two", "two processes", "two bare", "floor"),
    ]
    try:
        cluster()
    except ImportError:
        pass
    else:
        timings["dask"] = lambda i: swept(scheduler=cluster())
        pairs.append(Pair("on two Dask workers, of half in each of two", "dask", "two bare", "floor", 1.15))
    return [Group(f"sweep of {len(sims):,} runs", "sweep", 1, 2 if quick else 15, timings, pairs)]
