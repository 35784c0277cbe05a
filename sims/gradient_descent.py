"""Gradient descent: how do you find the lowest point when all you feel is the slope underfoot?

    x ← x - η ∇L(x), or the step of another optimiser, with η constant or on a schedule

On the bowl L = ½ (x²/κ + y²), of curvatures λ = 1/κ and 1, the error along an axis is (1 - ηλ)ᵗ: it shrinks
if and only if η < 2/λ, so η = 2 is the limit, and at best it shrinks by (κ - 1)/(κ + 1) a step. A heavy ball,
which keeps a share β of its velocity, takes steps beyond that limit and reaches (√κ - 1)/(√κ + 1) a step.

Surfaces: `bowl`, `saddle`, `rosenbrock`, `beale`, `himmelblau`, and `network`, the loss of a small trained
network over a plane through its weights. Start and η follow the surface and the optimiser unless given. A run
beyond its limit grows, and is recorded as long as its numbers are finite.

References: Polyak 1964, USSR Comput. Math. Math. Phys. 4, 1; Goh 2017, Why Momentum Really Works, Distill;
Rosenbrock 1960, Comput. J. 3, 175; Beale 1958; Himmelblau 1972; Li et al. 2018, arXiv:1712.09913.
"""

from collections.abc import Callable, Mapping
from typing import Any, Literal, NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from sims import backprop
from sims._customary import Customary
from sims._optimise import COURSE, SETTINGS, columns, learning_rate, start, step
from sims._progress import ticks
from sims._samples import xor
from sims._simulation import Batch, param, variable
from sims._trajectory import check_finite

Array = NDArray[np.float64]

# ------------------------------------------------------------------ surfaces: L(x, y) and (∂L/∂x, ∂L/∂y)


def bowl(x: Array, y: Array, kappa: Array) -> Array:
    """L = ½ (x²/κ + y²): curvatures 1/κ and 1, condition number κ."""
    return (x**2 / kappa + y**2) / 2


def bowl_slope(x: Array, y: Array, kappa: Array) -> tuple[Array, Array]:
    """∂L/∂x = x/κ, ∂L/∂y = y."""
    return x / kappa, y


def saddle(x: Array, y: Array) -> Array:
    """L = ½ x² + ¼ (y² - 1)²: a saddle at (0, 0) between the minima (0, ±1)."""
    return x**2 / 2 + (y**2 - 1) ** 2 / 4


def saddle_slope(x: Array, y: Array) -> tuple[Array, Array]:
    """∂L/∂x = x, ∂L/∂y = y (y² - 1)."""
    return x, y * (y**2 - 1)


def rosenbrock(x: Array, y: Array) -> Array:
    """L = (1 - x)² + 100 (y - x²)²: a bent valley, its floor almost level; minimum 0 at (1, 1)."""
    return (1 - x) ** 2 + 100 * (y - x**2) ** 2


def rosenbrock_slope(x: Array, y: Array) -> tuple[Array, Array]:
    """∂L/∂x = -2 (1 - x) - 400 x (y - x²), ∂L/∂y = 200 (y - x²)."""
    return -2 * (1 - x) - 400 * x * (y - x**2), 200 * (y - x**2)


def beale(x: Array, y: Array) -> Array:
    """L = (1.5 - x + xy)² + (2.25 - x + xy²)² + (2.625 - x + xy³)²: minimum 0 at (3, 0.5)."""
    return (1.5 - x + x * y) ** 2 + (2.25 - x + x * y**2) ** 2 + (2.625 - x + x * y**3) ** 2


def beale_slope(x: Array, y: Array) -> tuple[Array, Array]:
    """∂L/∂x = Σ 2 f (yᵏ - 1), ∂L/∂y = Σ 2 f k x yᵏ⁻¹, over the brackets f with k = 1, 2, 3."""
    f_1, f_2, f_3 = 1.5 - x + x * y, 2.25 - x + x * y**2, 2.625 - x + x * y**3
    slope_x = 2 * f_1 * (y - 1) + 2 * f_2 * (y**2 - 1) + 2 * f_3 * (y**3 - 1)
    slope_y = 2 * f_1 * x + 4 * f_2 * x * y + 6 * f_3 * x * y**2
    return slope_x, slope_y


