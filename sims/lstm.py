"""Long short-term memory: a memory cell with a gate for writing, one for keeping and one for reading.

    i = σ(W_i x + U_i h + b_i)      input gate
    f = σ(W_f x + U_f h + b_f)      forget gate: f = 1 keeps
    o = σ(W_o x + U_o h + b_o)      output gate
    g = tanh(W_g x + U_g h + b_g)   candidate
    c′ = f ⊙ c + i ⊙ g              memory cell
    h′ = o ⊙ tanh(c′)               what of it is shown

All weights are trained by full backpropagation through time, from the loss at the last token, where
softmax(W_y h + b_y) is told (W_y h + b_y if it is one number). `gate_bias` says how far the cell keeps before
training: b_f starts at it.

The memory is c. So the gradient left is |∂c_T/∂c_t| and the trace is that in c; |∂h_T/∂h_t| with c held,
recorded beside it, misses what c carries.

References: Hochreiter & Schmidhuber 1997, Neural Computation 9, 1735; with the forget gate of Gers,
Schmidhuber & Cummins 2000, Neural Computation 12, 2451.
"""

from typing import ClassVar

import numpy as np

from sims._layer import Array, product, sigmoid
from sims._recurrent import (
    Cell,
    Recurrent,
    States,
    Weights,
    beside_one,
    drive,
    flat,
    memory,
    split,
    stacked,
    times,
    total,
    train,
    transposed,
    turned,
    walk,
    weights_of,
)
from sims._simulation import Batch, Variable, param, variable


def step(x: Array, h: Array, c: Array, w: Weights) -> States:
    """One token, as the equations at the head of this file say it.

    x (..., sequence, input), h and c (..., sequence, unit); for k = i, f, g, o, w holds W_k (..., unit,
    input), U_k (..., unit, unit) and b_k (..., unit). Returns i, f, g, o and the new c and h, each
    (..., sequence, unit).
    """
    i = sigmoid(times(w["W_i"], x) + times(w["U_i"], h, w["b_i"]))
    f = sigmoid(times(w["W_f"], x) + times(w["U_f"], h, w["b_f"]))
    o = sigmoid(times(w["W_o"], x) + times(w["U_o"], h, w["b_o"]))
    g = np.tanh(times(w["W_g"], x) + times(w["U_g"], h, w["b_g"]))
    c = f * c + i * g
    h = o * np.tanh(c)
    return {"i": i, "f": f, "g": g, "o": o, "c": c, "h": h}


def forward(x: Array, w: Weights, h_0: Array | None = None, c_0: Array | None = None) -> States:
    """`step` from token to token of x (..., sequence, token, input), the gates' products taken together.

    h_0 and c_0 (..., sequence, unit) are zero if not given. Returns i, f, g, o, c, h and c_before, h_before,
    those each token finds, each (..., sequence, token, unit).
    """
    ifo, g = drive(x, w, ("_i", "_f", "_o"), ("_g",))
    U_ifo, U_g = transposed(stacked(w, "U", ("_i", "_f", "_o"))), transposed(w["U_g"])
    h, c = memory(g, h_0), memory(g, c_0)
    states = dict(zip("ifo", split(ifo, g.shape[-1]))) | {"g": g}
    for k, v in {"c": c, "h": h}.items():
        states |= {k: v[..., 1:, :, :], f"{k}_before": v[..., :-1, :, :]}
    for ifo_t, i_t, f_t, o_t, g_t, c_next, c_t, h_next, h_t in walk(ifo, *states.values()):
        ifo_t += product(h_t, U_ifo)
        sigmoid(ifo_t, out=ifo_t)
        g_t += product(h_t, U_g)
        np.tanh(g_t, out=g_t)
        np.multiply(f_t, c_t, out=c_next)
        c_next += i_t * g_t
        np.multiply(o_t, np.tanh(c_next), out=h_next)
    return {k: turned(v) for k, v in states.items()}


def deltas(w: Weights, s: States, dh: Array, dc: Array | None = None) -> States:
    """Backpropagation through time, from the last token to the first:

        δ_o = ∂L/∂h′ ⊙ tanh(c′) ⊙ o ⊙ (1 - o)
        δ_i = ∂L/∂c′ ⊙ g ⊙ i ⊙ (1 - i),   δ_f = ∂L/∂c′ ⊙ c ⊙ f ⊙ (1 - f),   δ_g = ∂L/∂c′ ⊙ i ⊙ (1 - g²)
        ∂L/∂c = ∂L/∂c′ ⊙ f + ∂L/∂h ⊙ o ⊙ (1 - tanh²c) + dc,   ∂L/∂h = Σ Uᵀ δ over the gates + dh

    (in ∂L/∂c, o is the one that showed c). dh and dc (..., sequence, token, unit) are what the loss itself
    adds at each token. Returns the δ (∂L/∂ what is squashed) as i, f, g and o, the total ∂L/∂h with c held as
    h and ∂L/∂c as c, all (..., sequence, token, unit), and h_0 and c_0 (..., sequence, unit).
    """
    delta, dh, dc = side_by_side(w, s, dh, dc)
    named = dict(zip("ifgo", split(delta, dh.shape[-1]))) | {"h": dh[..., 1:, :, :], "c": dc[..., 1:, :, :]}
    return {k: turned(v) for k, v in named.items()} | {"h_0": dh[..., 0, :, :], "c_0": dc[..., 0, :, :]}


