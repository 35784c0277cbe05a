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
    a = drive(x, w, ("_z", "_r", "_h"))
    h = memory(a, h_0)
    U_z, U_r, U_h = (transposed(w[k]) for k in ("U_z", "U_r", "U_h"))
    c_h = w["c_h"][..., None, :] if form == "torch" else None
    states = {k: a[..., i, :, :] for i, k in enumerate(("z", "r", "h_tilde"))}
    states |= {"h": h[..., 1:, :, :], "h_before": h[..., :-1, :, :]}
    states["reset_before"] = states["h_before"] if c_h is None else np.empty_like(states["h"])
    each = zip(walk(a[..., :2, :, :], gates=True), *(walk(v) for v in states.values()))
    for zr_t, z_t, r_t, h_tilde_t, h_next, h_t, reset_t in each:
        z_t += product(h_t, U_z)
        r_t += product(h_t, U_r)
        sigmoid(zr_t, out=zr_t)
        if c_h is None:
            h_tilde_t += product(r_t * h_t, U_h)
        else:
            np.add(product(h_t, U_h), c_h, out=reset_t)
            h_tilde_t += r_t * reset_t
        np.tanh(h_tilde_t, out=h_tilde_t)
        old, new = (h_t, h_tilde_t) if c_h is None else (h_tilde_t, h_t)
        np.subtract(new, old, out=h_next)
        h_next *= z_t
        h_next += old
    return {k: turned(v) for k, v in states.items()}


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
    z, r, h_tilde, h, to_r = (turned(s[k]) for k in ("z", "r", "h_tilde", "h_before", "reset_before"))
    keep, to_h, to_z = (1 - z, z, h_tilde - h) if form == "cho" else (z, 1 - z, h - h_tilde)
    to_h, to_z, to_r = to_h * (1 - h_tilde**2), to_z * z * (1 - z), to_r * r * (1 - r)
    dh = total(dh, h)
    d = {k: np.empty_like(dh[..., 1:, :, :]) for k in ("z", "r", "h_tilde")}
    along = (*d.values(), dh[..., :-1, :, :], dh[..., 1:, :, :], r, keep, to_z, to_r, to_h)
    each = zip(*(walk(v)[::-1] for v in along))
    for delta_z, delta_r, delta_h, dh_t, dh_next, r_t, keep_t, to_z_t, to_r_t, to_h_t in each:
        np.multiply(dh_next, to_h_t, out=delta_h)
        np.multiply(dh_next, to_z_t, out=delta_z)
        if form == "cho":
            through = product(delta_h, w["U_h"])
            np.multiply(through, to_r_t, out=delta_r)
            through *= r_t
        else:
            np.multiply(delta_h, to_r_t, out=delta_r)
            through = product(delta_h * r_t, w["U_h"])
        dh_t += dh_next * keep_t
        dh_t += through
        dh_t += product(delta_z, w["U_z"])
        dh_t += product(delta_r, w["U_r"])
    return {k: turned(v) for k, v in (d | {"h": dh[..., 1:, :, :]}).items()} | {"h_0": dh[..., 0, :, :]}


def backward(x: Array, w: Weights, s: States, dh: Array, form: Form = "cho") -> Weights:
    """∂L/∂W = Σ δ xᵀ, ∂L/∂U = Σ δ hᵀ and ∂L/∂b = Σ δ over tokens and sequences, in the shapes of w.

    What U_h met was r ⊙ h; in form "torch" the δ of U_h and c_h is δ_h ⊙ r. dh as in `deltas`.
    """
    d = {k: flat(turned(v)) for k, v in deltas(w, s, dh, form).items() if k in ("z", "r", "h_tilde")}
    X, H, R = (flat(turned(v)) for v in (x, s["h_before"], s["r"]))
    g = {}
    for k, delta in (("z", d["z"]), ("r", d["r"]), ("h", d["h_tilde"])):
        g[f"W_{k}"], g[f"U_{k}"], g[f"b_{k}"] = product(delta.mT, X), product(delta.mT, H), summed(delta)
    if form == "cho":
        g["U_h"] = product(delta.mT, R * H)
    else:
        g["U_h"], g["c_h"] = product((delta * R).mT, H), summed(delta * R)
    return g


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