def himmelblau(x: Array, y: Array) -> Array:
    """L = (x² + y - 11)² + (x + y² - 7)²: four minima of 0."""
    return (x**2 + y - 11) ** 2 + (x + y**2 - 7) ** 2


def himmelblau_slope(x: Array, y: Array) -> tuple[Array, Array]:
    """∂L/∂x = 4x (x² + y - 11) + 2 (x + y² - 7), ∂L/∂y = 2 (x² + y - 11) + 4y (x + y² - 7)."""
    f, g = x**2 + y - 11, x + y**2 - 7
    return 4 * x * f + 2 * g, 2 * f + 4 * y * g


# the network of that surface: 2-4-1, tanh then identity, ½ (a - y)² on the four pairs of bits of xor
SIZES, NET = (2, 4, 1), ("tanh", "identity")
BITS, WANTED = xor(4, 0.0, np.random.default_rng(0))


def network(x: Array, y: Array, w: Array, d_1: Array, d_2: Array) -> Array:
    """L(w + x d₁ + y d₂), the loss of a network over a plane through its weights w.

    x, y: (B, points); w and the directions d₁, d₂, flat as in backprop: (B, weight).
    """
    W, b = backprop.layers(_point(x, y, w, d_1, d_2), SIZES)
    z, a = backprop.forward(W, b, BITS, *NET)
    return np.asarray(backprop.loss(z[2], a[2], WANTED, NET[1]).mean(-1))


def network_slope(x: Array, y: Array, w: Array, d_1: Array, d_2: Array) -> tuple[Array, Array]:
    """∂L/∂x = d₁ · ∂L/∂w and ∂L/∂y = d₂ · ∂L/∂w, with ∂L/∂w by backpropagation."""
    g = backprop.gradient(_point(x, y, w, d_1, d_2), BITS, WANTED, SIZES, *NET)
    return (g * d_1[:, None]).sum(-1), (g * d_2[:, None]).sum(-1)


def _point(x: Array, y: Array, w: Array, d_1: Array, d_2: Array) -> Array:
    return w[:, None] + x[..., None] * d_1[:, None] + y[..., None] * d_2[:, None]


def trained_plane(rngs: list[np.random.Generator]) -> tuple[Array, Array, Array]:
    """A network trained on xor (500 steps of Adam) and two random directions through it, (B, weight) each.

    Each unit's incoming weights in a direction have the length of those of the network, and its bias is left
    alone: the filter-wise normalisation of Li et al. 2018.
    """
    w = np.stack([backprop.initial_weights(SIZES, 2.0, rng) for rng in rngs])
    state = start("adam", w)
    for t in range(1, 501):
        w, state = step("adam", w, backprop.gradient(w, BITS, WANTED, SIZES, *NET), state, t, eta=0.05)
    directions = []
    for _ in range(2):
        D, nothing = backprop.layers(np.stack([rng.normal(size=w.shape[-1]) for rng in rngs]), SIZES)
        W, _ = backprop.layers(w, SIZES)
        for l in D:
            D[l] *= np.linalg.norm(W[l], axis=-1, keepdims=True) / np.linalg.norm(
                D[l], axis=-1, keepdims=True
            )
            nothing[l][:] = 0
        directions.append(backprop.flat(D, nothing))
    return w, directions[0], directions[1]


class Surface(NamedTuple):
    """L and its slope, where its minima are, the window it is sampled in, and a customary start and η."""

    value: Callable[..., Array]
    slope: Callable[..., tuple[Array, Array]]
    minima: tuple[tuple[float, float], ...]
    window: tuple[float, float, float, float]
    start: tuple[float, float]
    eta: float


