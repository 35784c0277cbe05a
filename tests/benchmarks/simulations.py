"""Simulations: ours against what a lecturer would write, or against itself one seed after another.

Every pair computes the same; the timings check that before they count.
"""

from collections.abc import Callable
from dataclasses import replace
from time import perf_counter

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.integrate import solve_ivp

from benchmarks.measure import Group, Pair, Timed
from sims import GRU, Attention, Backprop, Kuramoto, Simulation

Array = NDArray[np.float64]
SEEDS, ROUNDS = 16, 9


def clock(work: Callable[[], object]) -> float:
    """Seconds a piece of work takes."""
    began = perf_counter()
    work()
    return perf_counter() - began


def agrees(ours: Array, theirs: Array, within: float) -> None:
    """Raise where the two answers differ: then their times would say nothing."""
    miss = float(abs(ours - theirs).max())
    if miss > within:
        raise ArithmeticError(f"the two answers differ by {miss:g}, not within {within:g}")


def oscillators(quick: bool) -> list[Group]:
    """10,000 of them by Runge-Kutta in O(N), against scipy; 500 of them against the sum over all pairs."""
    few = Kuramoto(n=500, K=3.0, frequencies="normal", dt=0.05, steps=20, every=20)
    many = few.model_copy(update={"n": 1000 if quick else 10_000, "steps": 100, "every": 100})

    def adaptive(sim: Kuramoto, run: xr.Dataset) -> Array:
        theta, omega = run.theta.values[0], run.omega.values

        def drift(t: float, theta: Array) -> Array:
            z = np.exp(1j * theta).mean()
            return omega + sim.K * abs(z) * np.sin(np.angle(z) - theta)

        # with this tolerance it is as far from the truth as ours
        found = solve_ivp(drift, (0, sim.dt * sim.steps), theta, rtol=1e-7, atol=1e-7)
        return np.asarray(found.y[:, -1])

    def pairwise(sim: Kuramoto, run: xr.Dataset) -> Array:
        theta, omega = run.theta.values[0], run.omega.values

        def drift(theta: Array) -> Array:
            return omega + sim.K * np.sin(theta - theta[:, None]).mean(1)

        for _ in range(sim.steps):
            k1 = drift(theta)
            k2 = drift(theta + sim.dt / 2 * k1)
            k3 = drift(theta + sim.dt / 2 * k2)
            k4 = drift(theta + sim.dt * k3)
            theta = theta + sim.dt / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
        return np.asarray(theta)

    def pair(sim: Kuramoto, peer: Callable[[Kuramoto, xr.Dataset], Array], what: str, within: float) -> Group:
        run = sim.run()  # the peer's start is not the peer's to pay for
        agrees(run.theta.values[-1], peer(sim, run), within)
        return Group(
            f"kuramoto, {sim.n} oscillators",
            f"{sim.steps} steps",
            1,
            ROUNDS,
            {"ours": lambda i: clock(sim.run), "peer": lambda i: clock(lambda: peer(sim, run))},
            [Pair(what, "ours", "peer", "peer")],
        )

    return [
        pair(many, adaptive, "solve_ivp, RK45 as exact as ours, mean field", 1e-3),
        pair(few, pairwise, "numpy, Runge-Kutta, sum over all pairs", 1e-9),
    ]


def plain_backprop(run: xr.Dataset, eta: float, steps: int) -> Array:
    """Two layers of sigmoids, one seed, gradient descent as lecture notes have it."""
    W1, b1, W2, b2 = (run[name].values[0].copy() for name in ("W_1", "b_1", "W_2", "b_2"))
    x, y = run.data_input.values[0], run.data_target.values[0]
    for _ in range(steps):
        a1 = 1 / (1 + np.exp(-(W1 @ x + b1)))
        a2 = 1 / (1 + np.exp(-(W2 @ a1 + b2)))
        delta2 = (a2 - y) * a2 * (1 - a2)
        delta1 = W2.T @ delta2 * a1 * (1 - a1)
        W2 -= eta * np.outer(delta2, a1)
        b2 -= eta * delta2
        W1 -= eta * np.outer(delta1, x)
        b1 -= eta * delta1
    return np.asarray(W1)


def network(quick: bool) -> Group:
    """Several networks of one sample side by side, against numpy one after another."""
    steps = 100 if quick else 400
    sims = [Backprop(steps=steps, every=steps, seed=seed) for seed in range(SEEDS)]
    runs = [sim.run() for sim in sims]

    def peer() -> list[Array]:
        return [plain_backprop(run, sims[0].eta, steps) for run in runs]

    agrees(Backprop.run_batch(sims).W_1.values[:, -1], np.stack(peer()), 1e-9)
    return Group(
        f"backprop, {SEEDS} seeds",
        f"{steps} steps",
        1,
        ROUNDS,
        {"ours": lambda i: clock(lambda: Backprop.run_batch(sims)), "peer": lambda i: clock(peer)},
        [Pair("numpy, one seed after another, nothing kept", "ours", "peer", "peer")],
    )


def side_by_side(name: str, sims: list[Simulation], variable: str, steps: int) -> Group:
    """A batch against the same simulation run one seed after another."""
    kind = type(sims[0])

    def alone() -> list[xr.Dataset]:
        return [sim.run() for sim in sims]

    theirs = np.stack([run[variable].values for run in alone()])
    agrees(kind.run_batch(sims)[variable].values, theirs, 1e-9)
    timings: dict[str, Timed] = {
        "ours": lambda i: clock(lambda: kind.run_batch(sims)),
        "peer": lambda i: clock(alone),
    }
    return Group(
        f"{name}, {len(sims)} seeds",
        f"{steps} steps",
        1,
        ROUNDS,
        timings,
        [Pair("the same, one seed after another", "ours", "peer", "peer")],
    )


def simulations(quick: bool) -> list[Group]:
    """One group for each subject."""
    steps = 10 if quick else 100
    memories = [GRU(steps=steps, record_every=steps, seed=seed) for seed in range(SEEDS)]
    words = [Attention(steps=steps, first=0, every=steps, seed=seed) for seed in range(SEEDS)]
    groups = [
        *oscillators(quick),
        network(quick),
        side_by_side("gru", list(memories), "loss", steps),
        side_by_side("attention", list(words), "loss", steps),
    ]
    return [replace(group, rounds=2) for group in groups] if quick else groups
