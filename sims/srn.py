"""Simple recurrent network: a memory that is rewritten whole at every word.

    h′ = tanh(W x + U h + b)

All weights are trained by backpropagation through time, from the loss at the last token, where
softmax(W_y h + b_y) is told (W_y h + b_y if it is one number). Nothing in the cell can say "keep this": what
it met six words ago has since been multiplied by U and squashed six times, and so has the gradient on its
way back.

With `reach` = 1 the gradient stays at the last token, as in Elman's own training, which takes the copied
memory for a mere input: then nothing teaches the memory to carry a word to the end.

References: Elman 1990, Cognitive Science 14, 179; on the vanishing gradient Bengio, Simard & Frasconi 1994,
IEEE Transactions on Neural Networks 5, 157.
"""

from itertools import islice
from typing import ClassVar

import numpy as np

from sims._layer import Array, product
from sims._recurrent import (
    Cell,
    Recurrent,
    States,
    Weights,
    beside_one,
    drive,
    flat,
    memory,
    times,
    total,
    train,
    transposed,
    turned,
    walk,
    weights_of,
)
from sims._simulation import Batch, Variable, param


def step(x: Array, h: Array, w: Weights) -> Array:
    """One token: h′ = tanh(W x + U h + b).

    x (..., sequence, input), h (..., sequence, unit); w holds W (..., unit, input), U (..., unit, unit) and
    b (..., unit). Returns h′ (..., sequence, unit).
    """
    h = np.tanh(times(w["W"], x) + times(w["U"], h, w["b"]))
    return h


def forward(x: Array, w: Weights, h_0: Array | None = None) -> States:
    """`step` from token to token of x (..., sequence, token, input), with W x + b taken for all at once.

    h_0 (..., sequence, unit) is the first memory, zero if not given. Returns h and h_before, the memory after
    and before each token, (..., sequence, token, unit).
    """
    (a,) = drive(x, w, ("",))
    h = memory(a, h_0)
    h_before, h_after, U = h[..., :-1, :, :], h[..., 1:, :, :], transposed(w["U"])
    for a_t, h_t, h_next in walk(a, h_before, h_after):
        a_t += product(h_t, U)
        np.tanh(a_t, out=h_next)
    return {"h": turned(h_after), "h_before": turned(h_before)}


def deltas(w: Weights, s: States, dh: Array, reach: int = 0) -> States:
    """Backpropagation through time, from the last token to the first:

        δ = ∂L/∂h′ ⊙ (1 - h′²),   ∂L/∂h = Uᵀ δ + dh

    dh (..., sequence, token, unit) is what the loss itself adds at each token. With reach > 0 only the last
    `reach` tokens have a δ. Returns δ = ∂L/∂(W x + U h + b) as a and the total ∂L/∂h as h, both (...,
    sequence, token, unit), and ∂L/∂h_0 (..., sequence, unit) as h_0.
    """
    h = turned(s["h"])
    dh, tokens = total(dh, h), h.shape[-3]
    delta = np.zeros_like(dh[..., 1:, :, :])
    along = walk(delta, dh[..., :-1, :, :], dh[..., 1:, :, :], 1 - h**2, back=True)
    for delta_t, dh_t, dh_next, slope in islice(along, reach or tokens):
        np.multiply(dh_next, slope, out=delta_t)
        dh_t += product(delta_t, w["U"])
    return {"a": turned(delta), "h": turned(dh[..., 1:, :, :]), "h_0": dh[..., 0, :, :]}


def backward(x: Array, w: Weights, s: States, dh: Array, reach: int = 0) -> Weights:
    """∂L/∂W = Σ δ xᵀ, ∂L/∂U = Σ δ hᵀ and ∂L/∂b = Σ δ over tokens and sequences; dh as in `deltas`."""
    delta, H = (flat(turned(v)) for v in (deltas(w, s, dh, reach)["a"], s["h_before"]))
    dW = product(delta.mT, beside_one(x))
    return {"W": dW[..., :-1], "U": product(delta.mT, H), "b": dW[..., -1]}


class SRN(Recurrent):
    """A simple recurrent network learns to remember, or fails to."""

    reach: int = param(
        0, "tokens the gradient is sent back over; 0: all, 1: Elman's copy-back", ge=0, le=1000, shape=True
    )

    variables: ClassVar[dict[str, Variable]] = Recurrent.variables | weights_of({"": "memory"})

    @classmethod
    def solve(cls, p: Batch) -> dict[str, Array]:
        """Train p.size networks; `variables` says what is recorded."""
        return train(
            p,
            Cell(
                gates=("",),
                forward=forward,
                backward=lambda x, w, s, dh: backward(x, w, s, dh, p.reach),
                blame={"gradient_left": lambda w, s, dh: deltas(w, s, dh)["h"]},
            ),
        )
