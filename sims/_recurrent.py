"""What SRN, GRU and LSTM share: layouts, training, and what is recorded.

A cell is a handful of pure functions; srn.py is the shortest. Outside, arrays are (..., sequence, token,
unit). Inside, the cells keep (..., token, sequence, unit): what a token needs lies together in memory, its
sequences are the rows of one product, and where a gradient is summed those of all tokens are.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import ClassVar, Literal, NamedTuple

import numpy as np
import xarray as xr

from sims import _optimise
from sims._layer import Array, product, softmax
from sims._memory_tasks import Task, task_named
from sims._progress import ticks
from sims._simulation import Batch, Simulation, Variable, param, variable
from sims._trajectory import check_finite

Weights = dict[str, Array]
States = dict[str, Array]

TRIALS = 100
TINY = np.finfo(float).tiny


def times(W: Array, x: Array, b: Array | None = None) -> Array:
    """W x + b for every row: W (..., unit, input), x (..., sequence, input) -> (..., sequence, unit)."""
    y: Array = x @ W.mT
    return y if b is None else y + b[..., None, :]


def turned(x: Array) -> Array:
    """(..., sequence, token, unit) -> (..., token, sequence, unit), or back; a view."""
    return x.swapaxes(-2, -3)


def flat(x: Array) -> Array:
    """(..., token, sequence, unit) -> (..., all of them, unit): flat(δ).mT @ flat(x) sums δ xᵀ over them."""
    return x.reshape(*x.shape[:-3], -1, x.shape[-1])


def beside_one(x: Array) -> Array:
    """`flat` inputs x (..., sequence, token, input), and one that is always 1: its weights are the biases."""
    x = turned(x)
    return flat(np.concatenate([x, np.ones((*x.shape[:-1], 1), x.dtype)], -1))


def stacked(w: Weights, kind: str, gates: tuple[str, ...]) -> Array:
    """W, U or b of several gates, told by the endings of their names: (..., all their units, source)."""
    return np.concatenate([w[kind + k] for k in gates], -1 if kind == "b" else -2)


def transposed(U: Array) -> Array:
    """Uᵀ, not as a view but laid out anew: rows of h are sooner multiplied by it."""
    return np.ascontiguousarray(U.mT)


def drive(x: Array, w: Weights, *squashed_alike: tuple[str, ...]) -> list[Array]:
    """W x + b for all tokens at once, of each group of gates together; complex where any weight is.

    x (..., sequence, token, input) -> (..., token, sequence, all units of the group) each.
    """
    X, dtype, driven = beside_one(x), np.result_type(x, *w.values()), []
    for gates in squashed_alike:
        W_and_b = np.concatenate([stacked(w, "W", gates), stacked(w, "b", gates)[..., None]], -1)
        a = product(X, W_and_b.mT).astype(dtype, copy=False)
        driven.append(a.reshape(*a.shape[:-2], x.shape[-2], x.shape[-3], a.shape[-1]))
    return driven


def memory(a: Array, h_0: Array | None) -> Array:
    """Room for the memory after each token of a gate's `drive`, behind h_0 (..., sequence, unit), or zero."""
    h = np.empty((*a.shape[:-3], a.shape[-3] + 1, *a.shape[-2:]), a.dtype)
    h[..., 0, :, :] = 0 if h_0 is None else h_0
    return h


def total(dh: Array, h: Array) -> Array:
    """What the loss adds to ∂L/∂h at each token, (..., token, sequence, unit), behind room for h_0's."""
    dh = turned(dh)
    *lead, tokens, sequences, n = np.broadcast_shapes(dh.shape, h.shape)
    room = np.empty((*lead, tokens + 1, sequences, n), np.result_type(dh, h))
    room[..., 0, :, :], room[..., 1:, :, :] = 0, dh
    return room


def split(a: Array, n: int) -> list[Array]:
    """(..., all the gates' units) -> (..., unit) of each; views."""
    return [a[..., i : i + n] for i in range(0, a.shape[-1], n)]


