"""Measures of the space that attention works in: planes to draw it on, and how alike two matrices are."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def cosine(a: Array, b: Array) -> Array:
    """a·b / √(a·a b·b) over the last axis; exactly 1 for a vector with itself."""
    similarity: Array = (a * b).sum(-1) / np.sqrt((a * a).sum(-1) * (b * b).sum(-1))
    return similarity


def read_out_plane(U: Array) -> Array:
    """The plane in which the read-out U (..., d, 3) tells river, money and no clue apart; axes (..., 2, d).

    softmax(x U + b) depends on x only through the differences of the columns of U, which span this plane:
    nothing the read-out can see is lost in it. First axis: from river to money. Second, at right angles: from
    no clue to a clue. Orthonormal, so a drawing of x on it is the linear map x -> axes x.
    """
    along = U[..., 1] - U[..., 0]
    along = along / np.linalg.norm(along, axis=-1, keepdims=True)
    up = (U[..., 0] + U[..., 1]) / 2 - U[..., 2]
    up = up - (up * along).sum(-1, keepdims=True) * along
    return np.stack([along, up / np.linalg.norm(up, axis=-1, keepdims=True)], axis=-2)


def share_in_plane(x: Array, plane: Array) -> Array:
    """Share of the squared length of all vectors x (..., n, d) that lies in the plane (..., 2, d); (...)."""
    share: Array = ((x @ plane.swapaxes(-1, -2)) ** 2).sum((-1, -2)) / (x**2).sum((-1, -2))
    return share


def eigenvectors(M: Array) -> Array:
    """Unit eigenvectors x M = λ x of M (..., d, d), as rows (as words are), by falling |λ|."""
    values, vectors = np.linalg.eig(M.swapaxes(-1, -2))
    order = np.argsort(-np.abs(values), axis=-1, kind="stable")
    return np.take_along_axis(vectors.swapaxes(-1, -2), order[..., None], axis=-2)


def eigenvector_overlap(A: Array, B: Array) -> tuple[Array, Array]:
    """How alike the eigenvectors of two matrices (..., d, d) are, 0 to 1: the leading ones, and the others.

    Leading: |cosine| of the two of largest |λ|. Others: the largest |cosine| of each of A's with one of B's,
    and the other way round, averaged. Even random matrices overlap: see `random_overlap`.

    For W_Q and W_K the answer is no property of the attention: W_Q M and W_K M⁻ᵀ give the same scores for
    any invertible M, with quite other eigenvectors.
    """
    a, b = eigenvectors(A), eigenvectors(B)
    cosines = np.abs(a.conj() @ b.swapaxes(-1, -2))
    # a complex eigenvector and its conjugate lead together
    leading = np.maximum(cosines[..., 0, 0], np.abs((a[..., 0, :] * b[..., 0, :]).sum(-1)))
    rest = cosines[..., 1:, 1:]
    return leading, (rest.max(-1).mean(-1) + rest.max(-2).mean(-1)) / 2


def random_overlap(d: int, pairs: int = 1000, seed: int = 0) -> tuple[Array, Array]:
    """The baseline: `eigenvector_overlap` of random normal d x d matrices, each (pairs,)."""
    A, B = np.random.default_rng(seed).normal(size=(2, pairs, d, d))
    return eigenvector_overlap(A, B)
