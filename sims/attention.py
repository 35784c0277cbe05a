"""Attention: how a word takes its meaning from the words around it.

    Q = X W_Q,  K = X W_K,  V = X W_V                  one row per word
    scores  = Q Kᵀ / √d                                similarity of what is asked and what is offered
    weights = softmax(scores)                          shares: positive, each row sums to one
    output  = weights V  (W_O)                         the weighted blend; residual: X + output

The two banks: "catch fish by the river bank", "put your money in the bank". One layer with a residual,

    bank′ = bank + Σⱼ aⱼ vⱼ,   P(sense) = softmax(bank′ U + b),

is trained by AdamW on generated sentences to tell which bank is meant (river, money, no clue). Embeddings,
W_Q, W_K, W_V, W_O, U and b are all learned, from gradients worked out by hand; no example says where to look.
W_V starts as the identity: at first the words themselves are added, so words, values and the moved bank
share one space. Both lecture sentences are kept out of the training set.

grammar="shared" puts the weight on fish, river and money. With grammar="naive" the senses differ in their
function words too, and the weight falls on "by", "the", "your" or "in", which do as well: the same loss,
the wrong reason.

References: Bahdanau, Cho & Bengio 2014, arXiv:1409.0473; Vaswani et al. 2017, arXiv:1706.03762;
Loshchilov & Hutter 2019, arXiv:1711.05101 (AdamW).
"""

from typing import Literal, Self

import numpy as np
import xarray as xr
from pydantic import model_validator

from sims import _attention_sentences as sentences
from sims._attention_layer import (
    Blend,
    Parts,
    attention,
    attention_backward,
    blend,
    look,
    look_backward,
    project,
    project_backward,
    scores,
    split,
)
from sims._attention_space import cosine, eigenvector_overlap, random_overlap, read_out_plane, share_in_plane
from sims._layer import Array, softmax
from sims._optimise import start, step
from sims._progress import ticks
from sims._simulation import Batch, Simulation, param, variable
from sims._trajectory import check_finite

# the equations live in _attention_layer and _attention_space; they are reached from here
__all__ = [
    "Attention",
    "Blend",
    "Parts",
    "attention",
    "attention_backward",
    "blend",
    "cosine",
    "eigenvector_overlap",
    "look",
    "look_backward",
    "loss",
    "loss_backward",
    "random_overlap",
    "read_out_plane",
    "scores",
    "share_in_plane",
    "softmax",
    "unpack",
]


def shapes(d: int, heads: int) -> dict[str, tuple[int, ...]]:
    """Names and shapes of all that is learned, in the order of the flat vector. One head needs no W_O."""
    square = {name: (d, d) for name in ("W_Q", "W_K", "W_V", *(["W_O"] if heads > 1 else []))}
    senses = len(sentences.SENSES)
    return {"embeddings": (len(sentences.VOCABULARY), d), **square, "U": (d, senses), "b": (senses,)}


def unpack(w: Array, d: int, heads: int) -> dict[str, Array]:
    """Views into the flat vector w (..., P), by name, each (..., *shape)."""
    sizes = shapes(d, heads)
    ends = np.cumsum([np.prod(shape) for shape in sizes.values()])
    parts = np.split(w, ends[:-1], axis=-1)
    return {name: part.reshape(*w.shape[:-1], *sizes[name]) for name, part in zip(sizes, parts)}


def read(w: dict[str, Array], words: Array, heads: int) -> tuple[Array, Parts, Array, Array]:
    """Read sentences, words (*B, N, n, V) as rows of the identity, and tell what their last word means.

    x = words E,  bank′ = bank + attention(bank, x),  logits = bank′ U + b.
    Returns x (*B, N, n, d), the parts of attention, bank′ (*B, N, 1, d) and the logits (*B, N, senses).
    """
    X = project(words, w["embeddings"])
    bank = X[..., -1:, :]
    parts = attention(X, w["W_Q"], w["W_K"], w["W_V"], w.get("W_O"), heads, asking=bank)
    moved = bank + parts.output
    return X, parts, moved, project(moved, w["U"])[..., 0, :] + w["b"][..., None, :]