def walk(*arrays: Array, back: bool = False) -> Iterator[tuple[Array, ...]]:
    """What each of the arrays (..., token, sequence, unit) holds of a token, one token after the other."""
    token_first = (x if x.ndim == 3 else np.moveaxis(x, -3, 0) for x in arrays)
    return zip(*(x[::-1] if back else x for x in token_first))


class Cell(NamedTuple):
    """A recurrent cell: its pure functions, settings filled in, and where its training starts."""

    gates: tuple[str, ...]
    """The endings of its W, U and b."""
    forward: Callable[[Array, Weights], States]
    backward: Callable[[Array, Weights, States, Array], Weights]
    blame: Mapping[str, Callable[[Weights, States, Array], Array]]
    """For each gradient left to record: what a loss adds to ∂L/∂(memory) at each token -> the total."""
    memory: str = "h"
    biases: Mapping[str, Array] = {}
    """Where those start, (B,), that don't start at zero or belong to no W and U."""


def initial(rngs: list[np.random.Generator], cell: Cell, task: Task, n: int) -> Weights:
    """Weights before training, (B, ...): W ~ N(0, 1), U and W_y ~ N(0, 1/n), biases zero but for cell.biases.

    So each word starts as a random vector of unit variance, and sums over the n units of the memory keep
    their variance (LeCun, Bottou, Orr & Müller 1998).
    """
    w: Weights = {}
    for k in cell.gates:
        w[f"W{k}"] = np.stack([rng.normal(size=(n, len(task.inputs))) for rng in rngs])
        w[f"U{k}"] = np.stack([rng.normal(size=(n, n)) for rng in rngs]) / np.sqrt(n)
        w[f"b{k}"] = np.zeros((len(rngs), n))
    for k, bias in cell.biases.items():
        w[k] = np.zeros((len(rngs), n)) + bias[:, None]
    w["W_y"] = np.stack([rng.normal(size=(len(task.outputs), n)) for rng in rngs]) / np.sqrt(n)
    w["b_y"] = np.zeros((len(rngs), len(task.outputs)))
    return w


def answer(h: Array, w: Weights) -> Array:
    """What is told at memory h (..., sequence, unit): softmax(W_y h + b_y), or W_y h + b_y for one number."""
    y = times(w["W_y"], h, w["b_y"])
    return y if y.shape[-1] == 1 else softmax(y, out=y)


def loss_of(y: Array, target: Array) -> Array:
    """Mean over sequences of -ln y at the target, or of (y - target)²/2 for one number: (...)."""
    one = y.shape[-1] == 1
    each = (y - target) ** 2 / 2 if one else -target * np.log(np.maximum(y, np.finfo(y.dtype).tiny))
    loss: Array = each.sum(-1).mean(-1)
    return loss


def accuracy_of(y: Array, target: Array) -> Array:
    """Share of sequences told right, by the likeliest output, or by a number within 0.04: (...)."""
    one = y.shape[-1] == 1
    right = abs(y - target)[..., 0] < 0.04 if one else y.argmax(-1) == target.argmax(-1)
    accuracy: Array = right.mean(-1)
    return accuracy


def gradient(cell: Cell, w: Weights, x: Array, target: Array) -> Weights:
    """∂L/∂w of the loss at the last token, in the shapes of w."""
    s = cell.forward(x, w)
    h_T = s["h"][..., -1, :]
    delta = (answer(h_T, w) - target) / target.shape[-2]  # of cross-entropy and of squared error alike
    dh = np.zeros_like(s["h"])
    dh[..., -1, :] = delta @ w["W_y"]
    return cell.backward(x, w, s, dh) | {"W_y": delta.mT @ h_T, "b_y": delta.sum(-2)}


def gradient_left(blame: Callable[[Array], Array], m: Array) -> Array:
    """What is left at token t of a gradient at the last: |∂m_T/∂m_t|, (..., sequence, token), 1 at T.

    m (..., sequence, token, unit) is the memory, |J| = √(Σ J²/n) the Frobenius norm over the identity's: the
    share that is left of a gradient, root mean square over its directions. The Jacobian is exact: its rows
    are n gradients sent back through time by `blame`. (Pascanu, Mikolov & Bengio 2013, arXiv:1211.5063.)
    """
    n = m.shape[-1]
    ones = np.zeros((n, *m.shape), m.dtype)
    ones[np.arange(n), ..., -1, np.arange(n)] = 1
    left: Array = np.sqrt((blame(ones) ** 2).sum((0, -1)) / n)
    return left