HIMMELBLAU = ((3.0, 2.0), (-2.805118, 3.131313), (-3.779310, -3.283186), (3.584428, -1.848127))
SURFACES = {
    "bowl": Surface(bowl, bowl_slope, ((0, 0),), (-1.5, 1.5, -1.5, 1.5), (-1.2, 1.0), 1.8),
    "saddle": Surface(saddle, saddle_slope, ((0, -1), (0, 1)), (-1.5, 1.5, -1.5, 1.5), (-1.2, 1e-3), 0.1),
    "rosenbrock": Surface(rosenbrock, rosenbrock_slope, ((1, 1),), (-2, 2, -1, 3), (-1.2, 1.0), 1e-3),
    "beale": Surface(beale, beale_slope, ((3, 0.5),), (-4.5, 4.5, -4.5, 4.5), (1.0, 1.0), 0.01),
    "himmelblau": Surface(himmelblau, himmelblau_slope, HIMMELBLAU, (-5, 5, -5, 5), (0.0, 0.0), 0.01),
    "network": Surface(network, network_slope, ((0, 0),), (-1, 1, -1, 1), (-0.5, 0.5), 0.1),
}

# ------------------------------------------------------------------------------------- theory for the bowl


def best_descent(lambda_1: float, lambda_n: float) -> tuple[float, float]:
    """η = 2/(λ₁ + λₙ) and the rate (κ - 1)/(κ + 1) it gives, κ = λₙ/λ₁: no η does better (Goh 2017)."""
    kappa = lambda_n / lambda_1
    return 2 / (lambda_1 + lambda_n), (kappa - 1) / (kappa + 1)


def best_heavy_ball(lambda_1: float, lambda_n: float) -> tuple[float, float, float]:
    """η = (2/(√λ₁ + √λₙ))², β = ((√λₙ - √λ₁)/(√λₙ + √λ₁))² and the rate √β = (√κ - 1)/(√κ + 1) (Goh 2017)."""
    low, high = np.sqrt(lambda_1), np.sqrt(lambda_n)
    rate = (high - low) / (high + low)
    return float((2 / (low + high)) ** 2), float(rate**2), float(rate)


# ------------------------------------------------------------------------------------------ the simulation