def log_softmax(z: Array) -> Array:
    """zᵢ - log Σⱼ e^{zⱼ} over the last axis, without overflow."""
    z = z - z.real.max(-1, keepdims=True)
    logs: Array = z - np.log(np.exp(z).sum(-1, keepdims=True))
    return logs


def loss(w: Array, words: Array, wanted: Array, d: int, heads: int) -> Array:
    """L = -1/N Σ log P(the wanted sense of bank): mean cross-entropy (*B) of the weights w (*B, P).

    words: (*B, N, n, V) and wanted: (*B, N, senses), rows of the identity.
    """
    *_, logits = read(unpack(w, d, heads), words, heads)
    mean: Array = -(wanted * log_softmax(logits)).sum(-1).mean(-1)
    return mean


def loss_backward(w: Array, words: Array, wanted: Array, d: int, heads: int) -> tuple[Array, Array, Array]:
    """The loss (*B), the share of sentences told right (*B), and the gradient ∂L/∂w (*B, P).

    ∂L/∂logits = (P - wanted)/N; from there back through the read-out, the residual and the attention to
    the embeddings: bank's own row is reached as what asks, as what answers and past both of them.
    """
    v = unpack(w, d, heads)
    X, parts, moved, logits = read(v, words, heads)
    logs = log_softmax(logits)
    d_logits = ((np.exp(logs) - wanted) / wanted.shape[-2])[..., None, :]
    d_moved, d_U = project_backward(d_logits, moved, v["U"])
    grad = {"U": d_U, "b": d_logits.sum((-3, -2))}
    grad |= attention_backward(
        d_moved, parts, X, v["W_Q"], v["W_K"], v["W_V"], v.get("W_O"), asking=X[..., -1:, :]
    )
    grad["X"][..., -1:, :] += grad["asking"] + d_moved
    _, grad["embeddings"] = project_backward(grad["X"], words, v["embeddings"])
    flat = np.concatenate([grad[name].reshape(*w.shape[:-1], -1) for name in shapes(d, heads)], axis=-1)
    right = np.take_along_axis(wanted, logits.argmax(-1)[..., None], axis=-1).mean((-2, -1))
    return -(wanted * logs).sum(-1).mean(-1), right, flat


