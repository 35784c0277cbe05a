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

from typing import ClassVar

import numpy as np

from sims._recurrent import (
    Array,
    Cell,
    Recurrent,
    States,
    Weights,
    columns,
    drive,
    flat,
    memory,
    rows,
    times,
    total,
    train,
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
    a = drive(x, w["W"], w["b"], np.result_type(x, *w.values()))
    h = memory(a, w["U"].shape[-1], h_0)
    for t in range(a.shape[-3]):
        np.tanh(a[..., t, :, :] + w["U"] @ h[..., t, :, :], out=h[..., t + 1, :, :])
    return {"h": rows(h[..., 1:, :, :]), "h_before": rows(h[..., :-1, :, :])}


def deltas(w: Weights, s: States, dh: Array, reach: int = 0) -> States:
    """Backpropagation through time, from the last token to the first:

        δ = ∂L/∂h′ ⊙ (1 - h′²),   ∂L/∂h = Uᵀ δ + dh

    dh (..., sequence, token, unit) is what the loss itself adds at each token. With reach > 0 only the last
    `reach` tokens have a δ. Returns δ = ∂L/∂(W x + U h + b) as a and the total ∂L/∂h as h, both (...,
    sequence, token, unit), and ∂L/∂h_0 (..., sequence, unit) as h_0.
    """
    h = columns(s["h"])
    dh = total(dh, h)
    slope = 1 - h**2
    delta = np.zeros_like(dh[..., 1:, :, :])
    tokens = h.shape[-3]
    for t in reversed(range(max(0, tokens - reach) if reach else 0, tokens)):
        np.multiply(dh[..., t + 1, :, :], slope[..., t, :, :], out=delta[..., t, :, :])
        dh[..., t, :, :] += w["U"].mT @ delta[..., t, :, :]
    return {"a": rows(delta), "h": rows(dh[..., 1:, :, :]), "h_0": dh[..., 0, :, :].mT}


def backward(x: Array, w: Weights, s: States, dh: Array, reach: int = 0) -> Weights:
    """∂L/∂W = Σ δ xᵀ, ∂L/∂U = Σ δ hᵀ and ∂L/∂b = Σ δ over tokens and sequences; dh as in `deltas`."""
    delta = flat(deltas(w, s, dh, reach)["a"])
    return {"W": delta @ flat(x).mT, "U": delta @ flat(s["h_before"]).mT, "b": delta.sum(-1)}


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