class GradientDescent(Customary):
    """A point feels its way down a surface, by any optimiser."""

    surface: Literal["bowl", "saddle", "rosenbrock", "beale", "himmelblau", "network"] = param(
        "bowl", "what is descended; start and learning rate follow it", shape=True
    )
    kappa: float = param(81.0, "condition number of the bowl", symbol="κ", ge=1, le=1e6)
    x_0: float = param(-1.2, "start along x", symbol="x₀", ge=-100, le=100)
    y_0: float = param(1.0, "start along y", symbol="y₀", ge=-100, le=100)
    optimiser: Literal["gd", "heavy_ball", "nesterov", "adagrad", "rmsprop", "adam", "adamw"] = param(
        "heavy_ball", "how a gradient becomes a step", shape=True
    )
    eta: float = param(1.8, "learning rate", symbol="η", ge=0, le=1000)
    schedule: Literal["constant", "step", "exponential", "cosine", "warmup_cosine"] = param(
        "constant", "course of the learning rate", shape=True
    )
    gamma: float = param(0.5, "factor per period (step, exponential)", symbol="γ", gt=0, le=1)
    period: int = param(100, "steps between two factors γ", ge=1, le=1_000_000)
    warmup: int = param(10, "steps of linear warm-up (warmup_cosine)", ge=0, le=1_000_000)
    momentum: float = param(0.8, "share of the velocity kept (heavy_ball, nesterov)", symbol="β", ge=0, lt=1)
    beta_1: float = param(0.9, "share of the mean gradient kept (adam, adamw)", symbol="β₁", ge=0, lt=1)
    beta_2: float = param(0.999, "share of the mean square kept (rmsprop, adam)", symbol="β₂", ge=0, lt=1)
    epsilon: float = param(1e-8, "keeps a division finite (adagrad to adamw)", symbol="ε", gt=0, le=1)
    weight_decay: float = param(0.0, "L2 penalty; decoupled in adamw", symbol="λ", ge=0, le=10)
    steps: int = param(200, "number of steps", ge=1, le=100_000, shape=True)
    grid: int = param(61, "points along each side of the sampled surface", ge=2, le=1000, shape=True)
    seed: int = param(0, "seed of the network's weights and plane", ge=0, le=2**32 - 1)

    variables = {
        "step": variable("step", "steps taken"),
        "coordinate": variable("coordinate", "which coordinate of the plane"),
        "x": variable("step coordinate", "where the point is, (x, y)", "x"),
        "loss": variable("step", "height of the surface there", "L"),
        "gradient": variable("step coordinate", "slope of the surface there", "∇L"),
        "eta": variable("step", "learning rate of the next step", "η"),
        "grid_x": variable("grid_x", "x of the sampled surface", "x"),
        "grid_y": variable("grid_y", "y of the sampled surface", "y"),
        "surface": variable("grid_y grid_x", "height of the surface", "L"),
        "minima": variable("minimum coordinate", "where the surface is lowest", "x*"),
        "plane_{l}": variable("weight", "network surface: trained weights (0) and directions (1, 2)", "w"),
    }

    @classmethod
    def customary(cls, given: Mapping[str, Any]) -> dict[str, Any]:
        """Start and η that suit the surface and the optimiser."""
        surface = SURFACES.get(str(given.get("surface", "bowl")))
        if surface is None:
            return {}
        # nesterov's limit is 4/3 where gd's is 2; the adaptive ones measure η in x, not in 1/λ
        share = {"gd": 1.0, "heavy_ball": 1.0, "nesterov": 0.5}.get(str(given.get("optimiser", "heavy_ball")))
        eta = share * surface.eta if share else 0.1
        return {"x_0": surface.start[0], "y_0": surface.start[1], "eta": eta}

    @classmethod
    @np.errstate(over="ignore", invalid="ignore")  # a run that diverges is reported by check_finite
    def solve(cls, p: Batch) -> dict[str, np.ndarray]:
        surface = SURFACES[p.surface]
        plane = trained_plane(p.rngs()) if p.surface == "network" else ()
        shape = (p.kappa[:, None],) if p.surface == "bowl" else plane
        eta = learning_rate(p.schedule, np.arange(1, p.steps + 2), steps=p.steps, **columns(p, COURSE))
        settings = columns(p, SETTINGS)
        x = np.stack([p.x_0, p.y_0], axis=-1)
        state, path = start(p.optimiser, x), []
        for k in ticks(p.steps + 1):
            loss = surface.value(x[:, :1], x[:, 1:], *shape)[:, 0]
            g = np.concatenate(surface.slope(x[:, :1], x[:, 1:], *shape), axis=-1)
            check_finite(loss, "loss", when=f"step {k}", cure="a smaller eta")
            path.append((x, loss, g))
            x, state = step(p.optimiser, x, g, state, k + 1, eta[:, k, None], **settings)
        x, loss, g = (np.stack(values, axis=1) for values in zip(*path))
        grid_x, grid_y = np.linspace(*surface.window[:2], p.grid), np.linspace(*surface.window[2:], p.grid)
        X, Y = (np.tile(points.ravel(), (p.size, 1)) for points in np.meshgrid(grid_x, grid_y))
        return {
            "step": np.arange(p.steps + 1),
            "coordinate": np.array(["x", "y"]),
            "x": x,
            "loss": loss,
            "gradient": g,
            "eta": eta,
            "grid_x": grid_x,
            "grid_y": grid_y,
            "surface": surface.value(X, Y, *shape).reshape(p.size, p.grid, p.grid),
            "minima": np.tile(np.array(surface.minima, dtype=float), (p.size, 1, 1)),
        } | {f"plane_{l}": part for l, part in enumerate(plane)}

    def measure(self, trajectory: xr.Dataset) -> dict[str, float]:
        """Loss and distance to a minimum at the end; on the bowl the rate, beside the best there can be."""
        away = np.linalg.norm(trajectory.x[-1].values - trajectory.minima.values, axis=-1)
        loss = trajectory.loss.values
        measured = {"loss at the end": float(loss[-1]), "distance to the nearest minimum": float(away.min())}
        half = self.steps // 2
        if self.surface == "bowl" and loss[-1] > 0:
            # the loss is the square of the error
            measured["rate: error left after a step"] = float(
                (loss[-1] / loss[half]) ** (0.5 / (self.steps - half))
            )
            measured["best rate of gradient descent"] = best_descent(1 / self.kappa, 1.0)[1]
            measured["best rate of a heavy ball"] = best_heavy_ball(1 / self.kappa, 1.0)[2]
        return measured
