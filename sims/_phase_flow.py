"""The drift of phase oscillators in place, for the integrators of `_integrate`, without a call of sin or cos.

With the field W = K e^{-iα} r e^{iψ} + κ e^{iθ*}, or Wᵢ = (K/d) e^{-iα} (A e^{iθ})ᵢ + κ e^{iθ*} on a network,
drift and pinning are one: dθᵢ/dt = ωᵢ + Im(W e^{-iθᵢ}). The state is the half angle φ = θ/2, which is all
that sin θ and cos θ are made of.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from sims._integrate import CACHED, aligned, empty
from sims._network import Edges, adjacency

Array = NDArray[np.float64]


def sin_cos(theta: Array) -> tuple[Array, Array]:
    """Sine and cosine by the half angle: t = tan(θ/2), d = 2/(1 + t²), sin θ = t d, cos θ = d - 1.

    numpy's float64 tan is vectorised, its sin and cos are not: 4 to 8 times faster, within 4e-16.
    """
    t = np.tan(theta / 2)
    d = 2 / (1 + t * t)
    return t * d, d - 1


def sin_cos_of_half(phi: Array, t: Array, s: Array, c: Array) -> None:
    """s = sin 2φ and c = cos 2φ; t is room for tan φ."""
    np.tan(phi, t)
    np.multiply(t, t, c)
    np.add(c, 1.0, c)
    np.divide(2.0, c, c)
    np.multiply(t, c, s)
    np.subtract(c, 1.0, c)


class MeanField:
    """h dφ/dt of oscillators that all see the same field; omega (B, N), all else (B, 1).

    h Im(W e^{-iθ})/2 = a cos θ + b sin θ, (a, b) = h/2 (Im W, -Re W): one pair for each member, made of the
    sums of the sines and cosines as a rotation by α, a stretch by K/N and a shift by the pinning.

    Sums and products go through einsum: the same bytes wherever a member lies, and quicker over many members
    than reducing and broadcasting, which begin anew for each.
    """

    def __init__(self, omega: Array, K: Array, alpha: Array, kappa: Array, target: Array) -> None:
        B, n = omega.shape
        K, alpha, kappa, target = (v[:, 0] for v in (K, alpha, kappa, target))
        self.omega = omega
        self.straight = np.array([K, -K]) * np.cos(alpha) / n
        self.across = np.array([-K, -K]) * np.sin(alpha) / n
        self.pin = np.array([kappa * np.sin(target), -kappa * np.cos(target)])
        self.lagged, self.pinned = alpha.any(), kappa.any()
        self.folded: dict[float, tuple[Array, ...]] = {}
        # the columns of oscillators that fit the cache; None is all of them, which spares slicing
        columns = [slice(i, i + CACHED) for i in range(0, n, CACHED)]
        self.sums = np.empty((len(columns), 2, B))
        t, sc = empty(B, min(n, CACHED)), empty(2, B, n)
        self.blocks = [
            (m if n > CACHED else None, t[:, : n - m.start], *sc[..., m], sc[..., m], sums)
            for m, sums in zip(columns, self.sums)
        ]

    def __call__(self, time: float, phi: Array, h: float, out: Array) -> None:
        if h not in self.folded:
            self.folded[h] = tuple(
                aligned(h / 2 * v) for v in (self.straight, self.across, self.pin, self.omega)
            )
        straight, across, pin, omega = self.folded[h]
        for m, t, s, c, sc, sums in self.blocks:
            sin_cos_of_half(phi if m is None else phi[:, m], t, s, c)
            np.einsum("kbi->kb", sc, out=sums)
        sums = self.sums[0] if len(self.blocks) == 1 else np.add.reduce(self.sums)
        pull = straight * sums
        if self.lagged:
            pull += across * sums[::-1]
        if self.pinned:
            pull += pin
        pull = pull[::-1]  # b for the sines, a for the cosines
        for m, *_, sc, _ in self.blocks:
            flow, w = (out, omega) if m is None else (out[:, m], omega[:, m])
            np.einsum("kb,kbi->bi", pull, sc, out=flow)
            flow += w


class Network:
    """h dφ/dt of oscillators that each see their neighbours; links: the edges of each member (B, M, 2).

    The members' graphs are the blocks of one sparse array, which holds the K/d of each edge. Two real
    products give the field: a complex one is slower, as it has twice the weights to read.
    """

    def __init__(
        self, links: Edges, omega: Array, K: Array, alpha: Array, kappa: Array, target: Array
    ) -> None:
        self.omega = aligned(omega)
        self.t, self.c = empty(*omega.shape), empty(*omega.shape)
        self.A = weighted(links, omega.shape[1], K)
        self.lag = (np.cos(alpha), np.sin(alpha)) if alpha.any() else None
        self.pin = (kappa * np.cos(target), kappa * np.sin(target)) if kappa.any() else None

    def __call__(self, time: float, phi: Array, h: float, out: Array) -> None:
        s, c = out, self.c
        sin_cos_of_half(phi, self.t, s, c)
        real, imag = ((self.A @ v.reshape(-1)).reshape(phi.shape) for v in (c, s))
        if self.lag:
            cos, sin = self.lag
            real, imag = real * cos + imag * sin, imag * cos - real * sin
        if self.pin:
            real += self.pin[0]
            imag += self.pin[1]
        s *= real
        c *= imag
        np.subtract(c, s, out=out)
        out += self.omega
        out *= h / 2


def weighted(links: Edges, n: int, K: Array) -> sparse.csr_array:
    """The members' graphs as the blocks of one array, an edge being K/d, d the mean degree; K (B, 1)."""
    B, M, _ = links.shape
    blocks = links + n * np.arange(B, dtype=np.int32)[:, None, None]
    A = adjacency(blocks.reshape(-1, 2), B * n)
    A.data *= np.repeat(K[:, 0] * (n / (2 * M)), 2 * M)
    return A