def trace_of(m: Array) -> Array:
    """How far memories m (..., sequence, token, unit) lie apart, 0 (same) to 1 (opposite): (..., token).

    Mean over pairs of |m_i - m_j| / (|m_i| + |m_j|). Of sequences that differ only in what is to be
    remembered it is the trace that this has left; unrelated memories lie at about 0.7.
    """
    i, j = np.triu_indices(m.shape[-3], 1)
    size = np.linalg.norm(m, axis=-1)
    apart = np.linalg.norm(m[..., i, :, :] - m[..., j, :, :], axis=-1)
    both = size[..., i, :] + size[..., j, :]
    trace: Array = (apart / np.where(both > 0, both, 1)).mean(-2)
    return trace


def record(cell: Cell, w: Weights, x: Array, x_test: Array, target_test: Array) -> dict[str, Array]:
    """What is kept of one epoch: the weights, the watched sequences' states, and how well all goes."""
    s = cell.forward(x, w)
    m = s[cell.memory]
    y_test = answer(cell.forward(x_test, w)["h"][..., -1, :], w)
    y = answer(s["h"].reshape(len(m), -1, m.shape[-1]), w).reshape(*m.shape[:-1], -1)
    told = {"y": y, "loss": loss_of(y_test, target_test), "accuracy": accuracy_of(y_test, target_test)}
    left = {k: gradient_left(partial(blame, w, s), m) for k, blame in cell.blame.items()}
    states = {k: v for k, v in s.items() if not k.endswith("_before")}
    return {k: v.copy() for k, v in w.items()} | states | told | left | {"trace": trace_of(m)}


@np.errstate(over="ignore", invalid="ignore")  # what overflows is reported by check_finite
def train(p: Batch, cell: Cell) -> dict[str, Array]:
    """Train p.size networks side by side, each on its own sequences, and return every shared variable."""
    task, rngs = task_named(p.task, p.length), p.rngs()
    w = initial(rngs, cell, task, p.hidden)
    shapes = {k: v.shape for k, v in w.items()}
    edges = np.cumsum([v[0].size for v in w.values()])[:-1]

    def pack(w: Weights) -> Array:
        return np.concatenate([w[k].reshape(p.size, -1) for k in shapes], -1)

    def unpack(packed: Array) -> Weights:
        return {k: v.reshape(shapes[k]) for k, v in zip(shapes, np.split(packed, edges, -1))}

    def draw(count: int) -> list[Array]:
        return [np.stack(v) for v in zip(*(task.draw(rng, count) for rng in rngs))]

    x, target = (np.stack(v) for v in zip(*(task.watched(rng) for rng in rngs)))
    x_test, target_test = draw(TRIALS)
    packed, kept, recorded = pack(w), [], []
    w, state = unpack(packed), _optimise.start(p.optimiser, packed)
    for t in ticks(p.steps + 1):
        if t % p.record_every == 0 or t == p.steps:
            kept.append(record(cell, w, x, x_test, target_test))
            recorded.append(t)
            for k in ("loss", *cell.blame):
                check_finite(kept[-1][k], k, when=f"step {t}", cure="a smaller eta or clip")
        if t < p.steps:
            g = pack(gradient(cell, w, *draw(p.sequences)))
            size = np.linalg.norm(g, axis=-1, keepdims=True)
            check_finite(size, "the gradient", when=f"step {t}", cure="a smaller eta or clip")
            g *= np.minimum(1, p.clip[:, None] / np.maximum(size, TINY))
            _, state = _optimise.step(p.optimiser, packed, g, state, t + 1, p.eta[:, None], out=packed)
    return {k: np.stack([snap[k] for snap in kept], 1) for k in kept[0]} | {
        "step": np.array(recorded),
        "token": np.arange(1, x.shape[-2] + 1),
        "input": np.array(task.inputs),
        "output": np.array(task.outputs),
        "x": x,
        "target": target,
        "x_test": x_test,
        "target_test": target_test,
    }


