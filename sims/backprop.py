"""Backpropagation: how does a weight know its share of the blame?

A network of any depth, with every layer's part in every recorded step of its learning:

    forward    zˡ = Wˡ aˡ⁻¹ + bˡ,  aˡ = σ(zˡ),  a⁰ = x
    loss       ½ Σ (aᴸ - y)², or under softmax the cross-entropy -Σ y ln aᴸ; L is its mean over the samples
    backward   δᴸ = ∇ₐL ⊙ σ′(zᴸ),  δˡ = (Wˡ⁺¹)ᵀ δˡ⁺¹ ⊙ σ′(zˡ)
    shares     ∂L/∂Wˡ = δˡ (aˡ⁻¹)ᵀ,  ∂L/∂bˡ = δˡ, mean over the samples
    step       Wˡ ← Wˡ - η ∂L/∂Wˡ, or that of another optimiser

δ is that of one sample's own loss. Where the network is small enough, each share is also *measured*: nudge
the weight up and down, run the network forward, divide the change of the loss by that of the weight.

Tasks: `lecture` (one input, random initial activations, those we want, many tiny changes), `xor`, two
`moons`, two `spirals`, 8×8 `digits`. Layers, activations, optimiser and η follow the task unless given.

References: Rumelhart, Hinton & Williams 1986, Nature 323, 533; Nielsen 2015, Neural Networks and Deep
Learning, chapter 2.
"""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any, Literal, Self

import numpy as np
import xarray as xr
from pydantic import model_validator

from sims._customary import Customary
from sims._layer import Array, product, sigmoid, softmax, summed
from sims._optimise import COURSE, SETTINGS, columns, learning_rate, start, step
from sims._progress import ticks
from sims._samples import correct, draw
from sims._simulation import Batch, param, variable
from sims._trajectory import check_finite

Layers = dict[int, Array]  # layer number l -> its array; the input is layer 0

# ------------------------------------------------------------------------------------------ the equations


def sigma(z: Array, activation: str) -> Array:
    """a = σ(z): sigmoid 1/(1 + e⁻ᶻ), tanh, relu max(z, 0), identity; softmax eᶻ/Σeᶻ over the last axis.

    Any shape; same shape.
    """
    a: Array
    match activation:
        case "sigmoid":
            a = sigmoid(z)
        case "tanh":
            a = np.tanh(z)
        case "relu":
            a = np.maximum(z, 0)
        case "identity":
            a = z
        case "softmax":
            a = softmax(z)
        case _:
            raise ValueError(
                f"activation must be sigmoid, tanh, relu, identity or softmax; got {activation!r}"
            )
    return a


def sigma_prime(a: Array, activation: str) -> Array:
    """The local slope σ′(z), by the activation a = σ(z): a (1 - a), 1 - a², 1 where a > 0, or 1."""
    slope: Array
    match activation:
        case "sigmoid":
            slope = 1 - a
            slope *= a
        case "tanh":
            slope = np.square(a)
            np.subtract(1.0, slope, out=slope)
        case "relu":
            slope = (a.real > 0).astype(a.real.dtype)
        case "identity":
            slope = np.ones_like(a)
        case _:
            raise ValueError(f"activation must be sigmoid, tanh, relu or identity; got {activation!r}")
    return slope


def forward(W: Layers, b: Layers, x: Array, activation: str, output: str) -> tuple[Layers, Layers]:
    """zˡ = Wˡ aˡ⁻¹ + bˡ, aˡ = σ(zˡ), a⁰ = x; `output` is σ of the last layer.

    W[l] (..., n_l, n_{l-1}), b[l] (..., n_l), x (..., sample, n_0). Returns z and a, (..., sample, n_l) each.
    """
    z, a = {}, {0: x}
    for l in W:
        z[l] = product(a[l - 1], W[l].mT)
        z[l] += b[l][..., None, :]
        a[l] = sigma(z[l], output if l == len(W) else activation)
    return z, a


