"""PyTorch's answers, frozen as small files, so that the tests need no PyTorch.

Run it in an environment of its own, never in the project's:

    python -m venv torch-venv
    torch-venv/bin/pip install torch==2.13.0 numpy
    OMP_NUM_THREADS=1 torch-venv/bin/python tests/oracles/make_oracles.py [folder]

It writes optimisers.npz, mlp.npz, attention.npz and recurrent.npz beside itself (or into `folder`): float64
throughout, the same arrays every time. README.md lists their keys. Nothing of `sims` is imported.

Where torch can be imported, tests may also ask it live: `optimiser_path`, `mlp`, `attention` and `recurrent`
take numpy arrays and return torch's answers as numpy arrays, under the names the files use.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

Array = NDArray[Any]
Answers = dict[str, Array]
Surface = Callable[[Tensor], Tensor]


def tensor(values: ArrayLike, grad: bool = False) -> Tensor:
    """A float64 copy of `values`, a leaf of the graph if `grad`."""
    return torch.tensor(np.asarray(values), dtype=torch.float64, requires_grad=grad)


def array(values: Any) -> Array:
    return values.detach().numpy().copy()


# --- optimisers

BOWL = (1.0, 3.0, 10.0, 30.0, 100.0)


def rosenbrock(w: Tensor) -> Tensor:
    """f = (1 - x)^2 + 100 (y - x^2)^2, w = (x, y)."""
    x, y = w
    return (1 - x) ** 2 + 100 * (y - x**2) ** 2


def bowl(w: Tensor) -> Tensor:
    """f = 1/2 w^T diag(1, 3, 10, 30, 100) w."""
    return 0.5 * (tensor(BOWL) * w * w).sum()


SURFACES: dict[str, Surface] = {"rosenbrock": rosenbrock, "bowl": bowl}


# our name -> torch's class and the settings it is run with; whatever is not named is torch's default
OPTIMISERS: dict[str, tuple[type[torch.optim.Optimizer], dict[str, Any]]] = {
    "gd": (torch.optim.SGD, {}),
    "heavy_ball": (torch.optim.SGD, {"momentum": 0.9}),
    "nesterov": (torch.optim.SGD, {"momentum": 0.9, "nesterov": True}),
    "adagrad": (torch.optim.Adagrad, {"eps": 1e-8}),
    "rmsprop": (torch.optim.RMSprop, {"alpha": 0.99, "eps": 1e-8}),
    "adam": (torch.optim.Adam, {"betas": (0.9, 0.999), "eps": 1e-8}),
    "adamw": (torch.optim.AdamW, {"betas": (0.9, 0.999), "eps": 1e-8}),
}


def optimiser_path(
    optimiser: str,
    surface: str | Surface,
    start: ArrayLike,
    lr: float,
    weight_decay: float = 0.0,
    steps: int = 200,
    **settings: Any,
) -> Answers:
    """The walk of one of torch's optimisers down a surface.

    `surface` is a name in SURFACES or any function of a tensor (n,); `settings` (torch's names) replace those
    in OPTIMISERS. Returns path (steps + 1, n), loss (steps + 1,) and grad, its gradient without weight decay.
    """
    f = SURFACES[surface] if isinstance(surface, str) else surface
    make_optimiser, usual = OPTIMISERS[optimiser]
    w = tensor(start, grad=True)
    walker = make_optimiser([w], lr=lr, weight_decay=weight_decay, **(usual | settings))  # type: ignore[call-arg]
    kept = []
    for _ in range(steps + 1):
        walker.zero_grad()
        loss = f(w)
        loss.backward()
        kept.append((array(w), array(loss), array(w.grad)))
        walker.step()
    return {name: np.array(values) for name, values in zip(("path", "loss", "grad"), zip(*kept), strict=True)}


# run -> (optimiser, lr on rosenbrock, lr on bowl, weight decay); with these rates 2e-15 at the start is still
# less than 1e-14 after 200 steps, so to ask for 1e-10 is to ask for the same equations, not the same rounding
RUNS = {
    "gd": ("gd", 1e-3, 0.015, 0.0),
    "heavy_ball": ("heavy_ball", 2e-4, 0.01, 0.0),
    "nesterov": ("nesterov", 2e-4, 0.005, 0.0),
    "adagrad": ("adagrad", 0.1, 0.2, 0.0),
    "rmsprop": ("rmsprop", 2e-3, 5e-3, 0.0),
    "adam": ("adam", 0.02, 0.1, 0.0),
    "adamw": ("adamw", 0.02, 0.1, 0.0),
    "gd_decay": ("gd", 1e-3, 0.015, 0.01),
    "adam_decay": ("adam", 0.02, 0.1, 0.01),
    "adamw_decay": ("adamw", 0.02, 0.1, 0.01),
}


def all_optimisers(seed: int) -> Answers:
    starts = {"rosenbrock": np.array([-1.2, 1.0]), "bowl": np.random.default_rng(seed).normal(size=len(BOWL))}
    out: Answers = {"bowl/eigenvalues": np.array(BOWL)}
    for run, (optimiser, lr_rosenbrock, lr_bowl, weight_decay) in RUNS.items():
        for surface, lr in (("rosenbrock", lr_rosenbrock), ("bowl", lr_bowl)):
            given = {"start": starts[surface], "lr": lr, "weight_decay": weight_decay}
            stored = {"optimiser": optimiser, **OPTIMISERS[optimiser][1], **given}
            stored |= optimiser_path(optimiser, surface, **given)
            out |= {f"{run}/{surface}/{key}": np.array(value) for key, value in stored.items()}
    return out


# --- mlp

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "relu": torch.relu,
    "identity": lambda z: z * 1.0,
    "softmax": lambda z: torch.softmax(z, dim=-1),
}


def mlp(
    weights: Sequence[ArrayLike],
    biases: Sequence[ArrayLike],
    X: ArrayLike,
    Y: ArrayLike,
    hidden: str,
    output: str,
    loss: str,
) -> Answers:
    """Every layer's z, a, delta and gradient of a multilayer perceptron, by autograd.

    z_l = a_{l-1} W_l^T + b_l, a_l = activation(z_l); a_0 = X (samples, n_in), W_l (n_l, n_{l-1}), b_l (n_l,).
    loss "squared": mean over samples of 1/2 sum_k (a - y)^2; "cross_entropy": mean over samples of
    -sum_k y ln softmax(z)_k, output must be "softmax". Returns loss, dX and per layer z_l, a_l,
    delta_l = dL/dz_l (samples, n_l), dW_l, db_l.
    """
    if (loss == "cross_entropy") != (output == "softmax"):
        raise ValueError(f"cross_entropy and softmax go together; got {loss!r} and {output!r}")
    W, b = [tensor(w, grad=True) for w in weights], [tensor(v, grad=True) for v in biases]
    a = x = tensor(X, grad=True)
    y, kept = tensor(Y), []
    for W_l, b_l, activation in zip(W, b, [hidden] * (len(W) - 1) + [output], strict=True):
        z = F.linear(a, W_l, b_l)
        a = ACTIVATIONS[activation](z)
        z.retain_grad()
        kept.append((z, a))
    if loss == "cross_entropy":
        L = F.cross_entropy(kept[-1][0], y)
    else:
        L = 0.5 * F.mse_loss(a, y, reduction="sum") / len(x)
    L.backward()
    out = {"loss": L, "dX": x.grad}
    for l, (z, a) in enumerate(kept, start=1):
        out |= {f"z_{l}": z, f"a_{l}": a, f"delta_{l}": z.grad}
        out |= {f"dW_{l}": W[l - 1].grad, f"db_{l}": b[l - 1].grad}
    return {name: array(value) for name, value in out.items()}


# name -> (sizes, hidden activation, output activation, loss)
NETWORKS = {
    "tanh_2_3_1": ((2, 3, 1), "tanh", "tanh", "squared"),
    "tanh_identity_2_3_1": ((2, 3, 1), "tanh", "identity", "squared"),
    "sigmoid_4_6_3": ((4, 6, 3), "sigmoid", "sigmoid", "squared"),
    "tanh_identity_4_6_3": ((4, 6, 3), "tanh", "identity", "squared"),
    "tanh_identity_3_7_5_2": ((3, 7, 5, 2), "tanh", "identity", "squared"),
    "relu_softmax_5_8_8_4": ((5, 8, 8, 4), "relu", "softmax", "cross_entropy"),
    "tanh_softmax_5_8_8_4": ((5, 8, 8, 4), "tanh", "softmax", "cross_entropy"),
}


def all_networks(seed: int, samples: int = 7) -> Answers:
    out: Answers = {}
    for i, (name, (sizes, hidden, output, loss)) in enumerate(NETWORKS.items()):
        rng = np.random.default_rng([seed, i])
        weights = [rng.normal(size=(m, n)) / np.sqrt(n) for n, m in pairwise(sizes)]
        biases = [0.5 * rng.normal(size=m) for m in sizes[1:]]
        X = rng.normal(size=(samples, sizes[0]))
        if loss == "cross_entropy":
            Y = np.eye(sizes[-1])[rng.integers(sizes[-1], size=samples)]
        else:
            Y = rng.uniform(0.0, 1.0, size=(samples, sizes[-1]))
        stored: dict[str, Any] = {"sizes": sizes, "hidden": hidden, "output": output, "loss_kind": loss}
        stored |= {f"W_{l}": w for l, w in enumerate(weights, start=1)}
        stored |= {f"b_{l}": v for l, v in enumerate(biases, start=1)}
        stored |= {"X": X, "Y": Y} | mlp(weights, biases, X, Y, hidden, output, loss)
        out |= {f"{name}/{key}": np.array(value) for key, value in stored.items()}
    return out


# --- attention


def attention(
    X: ArrayLike,
    W_Q: ArrayLike,
    W_K: ArrayLike,
    W_V: ArrayLike,
    G: ArrayLike,
    heads: int = 1,
    causal: bool = False,
) -> Answers:
    """`F.scaled_dot_product_attention` on Q = X W_Q, K = X W_K, V = X W_V, and its gradients by autograd.

    X (sentences, tokens, d), W_Q and W_K (d, heads * d_k), W_V (d, heads * d_v); head i owns the i-th block
    of columns; scores are divided by sqrt(d_k); outputs of the heads are laid side by side, no W_O.
    Returns q, k, v (sentences, heads, tokens, .), weights (sentences, heads, query, key),
    output (sentences, tokens, heads * d_v), loss = sum(output * G) and dX, dW_Q, dW_K, dW_V.
    """
    leaves = [tensor(given, grad=True) for given in (X, W_Q, W_K, W_V)]
    x = leaves[0]
    q, k, v = ((x @ W).unflatten(-1, (heads, -1)).transpose(1, 2) for W in leaves[1:])
    output = F.scaled_dot_product_attention(q, k, v, is_causal=causal).transpose(1, 2).flatten(2)
    # torch does not hand out its weights, but blending the unit vectors shows them
    eye = torch.eye(x.shape[1], dtype=torch.float64).expand(*k.shape[:2], -1, -1)
    weights = F.scaled_dot_product_attention(q, k, eye, is_causal=causal)
    loss = (output * tensor(G)).sum()
    loss.backward()
    kept = {"q": q, "k": k, "v": v, "weights": weights, "output": output, "loss": loss}
    kept |= zip(("dX", "dW_Q", "dW_K", "dW_V"), (leaf.grad for leaf in leaves), strict=True)
    return {name: array(value) for name, value in kept.items()}


# name -> (heads, d_k, d_v, causal)
ATTENTIONS = {
    "one_head": (1, 8, 8, False),
    "one_head_causal": (1, 8, 8, True),
    "two_heads": (2, 4, 4, False),
    "two_heads_causal": (2, 4, 4, True),
    "four_heads": (4, 2, 2, False),
    "four_heads_causal": (4, 2, 2, True),
    "oblong": (1, 4, 6, False),
}


def all_attentions(seed: int, sentences: int = 3, tokens: int = 6, d: int = 8) -> Answers:
    out: Answers = {}
    for i, (name, (heads, d_k, d_v, causal)) in enumerate(ATTENTIONS.items()):
        rng = np.random.default_rng([seed, i])
        given = {"X": rng.normal(size=(sentences, tokens, d))}
        for matrix, columns in (("W_Q", heads * d_k), ("W_K", heads * d_k), ("W_V", heads * d_v)):
            given[matrix] = rng.normal(size=(d, columns)) / np.sqrt(d)
        given["G"] = rng.normal(size=(sentences, tokens, heads * d_v))
        stored = {"heads": heads, "causal": causal, **given}
        stored |= attention(**given, heads=heads, causal=causal)
        out |= {f"{name}/{key}": np.array(value) for key, value in stored.items()}
    return out


# --- recurrent

Leaves = Mapping[str, Tensor]
TORCH_CELLS = {"rnn": torch.nn.RNN, "lstm": torch.nn.LSTM, "gru": torch.nn.GRU}


def run_torch(cell: str, p: Leaves, x: Tensor, h: Tensor, c: Tensor | None) -> tuple[Tensor, Tensor | None]:
    """h after every token (and c for the LSTM) by torch.nn; x (sequences, tokens, features)."""
    net = TORCH_CELLS[cell](x.shape[-1], h.shape[-1], batch_first=True, dtype=torch.float64)
    named = {f"{name}_l0": value for name, value in p.items()}
    if cell != "lstm":
        h_all, _ = torch.func.functional_call(net, named, (x, h[None]))
        return h_all, None
    h_all, _ = torch.func.functional_call(net, named, (x, (h[None], c[None])))
    # torch.nn.LSTM tells only the last c: step the cell with the same weights for the others
    step, cells = torch.nn.LSTMCell(x.shape[-1], h.shape[-1], dtype=torch.float64), []
    for t in range(x.shape[1]):
        h, c = torch.func.functional_call(step, dict(p), (x[:, t], (h, c)))
        cells.append(c)
    return h_all, torch.stack(cells, dim=1)


def run_cho(p: Leaves, x: Tensor, h: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
    """The GRU of Cho et al. 2014: reset before the product, z = 1 replaces. Returns h_all and z, r, h_tilde.

    z = sigma(W_z x + U_z h + b_z), r = sigma(W_r x + U_r h + b_r), h_tilde = tanh(W x + U (r * h) + b),
    h' = (1 - z) h + z h_tilde; W. (hidden, features), U. (hidden, hidden), b. (hidden,).
    """
    kept = []
    for x_t in x.unbind(dim=1):
        z = torch.sigmoid(x_t @ p["W_z"].T + h @ p["U_z"].T + p["b_z"])
        r = torch.sigmoid(x_t @ p["W_r"].T + h @ p["U_r"].T + p["b_r"])
        h_tilde = torch.tanh(x_t @ p["W"].T + (r * h) @ p["U"].T + p["b"])
        h = (1 - z) * h + z * h_tilde
        kept.append((h, z, r, h_tilde))
    h_all, *gates = (torch.stack(values, dim=1) for values in zip(*kept, strict=True))
    return h_all, dict(zip(("z", "r", "h_tilde"), gates, strict=True))


def jacobians(cell: str, p: Leaves, x: Tensor, states: Tensor) -> Array:
    """d state_T / d state_t, t = 0 ... T, of one sequence, by `torch.autograd.functional.jacobian`.

    x (tokens, features); states (T + 1, n) are h, or h and c side by side for the LSTM, whose h_t and c_t are
    varied one at a time. Returns (T + 1, n, n), a row for each entry of the last state; [T] is the identity.
    """
    hidden, out = states.shape[1] // (2 if cell == "lstm" else 1), []
    for t in range(len(x)):

        def last(state: Tensor, later: Tensor = x[None, t:]) -> Tensor:
            if cell == "cho":
                return run_cho(p, later, state[None])[0][0, -1]
            h_all, c_all = run_torch(cell, p, later, state[None, :hidden], state[None, hidden:])
            return h_all[0, -1] if c_all is None else torch.cat([h_all[0, -1], c_all[0, -1]])

        out.append(array(torch.autograd.functional.jacobian(last, states[t])))
    return np.array([*out, np.eye(states.shape[1])])


def recurrent(
    cell: str,
    weights: Mapping[str, ArrayLike],
    x: ArrayLike,
    G: ArrayLike,
    h_0: ArrayLike,
    c_0: ArrayLike | None = None,
    jacobian_of: int = 0,
) -> Answers:
    """States, gradients and Jacobians of a recurrent cell: "rnn" (tanh), "lstm", "gru" (torch's) or "cho".

    weights: weight_ih, weight_hh, bias_ih, bias_hh in torch's layout; for "cho" those that `run_cho` names.
    x (sequences, tokens, features), h_0, c_0 (sequences, hidden), G like h_all (sequences, tokens, hidden).
    Returns h_all, for the LSTM c_all, for "cho" the gates; loss = sum(h_all * G) and d<name> of every weight,
    of x, h_0, c_0; jacobian[t] = d h_T / d h_t of sequence `jacobian_of`, (tokens + 1, hidden, hidden), its
    spectral_norm, frobenius_norm; for the LSTM that is with c_t held, and state_jacobian has all of (h, c).
    """
    given = {**weights, "x": x, "h_0": h_0} | ({} if c_0 is None else {"c_0": c_0})
    leaves = {name: tensor(value, grad=True) for name, value in given.items()}
    p, s = {name: leaves[name] for name in weights}, jacobian_of
    if cell == "cho":
        h_all, more = run_cho(p, leaves["x"], leaves["h_0"])
    else:
        h_all, c_all = run_torch(cell, p, leaves["x"], leaves["h_0"], leaves.get("c_0"))
        more = {} if c_all is None else {"c_all": c_all}
    loss = (h_all * tensor(G)).sum()
    loss.backward()
    out = {name: array(value) for name, value in {"h_all": h_all, "loss": loss, **more}.items()}
    out |= {f"d{name}": array(leaf.grad) for name, leaf in leaves.items()}

    states = torch.cat([leaves["h_0"][s : s + 1], h_all[s]])
    if cell == "lstm":
        states = torch.cat([states, torch.cat([leaves["c_0"][s : s + 1], more["c_all"][s]])], dim=1)
    fixed = {name: value.detach() for name, value in p.items()}
    J = jacobians(cell, fixed, leaves["x"].detach()[s], states.detach())
    if cell == "lstm":
        out["state_jacobian"] = J
    J = J[:, : h_all.shape[-1], : h_all.shape[-1]]
    spectral, frobenius = (array(torch.linalg.matrix_norm(tensor(J), order)) for order in (2, "fro"))
    return out | {"jacobian": J, "spectral_norm": spectral, "frobenius_norm": frobenius}


def cell_shapes(cell: str, n: int, hidden: int) -> dict[str, tuple[int, ...]]:
    """Shapes of a cell's weights for n features."""
    if cell == "cho":
        kinds = {"W": (hidden, n), "U": (hidden, hidden), "b": (hidden,)}
        return {kind + gate: shape for gate in ("_z", "_r", "") for kind, shape in kinds.items()}
    rows = {"rnn": 1, "lstm": 4, "gru": 3}[cell] * hidden
    return {"weight_ih": (rows, n), "weight_hh": (rows, hidden), "bias_ih": (rows,), "bias_hh": (rows,)}


def all_cells(seed: int, sequences: int = 3, tokens: int = 7, features: int = 4, hidden: int = 5) -> Answers:
    out: Answers = {}
    for i, cell in enumerate(("rnn", "lstm", "gru", "cho")):
        rng = np.random.default_rng([seed, i])
        shapes = cell_shapes(cell, features, hidden)
        weights = {name: rng.uniform(-0.8, 0.8, size=shape) for name, shape in shapes.items()}
        given = {"x": rng.normal(size=(sequences, tokens, features))}
        given["G"] = rng.normal(size=(sequences, tokens, hidden))
        given["h_0"] = 0.5 * rng.normal(size=(sequences, hidden))
        if cell == "lstm":
            given["c_0"] = 0.5 * rng.normal(size=(sequences, hidden))
        stored = weights | given | recurrent(cell, weights, **given)
        out |= {f"{cell}/{key}": value for key, value in stored.items()}
    return out


# file -> (what makes its answers, seed of its inputs)
FILES: dict[str, tuple[Callable[[int], Answers], int]] = {
    "optimisers": (all_optimisers, 1),
    "mlp": (all_networks, 2),
    "attention": (all_attentions, 3),
    "recurrent": (all_cells, 4),
}


def make(name: str) -> Answers:
    """All arrays of one file, without writing it."""
    answers, seed = FILES[name]
    versions = {"torch_version": np.array(str(torch.__version__)), "numpy_version": np.array(np.__version__)}
    return versions | {"seeds": np.array([seed])} | answers(seed)


def main(folder: Path) -> None:
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    for name in FILES:
        np.savez_compressed(folder / f"{name}.npz", **make(name))
        print(folder / f"{name}.npz")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent)
