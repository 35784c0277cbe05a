"""Oscillators: what one evaluation of all drifts costs, beside lecture notes, peers and its own size.

Peers that are not installed, and the compiled kernel without numba, have no rows. All in double precision,
one thread.
"""

import os
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from importlib.util import find_spec
from itertools import product

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from benchmarks.measure import Group, Pair, Timed
from benchmarks.simulations import agrees, clock
from sims import Kuramoto
from sims._integrate import _normals
from sims._network import adjacency

Array = NDArray[np.float64]
Drift = Callable[[Array], Array]
N, DEGREE, ROUNDS = 10_000, 10, 9
NUMBA, JAX, XGI = (find_spec(name) is not None for name in ("numba", "jaxkuramoto", "xgi"))


def stages(sim: Kuramoto) -> int:
    """How often a run evaluates the drift."""
    return sim.steps * (1 if sim.scheme == "euler" else 4)


def seconds(sims: list[Kuramoto]) -> float:
    """For one stage, of runs side by side of which the phases alone are wanted; set-up included."""
    return clock(lambda: Kuramoto.run_batch(sims, only=("theta",))) / stages(sims[0])


def as_in_lecture_notes(drift: Drift, theta: Array, dt: float, steps: int) -> Array:
    """Runge-Kutta with an array made for whatever is added."""
    for _ in range(steps):
        k1 = drift(theta)
        k2 = drift(theta + dt / 2 * k1)
        k3 = drift(theta + dt / 2 * k2)
        k4 = drift(theta + dt * k3)
        theta = theta + dt / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
    return theta