def loss(z: Array, a: Array, y: Array, output: str) -> Array:
    """Loss of each sample: ½ Σ (a - y)², or under softmax -Σ y ln a with ln a = z - ln Σ eᶻ.

    z, a: (..., sample, n_L), those of the last layer; y like them. Returns (..., sample).
    """
    each: Array
    if output == "softmax":
        z = z - z.real.max(-1, keepdims=True)
        ln_a = z - np.log(np.exp(z).sum(-1, keepdims=True))
        each = -(y * ln_a).sum(-1)
    else:
        each = ((a - y) ** 2).sum(-1) / 2
    return each


def backward(W: Layers, a: Layers, y: Array, activation: str, output: str) -> Layers:
    """δᴸ = ∇ₐL ⊙ σ′(zᴸ), which under softmax is a - y; δˡ = (Wˡ⁺¹)ᵀ δˡ⁺¹ ⊙ σ′(zˡ).

    Arrays as `forward` takes and gives them. Returns δˡ = ∂(loss of the sample)/∂zˡ, (..., sample, n_l).
    """
    L = len(W)
    delta = {L: a[L] - y}
    if output not in ("softmax", "identity"):
        delta[L] *= sigma_prime(a[L], output)
    for l in range(L - 1, 0, -1):
        delta[l] = product(delta[l + 1], W[l + 1])
        if activation != "identity":
            delta[l] *= sigma_prime(a[l], activation)
    return delta


def shares(delta: Layers, a: Layers, out: tuple[Layers, Layers] | None = None) -> tuple[Layers, Layers]:
    """∂L/∂Wˡ = δˡ (aˡ⁻¹)ᵀ and ∂L/∂bˡ = δˡ, mean over the samples: (..., n_l, n_{l-1}) and (..., n_l).

    `out` may be what an earlier call returned, or `layers` of what is to be the flat gradient.
    """
    dW, db = out or ({}, {})
    samples = a[0].shape[-2]
    for l in reversed(delta):
        dW[l] = product(delta[l].mT, a[l - 1], out=dW.get(l))
        dW[l] /= samples
        db[l] = summed(delta[l], out=db.get(l), share=1 / samples)
    return dW, db


def layers(w: Array, sizes: tuple[int, ...]) -> tuple[Layers, Layers]:
    """Views into flat weights w (..., P) = (W¹, b¹, W², b², …): W[l] (..., n_l, n_{l-1}), b[l] (..., n_l)."""
    W, b, i = {}, {}, 0
    for l, (m, n) in enumerate(pairwise(sizes), start=1):
        W[l] = w[..., i : i + n * m].reshape(*w.shape[:-1], n, m)
        b[l] = w[..., i + n * m : i + n * m + n]
        i += n * m + n
    return W, b


def flat(W: Layers, b: Layers) -> Array:
    """The flat (..., P) whose `layers` are W and b."""
    rows = [part for l in sorted(W) for part in (W[l].reshape(*W[l].shape[:-2], -1), b[l])]
    return np.concatenate(rows, -1)


def gradient(w: Array, x: Array, y: Array, sizes: tuple[int, ...], activation: str, output: str) -> Array:
    """∂L/∂w of the mean loss, for flat weights w (..., P), inputs x (..., sample, n_0) and targets y."""
    W, b = layers(w, sizes)
    _, a = forward(W, b, x, activation, output)
    return flat(*shares(backward(W, a, y, activation, output), a))


def nudged(
    w: Array, h: Array, x: Array, y: Array, sizes: tuple[int, ...], activation: str, output: str
) -> tuple[Array, Array]:
    """What comes of nudging each weight alone by h: L (..., P) and the outputs (..., P, sample, n_L).

    w (..., P), h (...). The measured share of weight i is (L(wᵢ + h) - L(wᵢ - h)) / 2h.
    """
    one_at_a_time = w[..., None, :] + h[..., None, None] * np.eye(w.shape[-1], dtype=w.dtype)
    W, b = layers(one_at_a_time, sizes)
    z, a = forward(W, b, x[..., None, :, :], activation, output)
    L = len(W)
    return loss(z[L], a[L], y[..., None, :, :], output).mean(-1), a[L]


# ------------------------------------------------------------------------------------------ the simulation