def weights_of(gates: dict[str, str]) -> dict[str, Variable]:
    """Declare W, U and b of every gate: its letter and its name."""
    declared = {}
    for k, name in gates.items():
        end = f"_{k}" if k else ""
        declared[f"W{end}"] = variable(
            "step unit input", f"weights from the input into the {name}", f"W{end}"
        )
        declared[f"U{end}"] = variable(
            "step unit source", f"weights from the old memory into the {name}", f"U{end}"
        )
        declared[f"b{end}"] = variable("step unit", f"bias of the {name}", f"b{end}")
    return declared


class Recurrent(Simulation):
    """A recurrent network trained to tell at the end of a sequence what it met earlier."""

    task: Literal["recall", "adding", "alligator"] = param(
        "recall", "what is to be remembered: the first symbol, two marked numbers, the animal", shape=True
    )
    hidden: int = param(8, "units of the memory", symbol="n", ge=1, le=512, shape=True)
    length: int = param(
        20, "tokens of a sequence (the alligator's has 13)", symbol="T", ge=4, le=1000, shape=True
    )
    optimiser: Literal["gd", "heavy_ball", "nesterov", "adagrad", "rmsprop", "adam", "adamw"] = param(
        "adam", "rule that turns gradients into changes", shape=True
    )
    eta: float = param(0.01, "learning rate", symbol="η", ge=0, le=10)
    clip: float = param(1.0, "largest norm of a gradient; a longer one is shortened to it", gt=0, le=1e6)
    sequences: int = param(32, "sequences in each step of training", ge=1, le=4096, shape=True)
    steps: int = param(600, "steps of training", ge=1, le=100_000, shape=True)
    record_every: int = param(20, "steps from one recorded epoch to the next", ge=1, le=100_000, shape=True)
    seed: int = param(0, "seed of the weights and the sequences", ge=0, le=2**32 - 1)

    variables: ClassVar[dict[str, Variable]] = {
        "step": variable("step", "step of training", "t"),
        "token": variable("token", "place in the sequence, from 1"),
        "input": variable("input", "what each input stands for"),
        "output": variable("output", "what each output stands for"),
        "x": variable(
            "sequence token input", "watched sequences, differing only in what is to be remembered", "x"
        ),
        "target": variable("sequence output", "what is to be told at their end", "y*"),
        "x_test": variable("trial token input", "sequences that loss and accuracy are taken on", "x"),
        "target_test": variable("trial output", "what is to be told at their end", "y*"),
        "h": variable("step sequence token unit", "memory after each token", "h"),
        "y": variable("step sequence token output", "what it would tell if asked after each token", "y"),
        "W_y": variable("step output unit", "weights from the memory to the answer", "W_y"),
        "b_y": variable("step output", "bias of the answer", "b_y"),
        "loss": variable(
            "step", "loss on the test sequences (cross-entropy in nats; half squared error)", "L"
        ),
        "accuracy": variable("step", "share of the test sequences told right", "acc"),
        "gradient_left": variable(
            "step sequence token", "gradient left of the last token's, |∂h_T/∂h_t|", "|∂h_T/∂h_t|"
        ),
        "trace": variable("step token", "how far the watched memories lie apart, 0 to 1", "d"),
    }

    def measure(self, trajectory: xr.Dataset) -> dict[str, float]:
        """How well it tells, and what is left of the trace and of the gradient between cue and end.

        The cue is the token where the watched sequences differ: what is to be remembered.
        """
        cue = (trajectory.x != trajectory.x[0]).any(("sequence", "input")).values.argmax()
        left = trajectory.gradient_left.mean("sequence")[:, cue]
        return {
            "accuracy": float(trajectory.accuracy[-1]),
            "loss": float(trajectory.loss[-1]),
            "trace at the end, untrained": float(trajectory.trace[0, -1]),
            "trace at the end, trained": float(trajectory.trace[-1, -1]),
            "gradient left at the cue, untrained": float(left[0]),
            "gradient left at the cue, trained": float(left[-1]),
        }
