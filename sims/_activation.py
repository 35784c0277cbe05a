"""What squashes a sum into an activation or a share, for networks of every kind."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]  # float32 or float64; complex128 where a derivative is taken by complex step


def sigmoid(z: Array, out: Array | None = None) -> Array:
    """σ(z) = 1/(1 + e⁻ᶻ), written as (1 + tanh(z/2))/2: it can't overflow, and a complex step passes."""
    a: Array = np.multiply(z, 0.5, out=out)
    np.tanh(a, out=a)
    a += 1
    a *= 0.5
    return a


def softmax(z: Array, axis: int = -1, out: Array | None = None) -> Array:
    """e^{zᵢ} / Σⱼ e^{zⱼ} along `axis`: positive, sums to one. max z is taken off: no overflow."""
    e: Array = np.subtract(z, z.real.max(axis, keepdims=True), out=out)
    e = np.exp(e, out=out)
    e /= e.sum(axis, keepdims=True)
    return e