CLASSIFIER = {
    "activation": "tanh",
    "output_activation": "softmax",
    "scale": 1.0,
    "optimiser": "adam",
    "eta": 0.03,
}

# what `Backprop(task=...)` takes where nothing else is said; the lecture's are the declared defaults
CUSTOMARY: dict[str, dict[str, Any]] = {
    "xor": {"hidden": (4,), "eta": 2.0, "steps": 2000},
    "moons": CLASSIFIER | {"hidden": (16,), "steps": 300, "noise": 0.2},
    "spirals": CLASSIFIER | {"hidden": (32, 32), "steps": 600, "noise": 0.03},
    "digits": CLASSIFIER | {"hidden": (32,), "steps": 100, "samples": 1400},
}

# shares are measured where weights² × samples is no more than this: it takes as many passes as weights
SMALL = 1_000_000


class Backprop(Customary):
    """A network of any depth learns, and shows every weight's share of the blame."""

    task: Literal["lecture", "xor", "moons", "spirals", "digits"] = param(
        "lecture", "what is learnt; the other defaults follow it", shape=True
    )
    hidden: tuple[int, ...] = param((6,), "units of each hidden layer", ge=1, le=512, shape=True)
    activation: Literal["sigmoid", "tanh", "relu", "identity"] = param(
        "sigmoid", "activation of the hidden layers", symbol="σ", shape=True
    )
    output_activation: Literal["sigmoid", "tanh", "relu", "identity", "softmax"] = param(
        "sigmoid",
        "activation of the last layer; softmax goes with cross-entropy, others with ½ Σ (a - y)²",
        shape=True,
    )
    scale: float = param(
        2.0, "standard deviation of an initial weight × √(units it comes from)", ge=0, le=100
    )
    optimiser: Literal["gd", "heavy_ball", "nesterov", "adagrad", "rmsprop", "adam", "adamw"] = param(
        "gd", "how a gradient becomes a step", shape=True
    )
    eta: float = param(0.5, "learning rate", symbol="η", ge=0, le=1000)
    schedule: Literal["constant", "step", "exponential", "cosine", "warmup_cosine"] = param(
        "constant", "course of the learning rate", shape=True
    )
    gamma: float = param(
        0.5, "factor per period of the step and exponential schedules", symbol="γ", gt=0, le=1
    )
    period: int = param(100, "steps between two factors γ", ge=1, le=1_000_000)
    warmup: int = param(10, "steps of linear warm-up (warmup_cosine)", ge=0, le=1_000_000)
    momentum: float = param(0.9, "share of the velocity kept (heavy_ball, nesterov)", symbol="β", ge=0, lt=1)
    beta_1: float = param(0.9, "share of the mean gradient kept (adam, adamw)", symbol="β₁", ge=0, lt=1)
    beta_2: float = param(
        0.999, "share of the mean square kept (rmsprop, adam, adamw)", symbol="β₂", ge=0, lt=1
    )
    epsilon: float = param(
        1e-8, "keeps a division finite (adagrad, rmsprop, adam, adamw)", symbol="ε", gt=0, le=1
    )
    weight_decay: float = param(0.0, "L2 penalty; decoupled in adamw", symbol="λ", ge=0, le=10)
    steps: int = param(400, "number of training steps", ge=1, le=1_000_000, shape=True)
    every: int = param(1, "record every so many steps", ge=1, le=1_000_000, shape=True)
    samples: int = param(200, "samples trained on (moons, spirals, digits)", ge=1, le=100_000, shape=True)
    noise: float = param(0.1, "blur of the points (moons, spirals)", ge=0, le=10)
    watch: int = param(8, "samples whose z, a and δ are recorded", ge=1, le=10_000, shape=True)
    nudge: float = param(0.01, "how far a weight is nudged to measure its share", symbol="h", gt=0, le=1)
    seed: int = param(0, "seed of the weights and the task", ge=0, le=2**32 - 1)

    variables = {
        "step": variable("step", "training steps taken"),
        "W_{l}": variable("step unit_{l} unit_{l-1}", "weights into layer {l}", "W"),
        "b_{l}": variable("step unit_{l}", "biases of layer {l}", "b"),
        "z_{l}": variable("step sample unit_{l}", "weighted input of layer {l}, watched samples", "z"),
        "a_0": variable("sample unit_0", "input of the watched samples", "x"),
        "a_{l}": variable("step sample unit_{l}", "activation of layer {l}, watched samples", "a"),
        "y_{l}": variable(
            "sample unit_{l}", "activation wanted of the last layer, {l}, watched samples", "y"
        ),
        "delta_{l}": variable("step sample unit_{l}", "blame of layer {l}, d(loss of the sample)/dz", "δ"),
        "dW_{l}": variable("step unit_{l} unit_{l-1}", "share of each weight into layer {l}", "∂L/∂W"),
        "db_{l}": variable("step unit_{l}", "share of each bias of layer {l}", "∂L/∂b"),
        "loss": variable("step", "mean loss of the samples trained on", "L"),
        "accuracy": variable("step", "part of the samples trained on that comes out right", "acc"),
        "eta": variable("step", "learning rate of the next step", "η"),
        "correct": variable("step datum", "whether a datum comes out right"),
        "held_out": variable("datum", "whether a datum is kept from training"),
        "data_input": variable(
            "datum unit_0", "inputs of the whole task; the watched samples come first", "x"
        ),
        "data_target": variable("datum output", "targets of the whole task", "y"),
        "measured_dW_{l}": variable(
            "unit_{l} unit_{l-1}", "share of each weight at step 0, measured by nudging it", "ΔL/ΔW"
        ),
        "measured_db_{l}": variable(
            "unit_{l}", "share of each bias at step 0, measured by nudging it", "ΔL/Δb"
        ),
        "loss_up_{l}": variable("unit_{l} unit_{l-1}", "loss with that weight nudged up", "L(w + h)"),
        "loss_down_{l}": variable("unit_{l} unit_{l-1}", "loss with that weight nudged down", "L(w - h)"),
        "output_up_{l}": variable(
            "unit_{l} unit_{l-1} sample output", "outputs with that weight nudged up", "a"
        ),
    }

    @classmethod
    def customary(cls, given: Mapping[str, Any]) -> dict[str, Any]:
        """Layers, activations, optimiser, η and steps that suit the task."""
        return CUSTOMARY.get(str(given.get("task")), {})

    @model_validator(mode="after")
    def _agree(self) -> Self:
        if self.every > self.steps:
            raise ValueError(f"every must be <= steps = {self.steps}; got {self.every}")
        if self.task == "digits" and self.samples > 1700:
            raise ValueError(
                f"samples must be <= 1700 for digits, of which there are 1797; got {self.samples}"
            )
        return self

    @classmethod
    @np.errstate(over="ignore", invalid="ignore")  # a run that diverges is reported by check_finite
    def solve(cls, p: Batch) -> dict[str, np.ndarray]:
        rngs = p.rngs()
        data_input, data_target, held_out = draw(p.task, p.samples, p.noise, rngs)
        x, y = data_input[:, ~held_out], data_target[:, ~held_out]
        sizes = (x.shape[-1], *p.hidden, y.shape[-1])
        L, net, watched = len(sizes) - 1, (p.activation, p.output_activation), slice(p.watch)
        w = np.stack([initial_weights(sizes, scale, rng) for scale, rng in zip(p.scale, rngs)])
        fixed = {
            "step": np.arange(0, p.steps + 1, p.every),
            "a_0": x[:, watched],
            f"y_{L}": y[:, watched],
            "data_input": data_input,
            "data_target": data_target,
            "held_out": np.tile(held_out, (p.size, 1)),
        }
        if w.shape[-1] ** 2 * x.shape[1] <= SMALL:
            fixed |= measured_shares(w, p.nudge, x, y, sizes, net, watched)

        eta = learning_rate(p.schedule, np.arange(1, p.steps + 2), steps=p.steps, **columns(p, COURSE))
        settings, state = columns(p, SETTINGS), start(p.optimiser, w)
        g, history = np.empty_like(w), []
        (W, b), (dW, db) = layers(w, sizes), layers(g, sizes)
        for k in ticks(p.steps + 1):
            z, a = forward(W, b, x, *net)
            delta = backward(W, a, y, *net)
            shares(delta, a, out=(dW, db))
            if k % p.every == 0:
                mean_loss = loss(z[L], a[L], y, p.output_activation).mean(-1)
                check_finite(mean_loss, "loss", when=f"step {k}", cure="a smaller eta")
                right = correct(forward(W, b, data_input, *net)[1][L], data_target, p.task)
                row = {"loss": mean_loss, "eta": eta[:, k], "correct": right}
                row["accuracy"] = right[:, ~held_out].mean(-1)
                for name, values in {"W": W, "b": b, "dW": dW, "db": db}.items():
                    row |= {f"{name}_{l}": values[l].copy() for l in W}
                for name, values in {"z": z, "a": a, "delta": delta}.items():
                    row |= {f"{name}_{l}": values[l][:, watched].copy() for l in W}
                history.append(row)
            _, state = step(p.optimiser, w, g, state, k + 1, eta[:, k, None], **settings, out=w)
        return fixed | {name: np.stack([row[name] for row in history], axis=1) for name in history[0]}

    def measure(self, trajectory: xr.Dataset) -> dict[str, float]:
        """Loss and accuracy at the end, on held-out data too where there are any; how true the shares are."""
        L = len(self.hidden) + 1
        right, held_out = trajectory.correct[-1].values, trajectory.held_out.values
        measured = {
            "loss at the start": float(trajectory.loss[0]),
            "loss at the end": float(trajectory.loss[-1]),
        }
        if self.task == "lecture":
            gap = abs(trajectory[f"a_{L}"][-1] - trajectory[f"y_{L}"])
            measured["largest distance from a target"] = float(gap.max())
        else:
            measured["accuracy"] = float(trajectory.accuracy[-1])
        if held_out.any():
            measured["accuracy on held-out data"] = float(right[held_out].mean())
        if "measured_dW_1" in trajectory:
            each = range(1, L + 1)
            computed = np.concatenate([trajectory[f"dW_{l}"][0].values.ravel() for l in each])
            nudged = np.concatenate([trajectory[f"measured_dW_{l}"].values.ravel() for l in each])
            measured["largest share"] = float(abs(computed).max())
            measured["largest gap between computed and measured share"] = float(abs(computed - nudged).max())
        return measured