def side_by_side(w: Weights, s: States, dh: Array, dc: Array | None) -> tuple[Array, Array, Array]:
    """δ_i, δ_f, δ_g and δ_o in one; ∂L/∂h and ∂L/∂c, those of h_0 and c_0 first.

    All (..., token, sequence, unit): so one product sends all four δ back through the four U.
    """
    i, f, o, g, c, c_before = (turned(s[k]) for k in ("i", "f", "o", "g", "c", "c_before"))
    n, tanh_c, U = c.shape[-1], np.tanh(c), stacked(w, "U", ("_i", "_f", "_g", "_o"))
    to_i, to_f, to_g = g * i * (1 - i), c_before * f * (1 - f), i * (1 - g**2)
    to_o, to_c = tanh_c * o * (1 - o), o * (1 - tanh_c**2)
    dc = total(np.zeros_like(dh) if dc is None else dc, c)
    dh = total(dh, c)
    delta = np.empty((*dh.shape[:-3], *c.shape[-3:-1], 4 * n), dh.dtype)
    along = (delta, *split(delta, n), *(v for x in (dh, dc) for v in (x[..., :-1, :, :], x[..., 1:, :, :])))
    given = (to_i, to_f, to_g, to_o, to_c, f)
    for d, d_i, d_f, d_g, d_o, dh_t, dh_next, dc_t, dc_next, *each in walk(*along, *given, back=True):
        to_i_t, to_f_t, to_g_t, to_o_t, to_c_t, f_t = each
        dc_next += dh_next * to_c_t
        np.multiply(dc_next, to_i_t, out=d_i)
        np.multiply(dc_next, to_f_t, out=d_f)
        np.multiply(dc_next, to_g_t, out=d_g)
        np.multiply(dh_next, to_o_t, out=d_o)
        dc_t += dc_next * f_t
        dh_t += product(d, U)
    return delta, dh, dc


def backward(x: Array, w: Weights, s: States, dh: Array) -> Weights:
    """∂L/∂W = Σ δ xᵀ, ∂L/∂U = Σ δ hᵀ and ∂L/∂b = Σ δ over tokens and sequences; dh as in `deltas`."""
    n, delta = w["U_i"].shape[-1], flat(side_by_side(w, s, dh, None)[0])
    dW, dU = product(delta.mT, beside_one(x)), product(delta.mT, flat(turned(s["h_before"])))
    grad: Weights = {}
    for j, k in enumerate("ifgo"):
        rows = slice(j * n, (j + 1) * n)
        grad |= {f"W_{k}": dW[..., rows, :-1], f"U_{k}": dU[..., rows, :], f"b_{k}": dW[..., rows, -1]}
    return grad


class LSTM(Recurrent):
    """A long short-term memory learns what to write, keep and show."""

    gate_bias: float = param(
        2.0, "bias of the forget gate before training, towards keeping", symbol="b", ge=-20, le=20
    )

    variables: ClassVar[dict[str, Variable]] = (
        Recurrent.variables
        | weights_of({"i": "input gate", "f": "forget gate", "g": "candidate", "o": "output gate"})
        | {
            "i": variable("step sequence token unit", "input gate", "i"),
            "f": variable("step sequence token unit", "forget gate", "f"),
            "g": variable("step sequence token unit", "candidate for the memory cell", "g"),
            "o": variable("step sequence token unit", "output gate", "o"),
            "c": variable("step sequence token unit", "memory cell after each token", "c"),
            "h": variable(
                "step sequence token unit", "what is shown of the memory cell after each token", "h"
            ),
            "gradient_left": variable(
                "step sequence token", "gradient left of the last token's, |∂c_T/∂c_t|", "|∂c_T/∂c_t|"
            ),
            "gradient_left_h": variable(
                "step sequence token", "the same of h, with c held, |∂h_T/∂h_t|", "|∂h_T/∂h_t|"
            ),
        }
    )

    @classmethod
    def solve(cls, p: Batch) -> dict[str, Array]:
        """Train p.size networks; `variables` says what is recorded."""
        return train(
            p,
            Cell(
                gates=("_i", "_f", "_g", "_o"),
                forward=forward,
                backward=backward,
                blame={
                    "gradient_left": lambda w, s, dc: deltas(w, s, np.zeros_like(dc), dc)["c"],
                    "gradient_left_h": lambda w, s, dh: deltas(w, s, dh)["h"],
                },
                memory="c",
                biases={"b_f": p.gate_bias},
            ),
        )
