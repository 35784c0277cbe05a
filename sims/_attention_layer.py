"""The attention layer: its equations and their gradients by hand. Words are rows; all else is batch."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def softmax(z: Array, axis: int = -1) -> Array:
    """e^{zᵢ} / Σⱼ e^{zⱼ} along `axis`: positive, sums to one. max z is taken off: no overflow."""
    e = np.exp(z - z.real.max(axis, keepdims=True))
    share: Array = e / e.sum(axis, keepdims=True)
    return share


def scores(q: Array, k: Array) -> Array:
    """q kᵀ / √d: how alike each query (..., m, d) and each key (..., n, d) are; (..., m, n)."""
    alike: Array = q @ k.swapaxes(-1, -2) / np.sqrt(q.shape[-1])
    return alike


def look(q: Array, k: Array, v: Array, mask: Array | None = None) -> tuple[Array, Array]:
    """softmax(q kᵀ / √d) v (Vaswani et al. 2017, eq. 1) and its weights.

    q: (..., m, d), k: (..., n, d), v: (..., n, c); mask: (..., m, n), True where a query may look.
    Returns (..., m, c) and (..., m, n). Raises ValueError for a query that may look nowhere.
    """
    z = scores(q, k)
    if mask is not None:
        if not mask.any(-1).all():
            raise ValueError("mask must let every query look at one key at least; got a row of only False")
        z = np.where(mask, z, -np.inf)
    weights = softmax(z)
    return weights @ v, weights


def look_backward(d_out: Array, q: Array, k: Array, v: Array, weights: Array) -> tuple[Array, Array, Array]:
    """Gradients of q, k, v from that of the output of `look`, (..., m, c).

    ∂v = aᵀ ∂o,  ∂a = ∂o vᵀ,  ∂z = a ⊙ (∂a - Σ a ⊙ ∂a),  ∂q = ∂z k / √d,  ∂k = ∂zᵀ q / √d.
    A masked key has weight zero and so gets none.
    """
    d_weights = d_out @ v.swapaxes(-1, -2)
    d_scores = weights * (d_weights - (weights * d_weights).sum(-1, keepdims=True)) / np.sqrt(q.shape[-1])
    return d_scores @ k, d_scores.swapaxes(-1, -2) @ q, weights.swapaxes(-1, -2) @ d_out


def project(X: Array, W: Array) -> Array:
    """X W for one matrix W (*B, d, c) shared by all rows of X (*B, ..., d); (*B, ..., c)."""
    rows = X.reshape(*W.shape[:-2], -1, X.shape[-1])
    projected: Array = (rows @ W).reshape(*X.shape[:-1], W.shape[-1])
    return projected


def project_backward(d_out: Array, X: Array, W: Array) -> tuple[Array, Array]:
    """Gradients of X and W of `project`: ∂X = ∂Y Wᵀ, ∂W = Xᵀ ∂Y summed over all rows."""
    batch = W.shape[:-2]
    rows, d_rows = X.reshape(*batch, -1, X.shape[-1]), d_out.reshape(*batch, -1, d_out.shape[-1])
    return project(d_out, W.swapaxes(-1, -2)), rows.swapaxes(-1, -2) @ d_rows


def split(x: Array, heads: int) -> Array:
    """(..., n, heads·c) -> (..., heads, n, c): head i owns the i-th block of columns."""
    return x.reshape(*x.shape[:-1], heads, -1).swapaxes(-2, -3)


def join(x: Array) -> Array:
    """(..., heads, n, c) -> (..., n, heads·c): the heads' outputs side by side."""
    x = x.swapaxes(-2, -3)
    return x.reshape(*x.shape[:-2], -1)


class Parts(NamedTuple):
    """All that attention computes on its way; h heads, m words that ask, n words that answer."""

    q: Array  # (..., h, m, d_k)
    k: Array  # (..., h, n, d_k)
    v: Array  # (..., h, n, d_v)
    weights: Array  # (..., h, m, n)
    blended: Array  # (..., m, h·d_v), the heads side by side
    output: Array  # (..., m, d), after W_O where there is one


