"""Metronomes on a board that is free to roll: five clocks agree with no conductor.

    θ̈ᵢ + (1 + Δᵢ) sin θᵢ + μ((θᵢ/θ₀)² - 1) θ̇ᵢ + cos θᵢ ẍ = 0
    x = -β Σⱼ sin θⱼ

θ is a pendulum's angle, x the board's position in lengths of the pendulum, β how far the board gives way (a
ratio of masses). The escapement (μ) drives swings while θ is below θ₀ and damps them beyond, so that a lone
metronome settles on the amplitude 2θ₀. Time τ is without unit: 2π is one small swing.

The five of the defaults, started at random, swing in phase (r >= 0.95 from then on) after roughly 25 to 60
periods; with β = 0 they never do. More coupling is not faster: a larger β takes longer, and at β = 0.05 about
one start in four ends in two pairs and a single whose pushes cancel, so that the board all but rests.

Reference: Pantaleone 2002, Synchronization of metronomes, Am. J. Phys. 70, 992.
"""

from typing import Self

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from pydantic import model_validator

from sims._integrate import rk4, times
from sims._simulation import Batch, Simulation, param, variable
from sims.kuramoto import order

Array = NDArray[np.float64]

IN_PHASE = 0.95


def acceleration(
    theta: Array, theta_dot: Array, Delta: Array, mu: Array, theta_0: Array, beta: Array
) -> Array:
    """θ̈ᵢ = Fᵢ + β aᵢ S, with S = (a·F - s·θ̇²)/(1 - β a·a), a = cos θ, s = sin θ.

    F is the acceleration on a board at rest, βS = -ẍ: the N coupled equations solved in O(N).
    theta, theta_dot, Delta: (..., N); mu, theta_0, beta: (..., 1), βN < 1. Returns (..., N).
    """
    a, s = np.cos(theta), np.sin(theta)
    F = -(1 + Delta) * s - mu * ((theta / theta_0) ** 2 - 1) * theta_dot
    S = (a * F - s * theta_dot**2).sum(-1, keepdims=True) / (1 - beta * (a * a).sum(-1, keepdims=True))
    theta_ddot: Array = F + beta * a * S
    return theta_ddot


def board(theta: Array, theta_dot: Array, beta: Array) -> tuple[Array, Array]:
    """x = -β Σⱼ sin θⱼ and ẋ = -β Σⱼ cos θⱼ θ̇ⱼ: the centre of mass stays at rest.

    theta, theta_dot: (..., N); beta: (...). Returns two of (...).
    """
    return -beta * np.sin(theta).sum(-1), -beta * (np.cos(theta) * theta_dot).sum(-1)


def energy(theta: Array, theta_dot: Array, Delta: Array, beta: Array) -> Array:
    """E = Σᵢ [θ̇ᵢ²/2 + (1 + Δᵢ)(1 - cos θᵢ)] - ẋ²/(2β); dE/dτ = -μ Σᵢ ((θᵢ/θ₀)² - 1) θ̇ᵢ².

    The last term is the board's kinetic energy and its share in the pendulums' together.
    theta, theta_dot, Delta: (..., N); beta: (...). Returns (...).
    """
    swing = theta_dot**2 / 2 + (1 + Delta) * (1 - np.cos(theta))
    E: Array = swing.sum(-1) - beta / 2 * (np.cos(theta) * theta_dot).sum(-1) ** 2
    return E


def frequency(theta_0: Array) -> Array:
    """ω = 1 - A²/16 of a pendulum of amplitude A = 2θ₀, the limit cycle's."""
    return 1 - theta_0**2 / 4


def phase(theta: Array, theta_dot: Array, omega: Array) -> Array:
    """φ with θ = A cos φ and θ̇ = -ωA sin φ, in (-π, π]: 0 at the right turn, ±π/2 at the ticks."""
    return np.arctan2(-theta_dot / omega, theta)


def periods_until_in_phase(time: Array, r: Array) -> Array:
    """Small-swing periods (2π) after which r >= 0.95 for good; infinite where that never comes.

    time: (T,); r: (..., T). Returns (...).
    """
    apart = r < IN_PHASE
    after_the_last = np.where(apart.any(-1), r.shape[-1] - np.argmax(apart[..., ::-1], -1), 0)
    periods: Array = np.append(time, np.inf)[after_the_last] / (2 * np.pi)
    return periods