def peer(drift: Drift, sim: Kuramoto, run: xr.Dataset) -> Timed:
    """Lecture notes timed on the same problem, once they agree; on fewer steps, as they take longer."""
    steps = max(1, sim.steps // 5)
    short = sim.model_copy(update={"steps": steps, "every": steps}).run()
    theta = run.theta.values[0]
    agrees(short.theta.values[-1], as_in_lecture_notes(drift, theta, sim.dt, steps), 1e-9)
    return lambda i: clock(lambda: as_in_lecture_notes(drift, theta, sim.dt, steps)) / (4 * steps)


def constant(nanoseconds: float, n: int) -> Timed:
    """What is asked for, as a timing: so many nanoseconds for each oscillator."""
    return lambda i: nanoseconds * 1e-9 * n


def mean_field(quick: bool) -> Group:
    """10,000 oscillators, all coupled to all."""
    steps = 20 if quick else 1000
    sim = Kuramoto(n=N, K=3.0, steps=steps, every=steps)
    run = sim.run()
    omega, theta = run.omega.values, run.theta.values[0]

    def drift(theta: Array) -> Array:
        S, C = np.sin(theta).mean(), np.cos(theta).mean()
        return omega + sim.K * np.hypot(S, C) * np.sin(np.arctan2(S, C) - theta)

    timings = {
        "ours": lambda i: seconds([sim]),
        "numpy": peer(drift, sim, run),
        "sin and cos": lambda i: clock(lambda: [np.sin(theta), np.cos(theta)]),
        "3.2 ns": constant(3.2, N),
        "1 ns": constant(1.0, N),
    }
    pairs = [
        Pair("numpy, sin and cos as in lecture notes", "ours", "numpy", "peer", 7),
        Pair("3.2 ns for each oscillator", "ours", "3.2 ns", "floor", 1),
        Pair("numpy's sin and cos alone, of any angles", "ours", "sin and cos", "floor"),
    ]
    if JAX:
        timings["jax"] = jaxkuramoto(sim, run)
        pairs.append(Pair("jaxkuramoto, compiled", "ours", "jax", "peer", 20))
    if NUMBA:
        fused = sim.model_copy(update={"scheme": "rk4_fused"})
        # in the tails of Lorentz' distribution phases reach thousands of turns, and rounding with them
        agrees(fused.run().theta.values[-1], run.theta.values[-1], 1e-6)
        longer = fused.model_copy(update={"steps": 5 * steps, "every": 5 * steps})  # than set-up, by far
        timings["fused"] = lambda i: seconds([longer])
        pairs += [
            Pair("rk4_fused: 1 ns for each oscillator", "fused", "1 ns", "floor", 1),
            Pair("rk4_fused: numpy's sin and cos alone", "fused", "sin and cos", "floor", 0.5),
            Pair("rk4_fused: numpy as in lecture notes", "fused", "numpy", "peer"),
        ]
    return Group(f"kuramoto, mean field, N = {N:,}", "stage", 1, ROUNDS, timings, pairs)


def jaxkuramoto(sim: Kuramoto, run: xr.Dataset) -> Timed:
    """Its own loop, of which only the end is asked for, compiled as a whole before it is timed."""
    os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false")
    import jax
    from jaxkuramoto import Kuramoto as Theirs
    from jaxkuramoto import odeint, solver

    jax.config.update("jax_enable_x64", True)
    steps = max(1, sim.steps // 5)
    model = Theirs(jax.numpy.array(run.omega.values), sim.K)
    start, end = jax.numpy.array(run.theta.values[0]), sim.dt * (steps + 0.5)

    @jax.jit
    def integrate(theta: jax.Array) -> jax.Array:
        run = odeint(model.vector_fn, solver.runge_kutta, 0, end, sim.dt, theta, model.orderparameter)
        return run.final_state

    short = sim.model_copy(update={"steps": steps, "every": steps}).run()
    agrees(short.theta.values[-1], np.asarray(integrate(start)), 1e-9)
    return lambda i: clock(lambda: integrate(start).block_until_ready()) / (4 * steps)


def sparse(quick: bool) -> Group:
    """10,000 oscillators on a random graph with ten neighbours each."""
    steps = 20 if quick else 500
    sim = Kuramoto(n=N, K=3.0, network="random", degree=DEGREE, steps=steps, every=steps)
    run = sim.run()
    omega, A = run.omega.values, adjacency(run.link.values, N) / DEGREE

    def drift(theta: Array) -> Array:
        s, c = np.sin(theta), np.cos(theta)
        return np.asarray(omega + sim.K * (c * (A @ s) - s * (A @ c)))

    timings = {
        "ours": lambda i: seconds([sim]),
        "scipy": peer(drift, sim, run),
        "14 ns": constant(14.0, N),
    }
    pairs = [
        Pair("numpy and two products of scipy", "ours", "scipy", "peer", 2.5),
        Pair("14 ns for each oscillator", "ours", "14 ns", "floor", 1),
    ]
    if XGI:
        timings["xgi"] = xgi(sim, run)
        pairs.append(Pair("xgi", "ours", "xgi", "peer", 1000))
    if NUMBA:
        fused = sim.model_copy(update={"scheme": "rk4_fused"})
        agrees(fused.run().theta.values[-1], run.theta.values[-1], 1e-6)
        timings["fused"] = lambda i: seconds([fused])
        pairs += [
            Pair("rk4_fused: 14 ns for each oscillator", "fused", "14 ns", "floor", 1),
            Pair("rk4_fused: numpy and two products", "fused", "scipy", "peer"),
        ]
    return Group(f"kuramoto, {DEGREE} neighbours, N = {N:,}", "stage", 1, ROUNDS, timings, pairs)


def xgi(sim: Kuramoto, run: xr.Dataset) -> Timed:
    """Its simulation, in steps of Euler, of which it takes but two: the first is where it begins."""
    from xgi import Hypergraph, simulate_kuramoto

    graph = Hypergraph()
    graph.add_nodes_from(range(N))
    graph.add_edges_from(run.link.values.tolist())
    start = {"omega": run.omega.values, "theta": run.theta.values[0], "dt": sim.dt}

    def simulate() -> Array:
        theta, _ = simulate_kuramoto(graph, sim.K / DEGREE, 0, timesteps=2, **start)
        return np.asarray(theta[-1])

    ours = sim.model_copy(update={"scheme": "euler", "steps": 1, "every": 1}).run()
    agrees(ours.theta.values[-1], simulate(), 1e-9)
    return lambda i: clock(simulate) / 2  # both steps are computed, the last in vain


def ensembles(quick: bool) -> list[Group]:
    """256 runs side by side against the same one after another."""
    B, steps = (16, 20) if quick else (256, 200)

    def group(n: int) -> Group:
        sims = [Kuramoto(n=n, steps=steps, every=10, seed=seed, sampling="random") for seed in range(B)]
        theirs = np.stack([sim.run().theta.values for sim in sims])
        agrees(Kuramoto.run_batch(sims).theta.values, theirs, 0)
        timings: dict[str, Timed] = {
            "ours": lambda i: clock(lambda: Kuramoto.run_batch(sims)),
            "alone": lambda i: clock(lambda: [sim.run() for sim in sims]),
        }
        pair = Pair("the same, one after another", "ours", "alone", "peer", 20)
        return Group(f"kuramoto, {B} runs, N = {n}", f"{steps} steps", 1, 5, timings, [pair])

    return [group(n) for n in (5, 20, 100)]


def noise(quick: bool) -> Group:
    """The noise of 100 oscillators, 64 steps at a time against step by step."""
    steps, n = (100, 100) if quick else (10_000, 100)

    def ours() -> None:
        for _ in _normals([np.random.default_rng(0)], (n,), steps, 0.1):
            pass

    def stepwise() -> None:
        rngs = [np.random.default_rng(0)]
        for _ in range(steps):
            np.multiply(np.stack([rng.standard_normal(n) for rng in rngs]), 0.1)

    timings = {
        "ours": lambda i: clock(ours),
        "stepwise": lambda i: clock(stepwise),
        "8 ns": constant(8.0, n * steps),
    }
    pairs = [
        Pair("drawn step by step", "ours", "stepwise", "peer", 13 / 8),
        Pair("8 ns for each number", "ours", "8 ns", "floor", 1),
    ]
    return Group(f"noise of {n} oscillators", f"{steps:,} steps", 1, ROUNDS, timings, pairs)


def crowd(seeds: int, scheme: str) -> list[Kuramoto]:
    """So many seeds; compiled, of ten times as many steps, or it would be the set-up that is timed."""
    steps = 100 if scheme == "rk4_fused" else 10
    return [Kuramoto(n=1000, steps=steps, every=steps, scheme=scheme, seed=seed) for seed in range(seeds)]


# what grows, over three decades, and the runs at each size: cost per unit of it should stay
GROWTH: dict[str, tuple[tuple[int, ...], Callable[[int, str], list[Kuramoto]]]] = {
    "oscillators": (
        (1_000, 10_000, 100_000, 1_000_000),
        lambda n, scheme: [Kuramoto(n=n, steps=max(10, 10**6 // n), every=10, scheme=scheme)],
    ),
    "edges": (
        (5_000, 50_000, 500_000, 5_000_000),
        lambda M, scheme: [
            Kuramoto(n=M // 5, steps=max(30, 10**6 // M), every=10, scheme=scheme, network="ring", degree=10)
        ],
    ),
    "seeds": (
        (10, 100, 1_000, 10_000),
        crowd,
    ),
    "steps": (
        (100, 1_000, 10_000, 100_000),
        # compiled, a hundred times as many oscillators, or it would be the set-up that is timed
        lambda steps, scheme: [
            Kuramoto(n=10_000 if scheme == "rk4_fused" else 100, steps=steps, every=100, scheme=scheme)
        ],
    ),
}


def growth(quick: bool) -> list[Group]:
    """Time over three decades; of each unit it may double or halve, which is a slope of 1 ± 0.1."""
    return [
        grown(what, scheme, quick)
        for scheme, what in product(["rk4", "rk4_fused"] if NUMBA else ["rk4"], GROWTH)
    ]


def grown(what: str, scheme: str, quick: bool) -> Group:
    sizes, sims_of = GROWTH[what]
    sizes = sizes[:2] if quick else sizes
    runs = {size: sims_of(size, scheme) for size in sizes}

    def timed(size: int, i: int) -> float:
        """For one unit and a thousand stages."""
        return seconds(runs[size]) / size * (stages(runs[size][0]) if what == "steps" else 1000)

    few, many = f"{sizes[0]:,}", f"{sizes[-1]:,}"
    timings = {f"{size:,}": partial(timed, size) for size in sizes}
    pairs = [
        Pair(f"{many} against {few} {what}, each", many, few, "floor", 2),
        Pair(f"{few} against {many} {what}, each", few, many, "floor", 2),
    ]
    return Group(f"kuramoto, {scheme}, growth of {what}", "1 of them", 1, 3, timings, pairs, grows=True)


PARTS: dict[str, Callable[[bool], list[Group]]] = {
    "mean-field": lambda quick: [mean_field(quick)],
    "sparse": lambda quick: [sparse(quick)],
    "ensembles": ensembles,
    "noise": lambda quick: [noise(quick)],
    "growth": growth,
}


def oscillators(quick: bool, *names: str) -> list[Group]:
    """The named parts, or all of them."""
    groups = [group for name in names or PARTS for group in PARTS[name](quick)]
    return [replace(group, rounds=2) for group in groups] if quick else groups
