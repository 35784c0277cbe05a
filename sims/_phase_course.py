"""The course of phase oscillators: the integrators at work on a batch, and what follows from its phases."""

from collections.abc import Callable, Iterator
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from sims._integrate import CACHED, Flow, euler_in_place, rk4_in_place
from sims._network import Edges, adjacency
from sims._phase_flow import MeanField, Network, sin_cos_of_half
from sims._simulation import Batch, ParameterError

Array = NDArray[np.float64]


def course(p: Batch, theta_0: Array, omega: Array, links: Edges, rngs: list[np.random.Generator]) -> Array:
    """The phases (B, T, N) at the recorded times."""
    if links.size and p.scheme != "euler":  # whose noise is drawn in the oscillators' own order
        return _by_degree(p, theta_0, omega, links)
    return _as_they_are(p, theta_0, omega, links, rngs)


def _by_degree(p: Batch, theta_0: Array, omega: Array, links: Edges) -> Array:
    """The phases of oscillators taken in the order of their degrees.

    Then rows of one length follow each other in the product with the graph, and the processor guesses right
    where each ends: it takes half the time.
    """
    degree = np.stack([np.bincount(edges.ravel(), minlength=p.n) for edges in links])
    order = np.argsort(degree, axis=1, kind="stable")
    place = np.argsort(order, axis=1).astype(np.int32)
    theta_0, omega = np.take_along_axis(theta_0, order, 1), np.take_along_axis(omega, order, 1)
    theta = _as_they_are(p, theta_0, omega, np.stack([of[edges] for of, edges in zip(place, links)]), [])
    for run, back in zip(theta, place):
        run[:] = run[:, back]
    return theta


def _as_they_are(
    p: Batch, theta_0: Array, omega: Array, links: Edges, rngs: list[np.random.Generator]
) -> Array:
    steps = p.dt, p.steps, p.every
    constants = [np.asarray(v)[:, None] for v in (p.K, p.alpha, p.kappa, p.target)]
    if p.scheme == "rk4_fused":
        return _fused_rk4()(theta_0, omega, *constants, links, *steps)
    flows: list[Flow] = []
    for members in np.array_split(np.arange(p.size), min(p.size, -(-omega.size // CACHED))):
        own = omega[members], *(v[members] for v in constants)
        flows.append(MeanField(*own) if p.network == "all" else Network(links[members], *own))
    if p.scheme == "rk4":
        phi = rk4_in_place(flows, theta_0 / 2, *steps)
    elif p.D.any():
        noise = np.sqrt(2 * p.D)[:, None] / 2
        phi = euler_in_place(flows, theta_0 / 2, *steps, lambda t, y: noise, rngs)
    else:
        phi = euler_in_place(flows, theta_0 / 2, *steps)
    return np.multiply(phi, 2, out=phi)


class Recorded:
    """What follows from the recorded phases, worked out when it is wanted, in blocks that fit the cache."""

    def __init__(self, p: Batch, theta: Array, omega: Array, links: Edges) -> None:
        self.theta, self.omega, self.links = theta, omega, links
        self.K, self.alpha, self.kappa, self.target = (
            np.asarray(v)[:, None, None] for v in (p.K, p.alpha, p.kappa, p.target)
        )

    def blocks(self) -> Iterator[tuple[slice, slice, Array, Array, Array, Array]]:
        """Members, times, sin θ and cos θ, and sine and cosine parts of the field (1/d) Σⱼ Aᵢⱼ e^{iθⱼ}.

        The sines and cosines are there until the next block.
        """
        B, T, N = self.theta.shape
        rows = max(1, CACHED // N)
        at_once = 1 if self.links.size else max(1, rows // T)
        # made once: of some sizes the system would fetch new memory for every block
        rooms = np.empty((4, min(B, at_once) * min(T, rows) * N))
        for i in range(0, B, at_once):
            members = slice(i, i + at_once)
            A = adjacency(self.links[i], N) if self.links.size else None
            for j in range(0, T, rows):
                block = self.theta[members, j : j + rows]
                half, t, s, c = (room[: block.size].reshape(block.shape) for room in rooms)
                sin_cos_of_half(np.multiply(block, 0.5, out=half), t, s, c)
                if A is None:
                    S, C = s.mean(-1, keepdims=True), c.mean(-1, keepdims=True)
                else:
                    S, C = (((A @ v[0].T).T * (N / A.nnz))[None] for v in (s, c))
                yield members, slice(j, j + rows), s, c, S, C

    @cached_property
    def levels(self) -> tuple[Array, Array, Array]:
        """r, ψ and the energy, each (B, T)."""
        r, psi, E = np.empty((3, *self.theta.shape[:2]))
        for m, t, s, c, S, C in self.blocks():
            mean_s, mean_c = s.mean(-1), c.mean(-1)
            r[m, t], psi[m, t] = np.hypot(mean_c, mean_s), np.arctan2(mean_s, mean_c)
            K, kappa, target = (v[m, :, 0] for v in (self.K, self.kappa, self.target))
            pinned = 1 - (mean_c * np.cos(target) + mean_s * np.sin(target))
            pairs = (C * c + S * s).mean(-1) if self.links.size else r[m, t] ** 2
            E[m, t] = s.shape[-1] * (kappa * pinned - K / 2 * pairs)
        return r, psi, E

    @cached_property
    def slopes(self) -> tuple[Array, Array]:
        """dθ/dt without noise, and ∂E/∂θ, each (B, T, N)."""
        theta_dot, rise = np.empty_like(self.theta), np.empty_like(self.theta)
        for m, t, s, c, S, C in self.blocks():
            K, alpha, kappa, target = (v[m] for v in (self.K, self.alpha, self.kappa, self.target))
            pull = S * c - C * s
            np.multiply(pull, -K, out=rise[m, t])
            if alpha.any():
                pull = np.cos(alpha) * pull - np.sin(alpha) * (C * c + S * s)
            np.multiply(pull, K, out=theta_dot[m, t])
            theta_dot[m, t] += self.omega[m, None]
            pin: Array | float = 0.0
            if kappa.any():  # a zero beside those that are pinned shall have the sign it has alone
                pin = kappa * (s * np.cos(target) - c * np.sin(target)) + 0.0
            rise[m, t] += pin
            theta_dot[m, t] -= pin
        return theta_dot, rise


def _fused_rk4() -> Callable[..., Array]:
    """The compiled kernel; numba, which makes it, is imported for those who ask for it."""
    try:
        from sims import _fused
    except ImportError as error:
        remedy = "pip install '.[fast]' where the project lies, or take scheme='rk4'"
        raise ParameterError(f"scheme='rk4_fused' needs numba: {remedy} ({error})") from None
    return _fused.rk4