class Metronomes(Simulation):
    """N metronomes on one free board."""

    n: int = param(5, "number of metronomes", symbol="N", ge=1, le=100_000, shape=True)
    beta: float = param(
        0.011, "coupling through the board, a mass ratio; 0 is a fixed table; βN < 1", symbol="β", ge=0, lt=1
    )
    mu: float = param(0.010, "strength of the escapement", symbol="μ", ge=0, le=1)
    theta_0: float = param(
        0.39, "angle where the escapement turns from drive to damping", symbol="θ₀", unit="rad", ge=0.01, le=1
    )
    spread: float = param(
        1e-3, "detunings Δ are drawn evenly between minus and plus this", symbol="Δ", ge=0, le=0.5
    )
    amplitude: float = param(0.7, "initial amplitude of every swing", symbol="A", unit="rad", ge=0, le=1.5)
    periods: float = param(100.0, "duration in small-swing periods 2π", ge=0.1, le=100_000, shape=True)
    dt: float = param(0.0625, "time step", symbol="Δτ", ge=1e-6, le=0.5, shape=True)
    every: int = param(2, "record every so many steps", ge=1, le=1_000_000, shape=True)
    seed: int = param(3, "seed of the initial phases and the detunings", ge=0, le=2**32 - 1)

    variables = {
        "time": variable("time", "time; 2π is one small swing", "τ"),
        "theta": variable("time metronome", "angle of the pendulum", "θ", "rad"),
        "theta_dot": variable("time metronome", "angular velocity of the pendulum", "dθ/dτ", "rad"),
        "phi": variable("time metronome", "phase of the swing, unwrapped; 0 at the right turn", "φ", "rad"),
        "Delta": variable("metronome", "detuning: relative excess of the squared frequency", "Δ"),
        "x": variable("time", "position of the board, in pendulum lengths", "x"),
        "x_dot": variable("time", "velocity of the board", "dx/dτ"),
        "r": variable("time", "order parameter of the phases: 1 when all agree", "r"),
        "psi": variable("time", "mean phase, unwrapped", "ψ", "rad"),
        "energy": variable("time", "energy of pendulums and board", "E"),
    }

    @model_validator(mode="after")
    def _agree(self) -> Self:
        if self.beta * self.n >= 1:
            raise ValueError(f"beta * n must be < 1; got beta = {self.beta:g} and n = {self.n}")
        if self.every > _steps(self.periods, self.dt):
            raise ValueError(f"every must be <= {_steps(self.periods, self.dt)} steps; got {self.every}")
        return self

    @classmethod
    def solve(cls, p: Batch) -> dict[str, np.ndarray]:
        rngs = p.rngs()
        phi = np.stack([rng.uniform(0, 2 * np.pi, p.n) for rng in rngs])
        Delta = p.spread[:, None] * np.stack([rng.uniform(-1, 1, p.n) for rng in rngs])
        A, mu, theta_0, beta = (np.asarray(v)[:, None] for v in (p.amplitude, p.mu, p.theta_0, p.beta))
        omega = frequency(theta_0)
        steps = _steps(p.periods, p.dt)

        def f(t: float, y: Array) -> Array:
            theta, theta_dot = y[:, 0], y[:, 1]
            return np.stack([theta_dot, acceleration(theta, theta_dot, Delta, mu, theta_0, beta)], 1)

        start = np.stack([A * np.cos(phi), -omega * A * np.sin(phi)], 1)
        y = rk4(f, start, p.dt, steps, p.every)
        theta, theta_dot = y[:, :, 0], y[:, :, 1]
        phi = np.unwrap(phase(theta, theta_dot, omega[:, None]), axis=1)
        x, x_dot = board(theta, theta_dot, beta)
        r, psi = order(phi)
        return {
            "time": times(p.dt, steps, p.every),
            "theta": theta,
            "theta_dot": theta_dot,
            "phi": phi,
            "Delta": Delta,
            "x": x,
            "x_dot": x_dot,
            "r": r,
            "psi": np.unwrap(psi, axis=-1),
            "energy": energy(theta, theta_dot, Delta[:, None], beta),
        }

    def measure(self, trajectory: xr.Dataset) -> dict[str, float]:
        """When the metronomes fell in phase (r >= 0.95 from then on; inf: never), and how well."""
        last = trajectory.theta.where(trajectory.time > trajectory.time[-1] - 2 * np.pi)
        return {
            "periods until in phase": float(
                periods_until_in_phase(trajectory.time.values, trajectory.r.values)
            ),
            "r at the end": float(trajectory.r[-1]),
            "mean amplitude of the last swing (rad)": float(np.abs(last).max("time").mean()),
        }


def _steps(periods: float, dt: float) -> int:
    return round(periods * 2 * np.pi / dt)
