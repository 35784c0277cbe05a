"""The attention layer: its equations and their gradients by hand. Words are rows; all else is batch."""

import math
from typing import NamedTuple

import numpy as np

from sims._layer import Array, alike, product, softmax


def scores(q: Array, k: Array) -> Array:
    """q kᵀ / √d: how alike each query (..., m, d) and each key (..., n, d) are; (..., m, n)."""
    return product(q * q.shape[-1] ** -0.5, k.mT)


def look(
    q: Array, k: Array, v: Array, mask: Array | None = None, out: Array | None = None
) -> tuple[Array, Array]:
    """softmax(q kᵀ / √d) v (Vaswani et al. 2017, eq. 1) and its weights.

    q: (..., m, d), k: (..., n, d), v: (..., n, c); mask: (..., m, n), True where a query may look.
    Returns (..., m, c), written to `out` where given, and (..., m, n). Raises ValueError for a query that may
    look nowhere.
    """
    z = scores(k, q)  # a query's in a column: its maximum and its sum are sooner taken than those of a row
    if mask is not None:
        if not mask.any(-1).all():
            raise ValueError("mask must let every query look at one key at least; got a row of only False")
        z = np.where(np.atleast_2d(mask).mT, z, -np.inf)
    weights = softmax(z, axis=-2, out=z).mT
    return product(weights, v, out), weights


def look_backward(
    d_out: Array, q: Array, k: Array, v: Array, weights: Array, out: Array
) -> tuple[Array, Array, Array]:
    """Gradients of q, k, v from that of the output of `look`, (..., m, c).

    ∂v = aᵀ ∂o,  ∂a = ∂o vᵀ,  ∂z = a ⊙ (∂a - Σ a ⊙ ∂a),  ∂q = ∂z k / √d,  ∂k = ∂zᵀ q / √d.
    A masked key has weight zero and so gets none. As Σ a ⊙ ∂a = ∂o · o, it is one more number beside ∂o, and
    ∂a - Σ a ⊙ ∂a = [∂o, ∂o · o] [v, -1]ᵀ is one product.
    """
    d_v = product(weights.mT, d_out, out=np.empty_like(v))  # with the heads side by side where v has them so
    summed_too = np.concatenate([d_out, ((d_out * out) @ alike(v.shape[-1], 1, v.dtype))[..., None]], -1)
    summed_too *= q.shape[-1] ** -0.5
    v_and_minus_one = np.concatenate([v, np.full_like(v[..., :1], -1)], -1)
    d_scores = product(v_and_minus_one, summed_too.mT).mT  # a query's in a column, as its weights are
    d_scores *= weights
    return product(d_scores, k, out=np.empty_like(q)), product(d_scores.mT, q, out=np.empty_like(k)), d_v


def project(X: Array, W: Array) -> Array:
    """X W for one matrix W (*B, d, c) shared by all rows of X (*B, ..., d); (*B, ..., c)."""
    rows = X.reshape(*W.shape[:-2], -1, X.shape[-1])
    return product(rows, W).reshape(*X.shape[:-1], W.shape[-1])


def project_backward(d_out: Array, X: Array, W: Array) -> tuple[Array, Array]:
    """Gradients of X and W of `project`: ∂X = ∂Y Wᵀ, ∂W = Xᵀ ∂Y summed over all rows."""
    batch = W.shape[:-2]
    rows, d_rows = X.reshape(*batch, -1, X.shape[-1]), d_out.reshape(*batch, -1, d_out.shape[-1])
    return project(d_out, W.mT), product(rows.mT, d_rows)


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
    blended = np.empty((*q.shape[:-3], q.shape[-2], W_V.shape[-1]), np.result_type(q, k, v))
    _, weights = look(q, k, v, mask, out=split(blended, heads))
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
    d_out, out = (split(d, parts.q.shape[-3]) for d in (d_blended, parts.blended))
    d_q, d_k, d_v = map(join, look_backward(d_out, parts.q, parts.k, parts.v, parts.weights, out))
    d_asking, grad["W_Q"] = project_backward(d_q, X if asking is None else asking, W_Q)
    grad["X"], grad["W_K"] = project_backward(d_k, X, W_K)
    d_X_v, grad["W_V"] = project_backward(d_v, X, W_V)
    grad["X"] += d_X_v
    if asking is None:
        grad["X"] += d_asking
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
    z = dots / math.sqrt(q.shape[-1])
    weights = softmax(z)
    arrows = weights[..., None] * v
    origin = (x if residual else np.zeros_like(x))[..., None, :]
    path = np.concatenate([origin, origin + arrows.cumsum(-2)], axis=-2)
    return Blend(q, k, v, dots, z, weights, arrows, path, path[..., -1, :])
