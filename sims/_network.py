"""Oscillators on a graph: its edges drawn, and the pulls along them by one sparse product.

    dθᵢ/dt = ωᵢ + K Σⱼ Aᵢⱼ sin(θⱼ - θᵢ - α) = ωᵢ + K Im[e^{-i(θᵢ + α)} (A e^{iθ})ᵢ]

A is any scipy.sparse array of weights (N, N), a researcher's own as well. With 1/N everywhere it is the mean
field; with 1/d on every edge, d the mean degree, K means the same on any graph.

On a ring, equal oscillators rest in twisted states θᵢ = 2πqi/N; with nearest neighbours those with |q| < N/4
are stable.

References: Wiley, Strogatz & Girvan 2006, Chaos 16, 015103; Watts & Strogatz 1998, Nature 393, 440.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

Array = NDArray[np.float64]
Edges = NDArray[np.int32]


def ring(n: int, degree: int) -> Edges:
    """Every oscillator joined to the degree/2 next on either side: N·degree/2 edges as rows (i, j), i < j."""
    i, apart = np.divmod(np.arange(n * degree // 2), degree // 2)
    return np.sort(np.stack([i, (i + apart + 1) % n], 1), axis=1).astype(np.int32)


def random(n: int, degree: int, rng: np.random.Generator) -> Edges:
    """N·degree/2 edges, drawn evenly from all pairs: the random graph G(N, M) of Erdős & Rényi."""
    pair = rng.choice(n * (n - 1) // 2, n * degree // 2, replace=False)
    # pairs i < j in the order 01, 02, 12, 03, …: j(j - 1)/2 come before those of j
    j = ((1 + np.sqrt(1 + 8 * pair)) / 2).astype(np.int64)
    j -= j * (j - 1) // 2 > pair
    return np.stack([pair - j * (j - 1) // 2, j], 1).astype(np.int32)


def rewired(edges: Edges, n: int, share: float, rng: np.random.Generator) -> Edges:
    """A share of the edges, picked at random, replaced by random pairs: from ring to small world to chance.

    The edges stay distinct and as many; share 1 is `random`.
    """
    kept = np.sort(rng.permutation(len(edges))[round(share * len(edges)) :])
    fresh = random(n, 2 * len(edges) // n, rng)
    new = fresh[~np.isin(_number(fresh, n), _number(edges[kept], n))]
    return np.concatenate([edges[kept], new[: len(edges) - len(kept)]])


def adjacency(edges: Edges, n: int) -> sparse.csr_array:
    """A (N, N): 1 in both directions of every edge, 0 elsewhere."""
    i, j = np.concatenate([edges, edges[:, ::-1]]).T
    A = sparse.coo_array((np.ones(len(i)), (i, j)), shape=(n, n)).tocsr()
    A.sort_indices()  # the sums of a row have one order
    return A


def field(theta: Array, A: sparse.sparray) -> NDArray[np.complex128]:
    """Wᵢ = Σⱼ Aᵢⱼ e^{iθⱼ}, what oscillator i sees of the others; theta and W: (..., N)."""
    z = np.exp(1j * theta).reshape(-1, theta.shape[-1])
    W: NDArray[np.complex128] = np.ascontiguousarray((A @ z.T).T).reshape(theta.shape)
    return W


def network_drift(theta: Array, omega: Array, K: Array, alpha: Array, A: sparse.sparray) -> Array:
    """dθᵢ/dt = ωᵢ + K Im[e^{-i(θᵢ + α)} (A e^{iθ})ᵢ], in rad/s; shapes as in `kuramoto.drift`."""
    flow: Array = omega + K * (np.exp(-1j * (theta + alpha)) * field(theta, A)).imag
    return flow


def network_energy(theta: Array, K: Array, A: sparse.sparray) -> Array:
    """E = -(K/2) Σᵢⱼ Aᵢⱼ cos(θⱼ - θᵢ), for symmetric A; theta (..., N), K (..., 1). Its slope is -drift."""
    E: Array = -K[..., 0] / 2 * (np.exp(-1j * theta) * field(theta, A)).real.sum(-1)
    return E


def _number(edges: Edges, n: int) -> NDArray[np.int64]:
    return edges[:, 0] * np.int64(n) + edges[:, 1]
