"""The learners' steps as lecture notes have them: numpy, an array for whatever is written, gate by gate."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sims.backprop import flat, layers

Array = NDArray[Any]
Given = Mapping[str, Array]
Learner = tuple[Callable[[], None], Callable[[], Given]]  # a step, and what came of the last


def network(sizes: tuple[int, ...], eta: float, given: Given) -> Learner:
    """Two layers, tanh; then ½ of the squared error, or softmax and cross-entropy."""
    W, b = layers(given["w"].copy(), sizes)
    (W1, W2), (b1, b2) = W.values(), b.values()
    x, y = given["x"], given["y"]

    def work() -> None:
        a1 = np.tanh(x @ W1.T + b1)
        a2 = a1 @ W2.T + b2
        if sizes[-1] > 1:
            a2 = np.exp(a2 - np.max(a2, axis=1, keepdims=True))
            a2 = a2 / np.sum(a2, axis=1, keepdims=True)
        delta2 = (a2 - y) / len(x)
        delta1 = delta2 @ W2 * (1 - a1**2)
        W2[:] -= eta * delta2.T @ a1
        b2[:] -= eta * np.sum(delta2, axis=0)
        W1[:] -= eta * delta1.T @ x
        b1[:] -= eta * np.sum(delta1, axis=0)

    return work, lambda: {"w": flat(W, b)}


def networks(sizes: tuple[int, ...], eta: float, given: Given) -> Learner:
    """One network after another."""
    each = [network(sizes, eta, dict(zip(given, values))) for values in zip(*given.values())]

    def work() -> None:
        for once, _ in each:
            once()

    return work, lambda: {"w": np.stack([answer()["w"] for _, answer in each])}


def sigmoid(z: Array) -> Array:
    return 1 / (1 + np.exp(-z))


def memory(given: Given) -> Learner:
    """A GRU as PyTorch has it, z = 1 keeps, from token to token and back."""
    x, dh, w = given["x"], given["dh"], given
    kept: dict[str, Array] = {}

    def work() -> None:
        h, steps = np.zeros_like(dh[:, 0]), []
        for t in range(x.shape[1]):
            z = sigmoid(x[:, t] @ w["W_z"].T + h @ w["U_z"].T + w["b_z"])
            r = sigmoid(x[:, t] @ w["W_r"].T + h @ w["U_r"].T + w["b_r"])
            p = h @ w["U_h"].T + w["c_h"]
            h_tilde = np.tanh(x[:, t] @ w["W_h"].T + w["b_h"] + r * p)
            before, h = h, (1 - z) * h_tilde + z * h
            steps.append((before, z, r, p, h_tilde, h))
        kept.clear()
        kept.update({k: np.zeros_like(v) for k, v in w.items() if k not in ("x", "dh")})
        kept["h"] = np.stack([step[-1] for step in steps], 1)
        blame = np.zeros_like(h)
        for t in reversed(range(x.shape[1])):
            h, z, r, p, h_tilde, _ = steps[t]
            blame = blame + dh[:, t]
            delta = {"h": blame * (1 - z) * (1 - h_tilde**2), "z": blame * (h - h_tilde) * z * (1 - z)}
            delta["r"] = delta["h"] * p * r * (1 - r)
            into_p = delta["h"] * r
            for k, d in delta.items():
                kept[f"W_{k}"] += d.T @ x[:, t]
                kept[f"U_{k}"] += (into_p if k == "h" else d).T @ h
                kept[f"b_{k}"] += np.sum(d, axis=0)
            kept["c_h"] += np.sum(into_p, axis=0)
            blame = blame * z + delta["z"] @ w["U_z"] + delta["r"] @ w["U_r"] + into_p @ w["U_h"]

    return work, lambda: kept


def attention(heads: int, given: Given) -> Learner:
    """softmax(Q Kᵀ / √d) V of each head, of one sentence."""
    X, G, W_Q, W_K, W_V, W_O = (given[k] for k in ("X", "G", "W_Q", "W_K", "W_V", "W_O"))
    X, G, kept = X[0], G[0], {}

    def work() -> None:
        Q, K, V = X @ W_Q, X @ W_K, X @ W_V
        blended, weights, own = np.zeros_like(Q), [], np.split(np.arange(Q.shape[1]), heads)
        root = np.sqrt(len(own[0])).astype(X.dtype)
        for i in own:
            scores = Q[:, i] @ K[:, i].T / root
            e = np.exp(scores - np.max(scores, axis=1, keepdims=True))
            weights.append(e / np.sum(e, axis=1, keepdims=True))
            blended[:, i] = weights[-1] @ V[:, i]
        d_blended = G @ W_O.T
        dQ, dK, dV = np.zeros_like(Q), np.zeros_like(K), np.zeros_like(V)
        for a, i in zip(weights, own):
            da = d_blended[:, i] @ V[:, i].T
            dz = a * (da - np.sum(a * da, axis=1, keepdims=True)) / root
            dQ[:, i], dK[:, i], dV[:, i] = dz @ K[:, i], dz.T @ Q[:, i], a.T @ d_blended[:, i]
        kept["output"] = (blended @ W_O)[None]
        kept["X"] = (dQ @ W_Q.T + dK @ W_K.T + dV @ W_V.T)[None]
        kept.update(W_Q=X.T @ dQ, W_K=X.T @ dK, W_V=X.T @ dV, W_O=blended.T @ G)

    return work, lambda: kept
