"""Gated recurrent unit: a memory behind a valve, open to replace it, shut to keep it.

    z = σ(W_z x + U_z h + b_z)            update gate
    r = σ(W_r x + U_r h + b_r)            reset gate
    h̃ = tanh(W_h x + U_h (r ⊙ h) + b_h)   candidate
    h′ = (1 - z) ⊙ h + z ⊙ h̃

Each number of the memory has valves of its own. Where z = 0 it is handed on untouched, and the gradient on
its way back too. When to open is learned: all weights are trained by full backpropagation through time, from
the loss at the last token, where softmax(W_y h + b_y) is told (W_y h + b_y if it is one number). `gate_bias`
says how far the valves are shut before training: b_z starts at -gate_bias.

In form "torch", PyTorch's, z = 1 keeps and the reset gate acts after the product:

    h̃ = tanh(W_h x + b_h + r ⊙ (U_h h + c_h)),   h′ = (1 - z) ⊙ h̃ + z ⊙ h

References: Cho et al. 2014, arXiv:1406.1078; Chung, Gulcehre, Cho & Bengio 2014, arXiv:1412.3555.
"""

from typing import ClassVar, Literal

import numpy as np

from sims._layer import Array, product, sigmoid, summed
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

Form = Literal["cho", "torch"]


def step(x: Array, h: Array, w: Weights, form: Form = "cho") -> States:
    """One token, as the equations at the head of this file say it.

    x (..., sequence, input), h (..., sequence, unit); w holds W_z, W_r, W_h (..., unit, input), U_z, U_r, U_h
    (..., unit, unit), b_z, b_r, b_h (..., unit), and c_h (..., unit) for form "torch".
    Returns z, r, h_tilde and the new h, each (..., sequence, unit).
    """
    z = sigmoid(times(w["W_z"], x) + times(w["U_z"], h, w["b_z"]))
    r = sigmoid(times(w["W_r"], x) + times(w["U_r"], h, w["b_r"]))
    if form == "cho":
        h_tilde = np.tanh(times(w["W_h"], x) + times(w["U_h"], r * h, w["b_h"]))
        h = (1 - z) * h + z * h_tilde
    else:
        h_tilde = np.tanh(times(w["W_h"], x, w["b_h"]) + r * times(w["U_h"], h, w["c_h"]))
        h = (1 - z) * h_tilde + z * h
    return {"z": z, "r": r, "h_tilde": h_tilde, "h": h}


def forward(x: Array, w: Weights, form: Form = "cho", h_0: Array | None = None) -> States:
    """`step` from token to token of x (..., sequence, token, input), with W x + b taken for all at once.

    h_0 (..., sequence, unit) is the first memory, zero if not given. Returns z, r, h_tilde, h, h_before, the
    memory each token finds, and reset_before, what its r acts on: h, in form "torch" U_h h + c_h. Each is
    (..., sequence, token, unit).
    """
    zr, h_tilde = drive(x, w, ("_z", "_r"), ("_h",))
    h, n = memory(h_tilde, h_0), h_tilde.shape[-1]
    (z, r), h_before, h_after = split(zr, n), h[..., :-1, :, :], h[..., 1:, :, :]
    c_h = None if form == "cho" else w["c_h"][..., None, :]
    reset_before = h_before if c_h is None else np.empty_like(h_tilde)
    U = transposed(stacked(w, "U", ("_z", "_r") if c_h is None else ("_z", "_r", "_h")))
    U_h = transposed(w["U_h"])
    along = walk(zr, z, r, h_tilde, h_before, h_after, reset_before)
    for zr_t, z_t, r_t, h_tilde_t, h_t, h_next, reset_t in along:
        if c_h is None:
            zr_t += product(h_t, U)
            sigmoid(zr_t, out=zr_t)
            h_tilde_t += product(r_t * h_t, U_h)
        else:
            Uh = product(h_t, U)
            zr_t += Uh[..., : 2 * n]
            sigmoid(zr_t, out=zr_t)
            np.add(Uh[..., 2 * n :], c_h, out=reset_t)
            h_tilde_t += r_t * reset_t
        np.tanh(h_tilde_t, out=h_tilde_t)
        old, new = (h_t, h_tilde_t) if c_h is None else (h_tilde_t, h_t)
        np.subtract(new, old, out=h_next)
        h_next *= z_t
        h_next += old
    states = {"z": z, "r": r, "h_tilde": h_tilde, "h": h_after, "h_before": h_before}
    return {k: turned(v) for k, v in (states | {"reset_before": reset_before}).items()}


def deltas(w: Weights, s: States, dh: Array, form: Form = "cho") -> States:
    """Backpropagation through time, from the last token to the first:

        δ_h = ∂L/∂h′ ⊙ z ⊙ (1 - h̃²)
        δ_z = ∂L/∂h′ ⊙ (h̃ - h) ⊙ z ⊙ (1 - z)
        δ_r = U_hᵀ δ_h ⊙ h ⊙ r ⊙ (1 - r)
        ∂L/∂h = ∂L/∂h′ ⊙ (1 - z) + U_hᵀ δ_h ⊙ r + U_zᵀ δ_z + U_rᵀ δ_r + dh

    dh (..., sequence, token, unit) is what the loss itself adds at each token. In form "torch" z and 1 - z
    change places, δ_z its sign, δ_r = δ_h ⊙ (U_h h + c_h) ⊙ r ⊙ (1 - r), and U_hᵀ acts on δ_h ⊙ r. Returns
    the δ (∂L/∂ what is squashed) as z, r and h_tilde and the total ∂L/∂h as h, all (..., sequence, token,
    unit), and ∂L/∂h_0 (..., sequence, unit) as h_0.
    """
    delta_h, delta_zr, dh = side_by_side(w, s, dh, form)
    named = dict(zip(("h_tilde", "z", "r"), (delta_h, *split(delta_zr, delta_h.shape[-1]))))
    return {k: turned(v) for k, v in (named | {"h": dh[..., 1:, :, :]}).items()} | {"h_0": dh[..., 0, :, :]}


