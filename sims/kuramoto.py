"""Coupled phase oscillators: when does a crowd of clocks agree?

    dθᵢ/dt = ωᵢ + (K/N) Σⱼ sin(θⱼ - θᵢ - α) - κ sin(θᵢ - θ*) + √(2D) ξᵢ(t)
    r e^{iψ} = (1/N) Σⱼ e^{iθⱼ}

On a network the sum goes over the neighbours, (K/d) Σⱼ Aᵢⱼ sin(θⱼ - θᵢ - α), with d the mean degree.

For a unimodal density g of the ω, order appears at K_c = 2/(π g(0)). For the Lorentzian of half-width Δ,
K_c = 2Δ and r → √(1 - K_c/K); for N → ∞ its rise is known in closed form (`ott_antonsen`).

With equal frequencies the flow is gradient descent: dθ/dt = -∇E, E = -(K/2N) Σᵢⱼ cos(θⱼ - θᵢ). Taken in
steps η (scheme="euler", dt=η) with K = 1 it holds below η = 2 and breaks above, as descent on a bowl does.
Pinned to a phase θ* it descends κ Σ (1 - cos(θᵢ - θ*)).

References: Kuramoto 1975, Lect. Notes Phys. 39, 420; Sakaguchi & Kuramoto 1986, Prog. Theor. Phys. 76, 576;
Strogatz 2000, Physica D 143, 1; Ott & Antonsen 2008, Chaos 18, 037113; on networks Rodrigues, Peron, Ji &
Kurths 2016, Phys. Rep. 610, 1.
"""

from collections.abc import Mapping
from typing import Literal, Self

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from pydantic import model_validator
from scipy.special import ndtri

from sims import _network as networks
from sims._integrate import times
from sims._phase_course import Recorded, course
from sims._phase_flow import sin_cos
from sims._simulation import Batch, Simulation, param, variable
from sims._trajectory import Computed

Array = NDArray[np.float64]


def order(theta: Array) -> tuple[Array, Array]:
    """Order parameter r e^{iψ} = (1/N) Σⱼ e^{iθⱼ} over the last axis: r in [0, 1] and ψ in (-π, π]."""
    s, c = sin_cos(theta)
    S, C = s.mean(-1), c.mean(-1)
    return np.hypot(C, S), np.arctan2(S, C)


def drift(theta: Array, omega: Array, K: Array, alpha: Array) -> Array:
    """dθᵢ/dt = ωᵢ + K r sin(ψ - θᵢ - α): the sum over all pairs in O(N) by the mean field.

    theta, omega: (..., N) in rad, rad/s; K, alpha: (..., 1) in rad/s, rad. Returns (..., N) in rad/s.
    """
    s, c = sin_cos(theta)
    S, C = s.mean(-1, keepdims=True), c.mean(-1, keepdims=True)
    # r sin(ψ - α) and r cos(ψ - α)
    Sa, Ca = S * np.cos(alpha) - C * np.sin(alpha), C * np.cos(alpha) + S * np.sin(alpha)
    flow: Array = omega + K * (Sa * c - Ca * s)
    return flow


def pinning(theta: Array, kappa: Array, target: Array) -> Array:
    """-κ sin(θᵢ - θ*): the pull of every oscillator towards the wanted phase θ*, in rad/s."""
    return -kappa * np.sin(theta - target)


def energy(theta: Array, K: Array, kappa: Array, target: Array) -> Array:
    """E = -(K/2N) Σᵢⱼ cos(θⱼ - θᵢ) + κ Σᵢ (1 - cos(θᵢ - θ*)) over the last axis, in rad²/s.

    theta: (..., N); K, kappa, target: (..., 1). The double sum is -(K N/2) r².
    """
    r, _ = order(theta)
    pinned = kappa * (1 - np.cos(theta - target))
    E: Array = -K[..., 0] * theta.shape[-1] / 2 * r**2 + pinned.sum(-1)
    return E


def slope(theta: Array, K: Array, kappa: Array, target: Array) -> Array:
    """∂E/∂θᵢ = K (C sin θᵢ - S cos θᵢ) + κ sin(θᵢ - θ*), C + iS = r e^{iψ}; shapes as in `energy`."""
    s, c = sin_cos(theta)
    S, C = s.mean(-1, keepdims=True), c.mean(-1, keepdims=True)
    rise: Array = K * (C * s - S * c) + kappa * np.sin(theta - target)
    return rise