def initial_weights(sizes: tuple[int, ...], scale: float, rng: np.random.Generator) -> Array:
    """Flat weights (P,): every Wˡ normal with standard deviation scale/√n_{l-1}, every bˡ zero."""
    pairs = list(enumerate(pairwise(sizes), start=1))
    W = {l: scale / np.sqrt(m) * rng.normal(size=(n, m)) for l, (m, n) in pairs}
    return flat(W, {l: np.zeros(n) for l, (_, n) in pairs})


def measured_shares(
    w: Array, h: Array, x: Array, y: Array, sizes: tuple[int, ...], net: tuple[str, str], watched: slice
) -> dict[str, Array]:
    """What nudging each weight of the flat w (B, P) by ±h (B,) gives: shares, losses, outputs, by layer."""
    up, outputs = nudged(w, h, x, y, sizes, *net)
    down, _ = nudged(w, -h, x, y, sizes, *net)
    share_W, share_b = layers((up - down) / (2 * h[:, None]), sizes)
    loss_up, loss_down = layers(up, sizes)[0], layers(down, sizes)[0]
    # weights last, as `layers` wants them, then the samples and outputs last again
    output_up, _ = layers(np.moveaxis(outputs[:, :, watched], 1, -1), sizes)
    measured: dict[str, Array] = {}
    for l in share_W:
        measured |= {f"measured_dW_{l}": share_W[l], f"measured_db_{l}": share_b[l]}
        measured |= {f"loss_up_{l}": loss_up[l], f"loss_down_{l}": loss_down[l]}
        measured[f"output_up_{l}"] = np.moveaxis(output_up[l], (1, 2), (3, 4))
    return measured