def side_by_side(w: Weights, s: States, dh: Array, form: Form) -> tuple[Array, Array, Array]:
    """δ_h; δ_z and δ_r in one, in form "torch" with δ_h ⊙ r; and ∂L/∂h, that of h_0 first.

    All (..., token, sequence, unit): so one product sends δ_z and δ_r back through U_z and U_r.
    """
    z, r, h_tilde, h, reset = (turned(s[k]) for k in ("z", "r", "h_tilde", "h_before", "reset_before"))
    keep, replace, to_z = (1 - z, z, h_tilde - h) if form == "cho" else (z, 1 - z, h - h_tilde)
    to_h, to_z, to_r = replace * (1 - h_tilde**2), to_z * keep * replace, reset * (1 - r)
    n, gates = h.shape[-1], ("_z", "_r") if form == "cho" else ("_z", "_r", "_h")
    dh, U, U_h = total(dh, h), stacked(w, "U", gates), w["U_h"]
    delta_h = np.empty_like(dh[..., 1:, :, :])
    delta_zr = np.empty((*delta_h.shape[:-1], len(gates) * n), dh.dtype)
    delta_z, delta_r, delta_reset = (*split(delta_zr, n), delta_h)[:3]
    along = (delta_zr, delta_z, delta_r, delta_h, delta_reset, dh[..., :-1, :, :], dh[..., 1:, :, :])
    given = (r, keep, to_z, to_r, to_h)
    for d_zr, d_z, d_r, d_h, d_reset, dh_t, dh_next, *each in walk(*along, *given, back=True):
        r_t, keep_t, to_z_t, to_r_t, to_h_t = each
        np.multiply(dh_next, to_h_t, out=d_h)
        np.multiply(dh_next, to_z_t, out=d_z)
        if form == "cho":
            through = product(d_h, U_h)
            through *= r_t
            np.multiply(through, to_r_t, out=d_r)
            dh_t += through
        else:
            np.multiply(d_h, r_t, out=d_reset)
            np.multiply(d_reset, to_r_t, out=d_r)
        dh_t += product(d_zr, U)
        dh_t += dh_next * keep_t
    return delta_h, delta_zr, dh


def backward(x: Array, w: Weights, s: States, dh: Array, form: Form = "cho") -> Weights:
    """∂L/∂W = Σ δ xᵀ, ∂L/∂U = Σ δ hᵀ and ∂L/∂b = Σ δ over tokens and sequences, in the shapes of w.

    What U_h met was r ⊙ h; in form "torch" the δ of U_h and c_h is δ_h ⊙ r. dh as in `deltas`.
    """
    delta_h, delta_zr = map(flat, side_by_side(w, s, dh, form)[:2])
    n, X, H, R = delta_h.shape[-1], beside_one(x), flat(turned(s["h_before"])), flat(turned(s["r"]))
    dW, dU = product(delta_zr[..., : 2 * n].mT, X), product(delta_zr.mT, H)
    into = {"z": dW[..., :n, :], "r": dW[..., n:, :], "h": product(delta_h.mT, X)}
    g = {f"W_{k}": v[..., :-1] for k, v in into.items()} | {f"b_{k}": v[..., -1] for k, v in into.items()}
    g |= {"U_z": dU[..., :n, :], "U_r": dU[..., n : 2 * n, :]}
    if form == "cho":
        return g | {"U_h": product(delta_h.mT, R * H)}
    return g | {"U_h": dU[..., 2 * n :, :], "c_h": summed(delta_zr[..., 2 * n :])}


class GRU(Recurrent):
    """A gated recurrent unit learns what to keep."""

    form: Form = param("cho", "whose gates: Cho's (z = 1 replaces) or PyTorch's (z = 1 keeps)", shape=True)
    gate_bias: float = param(
        2.0, "bias of the update gate before training, towards keeping", symbol="b", ge=-20, le=20
    )

    variables: ClassVar[dict[str, Variable]] = (
        Recurrent.variables
        | weights_of({"z": "update gate", "r": "reset gate", "h": "candidate"})
        | {
            "c_h": variable("step unit", "bias within the reset gate (form torch, else zero)", "c_h"),
            "z": variable("step sequence token unit", "update gate", "z"),
            "r": variable("step sequence token unit", "reset gate", "r"),
            "h_tilde": variable("step sequence token unit", "candidate for the new memory", "h̃"),
        }
    )

    @classmethod
    def solve(cls, p: Batch) -> dict[str, Array]:
        """Train p.size networks; `variables` says what is recorded."""
        towards_keeping = -p.gate_bias if p.form == "cho" else p.gate_bias
        biases = {"b_z": towards_keeping} | ({} if p.form == "cho" else {"c_h": np.zeros(p.size)})
        recorded = train(
            p,
            Cell(
                gates=("_z", "_r", "_h"),
                forward=lambda x, w: forward(x, w, p.form),
                backward=lambda x, w, s, dh: backward(x, w, s, dh, p.form),
                blame={"gradient_left": lambda w, s, dh: deltas(w, s, dh, p.form)["h"]},
                biases=biases,
            ),
        )
        return {"c_h": np.zeros_like(recorded["b_h"])} | recorded