class Attention(Simulation):
    """Two banks: attention learns which words tell them apart."""

    d: int = param(8, "numbers in a word's vector", symbol="d", ge=2, le=256, shape=True)
    heads: int = param(1, "heads, each with d / heads of the numbers", symbol="h", ge=1, le=64, shape=True)
    grammar: Literal["shared", "naive"] = param(
        "shared", "are function words shared by the senses, or do they give them away", shape=True
    )
    examples: int = param(150, "training sentences", symbol="N", ge=6, le=10_000, shape=True)
    steps: int = param(300, "steps of training, all sentences in each", ge=1, le=100_000, shape=True)
    first: int = param(30, "record each of the first steps, where most happens", ge=0, le=100_000, shape=True)
    every: int = param(6, "then record every so many steps, and the last", ge=1, le=100_000, shape=True)
    eta: float = param(0.03, "learning rate of AdamW", symbol="η", ge=0, le=1)
    weight_decay: float = param(0.1, "decay of all weights; 0 is plain Adam", symbol="λ", ge=0, le=1)
    seed: int = param(6, "seed of the sentences and the first weights", ge=0, le=2**32 - 1)

    variables = {
        "step": variable("step", "training steps taken"),
        "word": variable("word", "word of the vocabulary"),
        "sense": variable("sense", "what bank may mean"),
        "word_sense": variable("word", "the sense a word speaks for: 0 river, 1 money, 2 none"),
        "examples": variable("example token", "training sentence, as rows of the vocabulary"),
        "labels": variable("example", "sense of its last word"),
        "tokens": variable("sentence token", "the lecture's two sentences, never trained on"),
        "token_rows": variable("sentence token", "the same as rows of the vocabulary"),
        "embeddings": variable("step word feature", "a word's vector before any context", "x"),
        "W_Q": variable("step head feature channel", "from a word to what it asks", "W_Q"),
        "W_K": variable("step head feature channel", "from a word to what it offers", "W_K"),
        "W_V": variable("step head feature channel", "from a word to what it says", "W_V"),
        "W_O": variable("step head channel feature", "from what a head says to a shift; one head: 1", "W_O"),
        "U": variable("step feature sense", "read-out of the sense", "U"),
        "b": variable("step sense", "bias of the read-out", "b"),
        "q": variable("step sentence head token channel", "queries", "q"),
        "k": variable("step sentence head token channel", "keys", "k"),
        "v": variable("step sentence head token channel", "values", "v"),
        "scores": variable("step sentence head query key", "query · key / √d", "q·k/√d"),
        "weights": variable("step sentence head query key", "share of each key; each row sums to 1", "a"),
        "outputs": variable("step sentence token feature", "a word's vector after its context", "x′"),
        "arrows": variable("step sentence head token feature", "what each word adds to bank", "a v"),
        "bank_before": variable("step sentence feature", "bank before the context: the same in both", "x"),
        "bank_after": variable("step sentence feature", "bank + the sum of the arrows", "x′"),
        "cosine_before": variable("step", "cosine of the two banks before their contexts", "cos"),
        "cosine": variable("step", "cosine of the two banks after their contexts", "cos"),
        "probability": variable("step sentence sense", "sense read out from bank", "P"),
        "content_share": variable(
            "step sentence", "bank's weight on river and money words, mean over heads", "Σa"
        ),
        "loss": variable("step", "mean cross-entropy over the training sentences", "L"),
        "accuracy": variable("step", "share of training sentences told right", "acc"),
        "plane": variable("axis feature", "the plane the trained read-out sees: to money, to a clue", "P"),
        "plane_share": variable("step", "share of the variance of the words' vectors in the plane", "R²"),
        "plane_share_moves": variable("step", "share of bank's two moves (squared) in the plane", "R²"),
    }

    @model_validator(mode="after")
    def _agree(self) -> Self:
        if self.d % self.heads:
            raise ValueError(f"heads must divide d = {self.d}; got {self.heads}")
        return self

    @classmethod
    def solve(cls, p: Batch) -> dict[str, np.ndarray]:
        rngs = p.rngs()
        drawn = [sentences.draw(rng, p.examples, p.grammar) for rng in rngs]
        tokens, labels = (np.stack(each) for each in zip(*drawn))
        words, wanted = np.eye(len(sentences.VOCABULARY))[tokens], np.eye(len(sentences.SENSES))[labels]
        w = np.stack([first_weights(rng, p.d, p.heads) for rng in rngs])
        eta, decay, state = p.eta[:, None], p.weight_decay[:, None], start("adamw", w)
        kept, taken = [], []
        for t in ticks(p.steps + 1):
            L, right, g = loss_backward(w, words, wanted, p.d, p.heads)
            if t <= p.first or t % p.every == 0 or t == p.steps:
                kept.append((w, L, right))
                taken.append(t)
            w, state = step("adamw", w, g, state, t + 1, eta, weight_decay=decay)
        path, L, right = (np.stack(each, axis=1) for each in zip(*kept))
        check_finite(path, "weights", when=f"step {p.steps}", cure="a smaller eta")
        return {
            "step": np.array(taken),
            "examples": tokens,
            "labels": labels,
            **known_words(p.size),
            **two_banks(unpack(path, p.d, p.heads), p.heads),
            "loss": L,
            "accuracy": right,
        }

    def measure(self, trajectory: xr.Dataset) -> dict[str, float]:
        """Where the weight went, how far apart the banks came, and how alike W_Q and W_K became."""
        end = trajectory.isel(step=-1)
        river, money = end.content_share.values
        measured = {
            "weight on content words, river sentence": float(river),
            "weight on content words, money sentence": float(money),
            "cosine of the two banks": float(end.cosine),
            "loss": float(end.loss),
            "accuracy": float(end.accuracy),
        }
        if self.heads == 1:
            W_Q, W_K = (trajectory[name].isel(step=[0, -1], head=0).values for name in ("W_Q", "W_K"))
            for which, (before, after) in zip(("leading", "other"), eigenvector_overlap(W_Q, W_K)):
                measured[f"overlap of {which} eigenvectors of W_Q and W_K"] = float(after)
                measured[f"overlap of {which} eigenvectors before training"] = float(before)
        return measured


