"""Learners: one step of each, there and back, beside PyTorch and lecture notes, and how cost grows.

What is timed are the pure functions of `sims`, as a student reads them, in single precision, one thread.
Without PyTorch its rows are left out; it is eager and written by hand, of several ways the quickest where
this was written. Before anything is timed the answers are compared: within 1e-4, and in double precision
within 1e-10. Growth alone is of whole runs, in double precision, where steps grow.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from benchmarks import lecture_notes
from benchmarks.measure import Group, Pair, Timed
from benchmarks.simulations import clock
from sims import Backprop, Batch, gru
from sims._optimise import step
from sims.attention import attention, attention_backward
from sims.backprop import backward, forward, layers, shares

TORCH = find_spec("torch") is not None

Array = NDArray[Any]
Answer = Mapping[str, Array]
Learner = tuple[Callable[[], object], Callable[[], Answer]]  # a step, to be timed, and what came of the last
Make = Callable[[Answer], Learner]  # from the numbers given
ROUNDS, ETA = 15, 0.1
WITHIN = {np.float64: 1e-10, np.float32: 1e-4}


def agree(ours: Answer, theirs: Answer, within: float) -> None:
    """Raise where two answers differ, each relative to its largest number: then times would say nothing."""
    for name, value in theirs.items():
        miss = float(abs(ours[name] - value).max() / abs(value).max())
        if not miss <= within:
            raise ArithmeticError(f"{name}: the two answers differ by {miss:g} of it, not within {within:g}")


def timed(work: Callable[[], object], times: int) -> Timed:
    """Seconds for so many steps, after one that brings all it needs to hand; on one thread."""

    def seconds(i: int) -> float:
        with threadpool_limits(1):
            work()
            return clock(lambda: [work() for _ in range(times)])

    return seconds


def group(name: str, given: Answer, makes: Mapping[str, Make], asked: float | None, times: int) -> Group:
    """Ours, the first, beside the others, all from the same numbers; something is asked of PyTorch only."""
    for kind, within in WITHIN.items():
        numbers = in_precision(kind, given)
        learners = {what: make(numbers) for what, make in makes.items()}
        for work, _ in learners.values():
            work()
        ours, *others = (answer() for _, answer in learners.values())
        for theirs in others:
            agree(ours, theirs, within)
    timings = {what: timed(work, times) for what, (work, _) in learners.items()}
    peers = [what for what in makes if what != "ours"]
    pairs = [Pair(what, "ours", what, "peer", asked if what.startswith("torch") else None) for what in peers]
    return Group(name, "step" if times == 1 else f"{times} steps", 1, ROUNDS, timings, pairs)


def in_precision(kind: type, given: Answer) -> dict[str, Array]:
    """All numbers as `kind`."""
    return {k: v.astype(kind) for k, v in given.items()}


def beside(ours: Make, name: str, *settings: Any, torch: Mapping[str, str]) -> dict[str, Make]:
    """Ours, the function of that name in lecture_notes, and those of torch_learners where PyTorch is."""
    makes = {"ours": ours, "numpy as in lecture notes": partial(getattr(lecture_notes, name), *settings)}
    if TORCH:
        from benchmarks import torch_learners

        for how, of in torch.items():
            makes[f"torch: {how}"] = partial(getattr(torch_learners, of), *settings)
    return makes


# ---------------------------------------------------------------------------------- networks, one and many


def training(sizes: tuple[int, ...], output: str, given: Answer) -> Learner:
    """A step of gradient descent as `Backprop` takes it: weights and gradient stay where they are."""
    w, x, y, net = given["w"].copy(), given["x"], given["y"], ("tanh", output)
    g = np.empty_like(w)
    (W, b), into = layers(w, sizes), layers(g, sizes)

    def work() -> None:
        _, a = forward(W, b, x, *net)
        shares(backward(W, a, y, *net), a, out=into)
        step("gd", w, g, (), 1, ETA, out=w)

    return work, lambda: {"w": w}


def network(sizes: tuple[int, ...], samples: int, seeds: tuple[int, ...] = ()) -> dict[str, Array]:
    """Weights, inputs and targets: a number, or one of several classes."""
    rng, (n_0, n_1, n_2) = np.random.default_rng(0), sizes
    w = rng.normal(size=(*seeds, n_0 * n_1 + n_1 + n_1 * n_2 + n_2)) / np.sqrt(n_0)
    x = rng.normal(size=(*seeds, samples, n_0))
    classes = np.eye(n_2)[rng.integers(n_2, size=(*seeds, samples))]
    return {"w": w, "x": x, "y": rng.normal(size=(*seeds, samples, 1)) if n_2 == 1 else classes}


def networks(quick: bool) -> list[Group]:
    """One network: 2-8-1 (tanh, squared error) and 784-32-10 (tanh, softmax, cross-entropy)."""
    groups = []
    for sizes, output, samples, asked, times in (
        ((2, 8, 1), "identity", 32, 8.0, 200),
        ((784, 32, 10), "softmax", 32, 2.5, 100),
        ((784, 32, 10), "softmax", 64, None, 50),
    ):
        ours, peers = partial(training, sizes, output), {"linear, autograd, SGD": "network"}
        makes = beside(ours, "network", sizes, ETA, torch=peers)
        name = f"network {'-'.join(map(str, sizes))}, {samples} samples"
        groups.append(group(name, network(sizes, samples), makes, asked, 1 if quick else times))
    return groups


def seeds(quick: bool) -> list[Group]:
    """256 networks 2-8-1 side by side, each with samples of its own."""
    sizes, B, times = (2, 8, 1), 16 if quick else 256, 1 if quick else 20
    peers = {"baddbmm, autograd": "networks", "vmap of grad": "vmapped"}
    makes = beside(partial(training, sizes, "identity"), "networks", sizes, ETA, torch=peers)
    return [group(f"{B} networks 2-8-1, 32 samples", network(sizes, 32, (B,)), makes, 2.0, times)]


# --------------------------------------------------------------------------------------- memory, attention


def remembering(given: Answer) -> Learner:
    """A GRU from the first token to the last, and back."""
    x, dh, w = given["x"], given["dh"], {k: v for k, v in given.items() if k not in ("x", "dh")}
    last: dict[str, Array] = {}

    def work() -> None:
        s = gru.forward(x, w, "torch")
        last.update(gru.backward(x, w, s, dh, "torch"), h=s["h"])

    return work, lambda: last


def memories(quick: bool) -> list[Group]:
    """All tokens of a GRU forward, and the gradient of all its weights; as many inputs as units."""
    groups = []
    for n, sequences, asked, times in ((8, 1, 4, 20), (32, 1, 4, 20), (64, 1, 4, 20), (256, 32, 1.1, 3)):
        rng, tokens = np.random.default_rng(0), 5 if quick else 30
        shapes = {"W": (n, n), "U": (n, n), "b": (n,)}
        given = {f"{k}_{gate}": rng.normal(size=shapes[k]) / np.sqrt(n) for k in "WUb" for gate in "zrh"}
        given |= {"c_h": rng.normal(size=n), "x": rng.normal(size=(sequences, tokens, n))}
        given["dh"] = rng.normal(size=(sequences, tokens, n))
        makes = beside(remembering, "memory", torch={"nn.GRU, autograd": "memory"})
        name = f"GRU, {n} units, {sequences} × {tokens} tokens"
        groups.append(group(name, given, makes, asked, 1 if quick else times))
    return groups


HEADS = 4


def looking(given: Answer) -> Learner:
    """Attention of every word to all, and the gradient of words and matrices."""
    X, G, *W = (given[k] for k in ("X", "G", "W_Q", "W_K", "W_V", "W_O"))
    last: dict[str, Array] = {}

    def work() -> None:
        parts = attention(X, *W, heads=HEADS)
        last.update(attention_backward(G, parts, X, *W), output=parts.output)

    return work, lambda: last


def attentions(quick: bool) -> list[Group]:
    """One sentence, vectors of 64 numbers, 4 heads."""
    groups = []
    for n, times in ((16, 50), (64, 30), (128, 15), (256, 5)):
        rng, d = np.random.default_rng(0), 64
        given = {k: rng.normal(size=(d, d)) / np.sqrt(d) for k in ("W_Q", "W_K", "W_V", "W_O")}
        given |= {"X": rng.normal(size=(1, n, d)), "G": rng.normal(size=(1, n, d))}
        makes = beside(looking, "attention", HEADS, torch={"SDPA, autograd": "attention"})
        groups.append(group(f"attention, {n} tokens", given, makes, 1.0, 1 if quick else times))
    return groups


# -------------------------------------------------------------------------------------------------- growth


def several(B: int) -> Callable[[], object]:
    """A step of so many networks 16-32-8, each with 64 samples of its own."""
    sizes = (16, 32, 8)
    work, _ = training(sizes, "softmax", in_precision(np.float32, network(sizes, 64, (B,))))
    return work


def long(steps: int) -> Callable[[], object]:
    """So many steps of the lecture's network, from the first weight drawn to the last."""
    batch = Batch([Backprop(steps=steps, every=steps)])
    return lambda: Backprop.solve(batch)