def attention(
    X: Array,
    W_Q: Array,
    W_K: Array,
    W_V: Array,
    W_O: Array | None = None,
    heads: int = 1,
    mask: Array | None = None,
    asking: Array | None = None,
) -> Parts:
    """Multi-head attention of every word of X over all words of X, without residual.

    X: (*B, ..., n, d), one row per word; W_Q, W_K: (*B, d, heads·d_k), W_V: (*B, d, heads·d_v),
    W_O: (*B, heads·d_v, d) or None for the heads side by side; mask broadcasts to (*B, ..., heads, n, n),
    True where a query may look. `asking`: (*B, ..., m, d), the words that ask, where they are not all of X.
    Vaswani et al. 2017, section 3.2.2.
    """
    q = split(project(X if asking is None else asking, W_Q), heads)
    k, v = split(project(X, W_K), heads), split(project(X, W_V), heads)
    out, weights = look(q, k, v, mask)
    blended = join(out)
    return Parts(q, k, v, weights, blended, blended if W_O is None else project(blended, W_O))


def attention_backward(
    d_output: Array,
    parts: Parts,
    X: Array,
    W_Q: Array,
    W_K: Array,
    W_V: Array,
    W_O: Array | None = None,
    asking: Array | None = None,
) -> dict[str, Array]:
    """Gradients of X, W_Q, W_K, W_V (and W_O, asking if given) from that of `attention`'s output.

    Shapes as in `attention`; those of the matrices are summed over all sentences. Where `asking` is not
    given, the gradient of X holds both its ways into the output, as what asks and as what answers.
    """
    grad = {}
    d_blended = d_output
    if W_O is not None:
        d_blended, grad["W_O"] = project_backward(d_output, parts.blended, W_O)
    d_out = split(d_blended, parts.q.shape[-3])
    d_q, d_k, d_v = (join(d) for d in look_backward(d_out, parts.q, parts.k, parts.v, parts.weights))
    d_asking, grad["W_Q"] = project_backward(d_q, X if asking is None else asking, W_Q)
    d_X_k, grad["W_K"] = project_backward(d_k, X, W_K)
    d_X_v, grad["W_V"] = project_backward(d_v, X, W_V)
    grad["X"] = d_X_k + d_X_v
    if asking is None:
        grad["X"] = grad["X"] + d_asking
    else:
        grad["asking"] = d_asking
    return grad


class Blend(NamedTuple):
    """One word's step of attention in parts, each following from the one before; n words answer."""

    q: Array  # (..., d_k), what the word asks
    k: Array  # (..., n, d_k), what each word offers
    v: Array  # (..., n, d), what each word says
    dots: Array  # (..., n), q · kⱼ
    scores: Array  # (..., n), dots / √d_k
    weights: Array  # (..., n), softmax of the scores
    arrows: Array  # (..., n, d), aⱼ vⱼ
    path: Array  # (..., n + 1, d), the arrows added tip to tail, from where the sum starts to the output
    output: Array  # (..., d)


def blend(x: Array, X: Array, W_Q: Array, W_K: Array, W_V: Array, residual: bool = True) -> Blend:
    """Shift one word x (..., d) by the words X (..., n, d) around it: x′ = x + Σⱼ aⱼ vⱼ.

    Without the residual x′ = Σⱼ aⱼ vⱼ: the word is replaced by the blend, not moved. One head.
    W_Q, W_K: (..., d, d_k), W_V: (..., d, d).
    """
    q, k, v = (x[..., None, :] @ W_Q)[..., 0, :], X @ W_K, X @ W_V
    dots = (q[..., None, :] * k).sum(-1)
    z = dots / np.sqrt(q.shape[-1])
    weights = softmax(z)
    arrows = weights[..., None] * v
    origin = (x if residual else np.zeros_like(x))[..., None, :]
    path = np.concatenate([origin, origin + arrows.cumsum(-2)], axis=-2)
    return Blend(q, k, v, dots, z, weights, arrows, path, path[..., -1, :])