def first_weights(rng: np.random.Generator, d: int, heads: int) -> Array:
    """The flat vector (P,) before training: W_V and W_O the identity, b zero, all else normal.

    Standard deviations: 1/√d for the embeddings, W_Q and W_K, 1/2 for U. A much louder U lets the embeddings
    alone fit the sentences, before the attention has learned where to look.
    """
    spread = {"embeddings": d**-0.5, "W_Q": d**-0.5, "W_K": d**-0.5, "U": 0.5, "b": 0.0}
    first = [
        np.eye(d) if name in ("W_V", "W_O") else spread[name] * rng.normal(size=shape)
        for name, shape in shapes(d, heads).items()
    ]
    return np.concatenate([values.ravel() for values in first])


def known_words(size: int) -> dict[str, np.ndarray]:
    """The vocabulary, the senses and the lecture's two sentences, the same for each of `size` runs."""
    rows, words = sentences.two_banks(), np.array(sentences.VOCABULARY)
    same = {"word_sense": sentences.senses(), "token_rows": rows, "tokens": words[rows]}
    return {"word": words, "sense": np.array(sentences.SENSES)} | {
        name: np.broadcast_to(values, (size, *values.shape)) for name, values in same.items()
    }


def two_banks(w: dict[str, Array], heads: int) -> dict[str, np.ndarray]:
    """What the weights, each (B, S, ...), make of the lecture's two sentences, every word asking."""
    batch, (V, d) = w["b"].shape[:-1], w["embeddings"].shape[-2:]
    rows = sentences.two_banks()
    words = np.broadcast_to(np.eye(V)[rows], (*batch, *rows.shape, V))
    X = project(words, w["embeddings"])
    parts = attention(X, w["W_Q"], w["W_K"], w["W_V"], w.get("W_O"), heads)
    W_O = w.get("W_O", np.broadcast_to(np.eye(d), (*batch, d, d))).reshape(*batch, heads, -1, d)
    outputs = X + parts.output
    before, after = X[..., -1, :], outputs[..., -1, :]
    logits = project(after, w["U"]) + w["b"][..., None, :]
    content = sentences.senses()[rows] < 2
    plane = read_out_plane(w["U"][:, -1])
    about_mean = w["embeddings"] - w["embeddings"].mean(-2, keepdims=True)
    return {
        "embeddings": w["embeddings"],
        **{name: split(w[name], heads) for name in ("W_Q", "W_K", "W_V")},
        "W_O": W_O,
        "U": w["U"],
        "b": w["b"],
        "q": parts.q,
        "k": parts.k,
        "v": parts.v,
        "scores": scores(parts.q, parts.k),
        "weights": parts.weights,
        "outputs": outputs,
        "arrows": (parts.weights[..., -1, :, None] * parts.v) @ W_O[..., None, :, :, :],
        "bank_before": before,
        "bank_after": after,
        "cosine_before": cosine(before[..., 0, :], before[..., 1, :]),
        "cosine": cosine(after[..., 0, :], after[..., 1, :]),
        "probability": softmax(logits),
        "content_share": (parts.weights[..., -1, :].mean(-2) * content).sum(-1),
        "plane": plane,
        "plane_share": share_in_plane(about_mean, plane[:, None]),
        "plane_share_moves": share_in_plane(after - before, plane[:, None]),
    }