def critical_coupling(frequencies: str, spread: float) -> float:
    """K_c = 2/(π g(0)): 2Δ for Lorentzian, σ√(8/π) for normal, 4γ/π for uniform on [-γ, γ], 0 for equal."""
    g0 = {"lorentzian": 1 / np.pi, "normal": 1 / np.sqrt(2 * np.pi), "uniform": 0.5, "equal": np.inf}
    return float(2 * spread / (np.pi * g0[frequencies]))


def ott_antonsen(t: Array, r0: float, K: float, spread: float) -> Array:
    """r(t) for N → ∞, Lorentzian half-width Δ, K > 2Δ (Ott & Antonsen 2008):

    r(t) = [1/R² + (1/r₀² - 1/R²) e^{-(K - 2Δ)t}]^{-1/2},  R = √(1 - 2Δ/K).
    """
    R2 = 1 - 2 * spread / K
    r: Array = (1 / R2 + (1 / r0**2 - 1 / R2) * np.exp(-(K - 2 * spread) * t)) ** -0.5
    return r


def quantiles(frequencies: str, p: Array) -> Array:
    """Inverse distribution function at p in (0, 1), for centre 0 and spread 1."""
    if frequencies == "lorentzian":
        return np.tan(np.pi * (p - 0.5))
    if frequencies == "normal":
        return np.asarray(ndtri(p))
    if frequencies == "uniform":
        return 2 * p - 1
    return np.zeros_like(p)