# what grows, over three decades; cost per unit of it should stay
GROWTH: dict[str, tuple[tuple[int, ...], Callable[[int], Callable[[], object]]]] = {
    "seeds": ((3, 30, 300, 3_000), several),
    "steps": ((100, 1_000, 10_000, 100_000), long),
}


def growth(quick: bool) -> list[Group]:
    """Time over three decades; of each unit it may double or halve, which is a slope of 1 ± 0.1."""
    return [grown(what, *GROWTH[what], quick) for what in GROWTH]


def grown(
    what: str, sizes: tuple[int, ...], make: Callable[[int], Callable[[], object]], quick: bool
) -> Group:
    sizes = sizes[:2] if quick else sizes

    def thousand(work: Callable[[], object], size: int, times: int) -> Timed:
        """Of a unit so small that a step is repeated, of a thousand of them."""
        each = timed(work, times)
        return lambda i: each(i) / (size * times) * 1000

    few, many = f"{sizes[0]:,}", f"{sizes[-1]:,}"
    timings = {f"{size:,}": thousand(make(size), size, max(1, 300 // size)) for size in sizes}
    pairs = [
        Pair(f"{many} against {few} {what}, each", many, few, "floor", 2),
        Pair(f"{few} against {many} {what}, each", few, many, "floor", 2),
    ]
    return Group(f"networks, growth of {what}", f"1000 {what}", 1, 3, timings, pairs, grows=True)


PARTS: dict[str, Callable[[bool], list[Group]]] = {
    "networks": networks,
    "seeds": seeds,
    "memories": memories,
    "attentions": attentions,
    "growth": growth,
}


def learners(quick: bool, *names: str) -> list[Group]:
    """The named parts, or all of them."""
    groups = [group for name in names or PARTS for group in PARTS[name](quick)]
    return [replace(group, rounds=2) for group in groups] if quick else groups
