"""What layers of every kind compute with: products, sums over samples, and what squashes them.

Numbers keep their precision: of float32 comes float32, of complex128, where a derivative is taken by complex
step, complex128.
"""

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sims import _heap  # noqa: F401 (its import is what counts)

Array = NDArray[Any]

LITTLE = 100**3  # multiplications up to which OpenBLAS, on recent processors, has kernels that pack nothing


def product(A: Array, B: Array, out: Array | None = None) -> Array:
    """A B, or many of them side by side: (..., m, k), (..., k, n) -> (..., m, n).

    One of little work is left to A.dot, whose call takes half as long as np.matmul's; a column times a row to
    einsum, as BLAS has no such product. Where the rows of B lie apart, and it is small for its use, it is put
    in order. What is up to eight times too much for OpenBLAS's quickest kernels is done in two, four or eight
    pieces, so many rows of A at a time.
    """
    C: Array
    if A.ndim == B.ndim == 2 and A.size * B.shape[1] <= LITTLE and (out is None or out.flags.c_contiguous):
        C = A.dot(B, out)
        return C
    m, k, n = *A.shape[-2:], B.shape[-1]
    if k == 1:
        C = np.einsum("...i,...j->...ij", A[..., 0], B[..., 0, :], out=out)
        return C
    work = m * k * n
    if B.strides[-1] != B.itemsize and (k * n <= m or (m > 100 and work > LITTLE)):
        B = np.ascontiguousarray(B)
    pieces = 2 if work <= 2 * LITTLE else 4 if work <= 4 * LITTLE else 8
    if work <= LITTLE or work > 8 * LITTLE or m % pieces:
        C = np.matmul(A, B, out=out)
        return C
    A, B = A.reshape(*A.shape[:-2], pieces, m // pieces, k), B[..., None, :, :]
    if out is not None:
        out = out.reshape(*out.shape[:-2], pieces, m // pieces, n)
    C = np.matmul(A, B, out=out, order="C")
    return C.reshape(*C.shape[:-3], m, n)


@cache
def alike(n: int, value: float, dtype: Any) -> Array:
    """n times the same number, not to be written to."""
    return np.full(n, value, dtype)


def summed(A: Array, out: Array | None = None, share: float = 1.0) -> Array:
    """The sum of the rows of A (..., row, column), or a share of it: (..., column).

    A row of ones times A is sooner done than A.sum.
    """
    row = alike(A.shape[-2], share, A.dtype)
    total: Array = row.dot(A, out) if A.ndim == 2 else np.matmul(row, A, out=out)
    return total


def sigmoid(z: Array, out: Array | None = None) -> Array:
    """σ(z) = 1/(1 + e⁻ᶻ), written as (1 + tanh(z/2))/2: it can't overflow, and a complex step passes."""
    a: Array = np.asarray(np.multiply(z, 0.5, out=out))  # numpy gives one number back as no array
    np.tanh(a, out=a)
    a += 1
    a *= 0.5
    return a


def softmax(z: Array, axis: int = -1, out: Array | None = None) -> Array:
    """e^{zᵢ} / Σⱼ e^{zⱼ} along `axis`: positive, sums to one.

    Where any z is beyond ±60, max z is taken off first: no overflow, not in float32 either. `out`, where
    given, is written over; it may be z.
    """
    if not -60 < z.real.min() <= z.real.max() < 60:
        z = np.subtract(z, z.real.max(axis, keepdims=True), out=out)
    e: Array = np.exp(z, out=out)
    e *= 1 / (summed(e)[..., None, :] if axis == -2 else e.sum(axis, keepdims=True))
    return e