class Kuramoto(Simulation):
    """N phase oscillators, coupled to all or to neighbours."""

    n: int = param(40, "number of oscillators", symbol="N", ge=1, le=1_000_000, shape=True)
    K: float = param(2.5, "coupling strength", symbol="K", unit="rad/s", ge=0, le=1000)
    alpha: float = param(0.0, "phase lag of the coupling", symbol="α", unit="rad", ge=-3.2, le=3.2)
    network: Literal["all", "ring", "random"] = param(
        "all", "who is coupled: all to all, neighbours on a ring, or pairs at random", shape=True
    )
    degree: int = param(2, "neighbours on a network, in the mean", symbol="d", ge=1, le=1_000_000, shape=True)
    rewiring: float = param(
        0.0,
        "share of a ring's edges that are replaced by random pairs: a small world",
        symbol="p",
        ge=0,
        le=1,
    )
    frequencies: Literal["lorentzian", "normal", "uniform", "equal", "given"] = param(
        "lorentzian", "distribution of the natural frequencies", shape=True
    )
    centre: float = param(0.0, "mean natural frequency", symbol="ω₀", unit="rad/s", ge=-1000, le=1000)
    spread: float = param(
        1.0,
        "half-width (lorentzian), standard deviation (normal) or half-range (uniform) of the frequencies",
        symbol="Δ",
        unit="rad/s",
        ge=0,
        le=1000,
    )
    sampling: Literal["quantiles", "random"] = param(
        "quantiles", "frequencies at even quantiles of their distribution, or drawn at random", shape=True
    )
    given: tuple[float, ...] = param(
        (),
        "the natural frequencies themselves, for frequencies='given'",
        unit="rad/s",
        ge=-1e6,
        le=1e6,
        shape=True,
    )
    D: float = param(0.0, "noise strength (scheme='euler')", symbol="D", unit="rad²/s", ge=0, le=1000)
    kappa: float = param(0.0, "pinning to the target phase", symbol="κ", unit="rad/s", ge=0, le=1000)
    target: float = param(0.0, "target phase", symbol="θ*", unit="rad", ge=-6.3, le=6.3)
    arc: float = param(
        2 * np.pi, "initial phases are spread over an arc of this length", unit="rad", ge=0, le=2 * np.pi
    )
    scheme: Literal["rk4", "rk4_fused", "euler"] = param(
        "rk4",
        "rk4 for the smooth flow; rk4_fused: the same, compiled by numba; euler for steps of η and for noise",
        shape=True,
    )
    dt: float = param(
        0.02, "time step; the step size η of the stepped map", symbol="η", unit="s", gt=0, le=10, shape=True
    )
    steps: int = param(1000, "number of time steps", ge=1, le=10_000_000, shape=True)
    every: int = param(1, "record every so many steps", ge=1, le=1_000_000, shape=True)
    seed: int = param(1, "seed of phases, random frequencies and noise", ge=0, le=2**32 - 1)

    variables = {
        "time": variable("time", "time", "t", "s"),
        "theta": variable("time oscillator", "phase, unwrapped", "θ", "rad"),
        "theta_dot": variable("time oscillator", "drift of the phase, without noise", "dθ/dt", "rad/s"),
        "slope": variable("time oscillator", "slope of the energy, ∂E/∂θ", "∂E/∂θ", "rad/s"),
        "omega": variable("oscillator", "natural frequency", "ω", "rad/s"),
        "link": variable(
            "edge end", "the two oscillators that an edge joins; no edges where all are coupled"
        ),
        "r": variable("time", "order parameter: 1 when all agree", "r"),
        "psi": variable("time", "mean phase, unwrapped", "ψ", "rad"),
        "energy": variable("time", "energy of the couplings and the pinning", "E", "rad²/s"),
    }

    @model_validator(mode="after")
    def _agree(self) -> Self:
        if (self.frequencies == "given") != bool(self.given):
            raise ValueError(f"given goes with frequencies='given' and only with it; got {self.given}")
        if self.given and len(self.given) != self.n:
            raise ValueError(f"given must hold n = {self.n} frequencies; got {len(self.given)}")
        if self.D > 0 and self.scheme != "euler":
            raise ValueError(f"D must be 0 unless scheme='euler'; got {self.D:g}")
        if self.every > self.steps:
            raise ValueError(f"every must be <= steps = {self.steps}; got {self.every}")
        if self.network != "all" and self.degree >= self.n:
            raise ValueError(f"degree must be < n = {self.n} on a network; got {self.degree}")
        if self.network == "ring" and self.degree % 2:
            raise ValueError(f"degree must be even on a ring; got {self.degree}")
        if self.network == "random" and self.n * self.degree % 2:
            raise ValueError(f"degree * n must be even; got degree = {self.degree} and n = {self.n}")
        if self.rewiring and self.network != "ring":
            raise ValueError(f"rewiring must be 0 unless network='ring'; got {self.rewiring:g}")
        return self

    @classmethod
    def solve(cls, p: Batch) -> Mapping[str, Computed]:
        rngs = p.rngs()
        theta_0 = np.stack([rng.random(p.n) for rng in rngs]) * p.arc[:, None]
        omega = _omega(p, rngs)
        links = np.stack([_links(p, i, rng) for i, rng in enumerate(rngs)])
        theta = course(p, theta_0, omega, links, rngs)
        found = Recorded(p, theta, omega, links)
        return {
            "time": times(p.dt, p.steps, p.every),
            "theta": theta,
            "theta_dot": lambda: found.slopes[0],
            "slope": lambda: found.slopes[1],
            "omega": omega,
            "link": links,
            "r": lambda: found.levels[0],
            "psi": lambda: np.unwrap(found.levels[1]),
            "energy": lambda: found.levels[2],
        }

    def extent(self) -> tuple[float, float]:
        """The phases at all steps, on a network with what each sees of its neighbours; those recorded."""
        phases = self.n * self.steps
        return phases * (1 if self.network == "all" else 1 + self.degree), phases / self.every

    def measure(self, trajectory: xr.Dataset) -> dict[str, float]:
        """Order at the end and over the last half, with the theory's value where there is one."""
        late = trajectory.r.isel(time=slice(trajectory.sizes["time"] // 2, None))
        measured = {"r at the end": float(trajectory.r[-1]), "r, mean of the last half": float(late.mean())}
        alone = self.network == "all" and self.alpha == self.kappa == self.D == 0
        if self.frequencies == "lorentzian" and alone:
            K_c = critical_coupling(self.frequencies, self.spread)
            measured["r in theory, N → ∞"] = float(np.sqrt(max(0.0, 1 - K_c / self.K))) if self.K else 0.0
        return measured


def _omega(p: Batch, rngs: list[np.random.Generator]) -> Array:
    """Natural frequencies (B, N) of each member."""
    if p.frequencies == "given":
        return np.broadcast_to(np.array(p.given), (p.size, p.n)).copy()
    even = (np.arange(p.n) + 0.5) / p.n
    q = np.stack([even if p.sampling == "quantiles" else rng.random(p.n) for rng in rngs])
    omega: Array = p.centre[:, None] + p.spread[:, None] * quantiles(p.frequencies, q)
    return omega


def _links(p: Batch, member: int, rng: np.random.Generator) -> networks.Edges:
    """The edges (M, 2) of one member's network; none where all are coupled to all."""
    if p.network == "all":
        return np.empty((0, 2), np.int32)
    if p.network == "random":
        return networks.random(p.n, p.degree, rng)
    ring = networks.ring(p.n, p.degree)
    return networks.rewired(ring, p.n, p.rewiring[member], rng) if p.rewiring[member] else ring
