r"""First-order optimisers and learning-rate schedules, as pure functions.

An optimiser takes the weights w and the gradient g = dL/dw and returns the next weights; what it
remembers between steps (a velocity, running means) goes in and comes out as its `state`.

    state = start("adam", w)
    for t in range(1, steps + 1):
        w, state = step("adam", w, gradient(w), state, t, eta=0.01)

Arrays have the shape (..., P): P weights, any number of leading batch axes. Every setting is a number
or an array that broadcasts against w, such as (B, 1): one value per member of a batch. w' has the
precision of w.

Given the same settings each optimiser is that of `torch.optim`. Our names and torch's:

    ours          torch.optim
    gd            SGD(lr=eta)
    heavy_ball    SGD(lr=eta, momentum=momentum)
    nesterov      SGD(lr=eta, momentum=momentum, nesterov=True)
    adagrad       Adagrad(lr=eta, eps=epsilon)
    rmsprop       RMSprop(lr=eta, alpha=beta_2, eps=epsilon)
    adam          Adam(lr=eta, betas=(beta_1, beta_2), eps=epsilon)
    adamw         AdamW(lr=eta, betas=(beta_1, beta_2), eps=epsilon, weight_decay=weight_decay)

Defaults are Adam's; torch's own default is eps = 1e-10 for Adagrad, alpha = 0.99 for RMSprop and
weight_decay = 0.01 for AdamW. Weight decay is an L2 penalty, g + weight_decay w, for all but adamw,
where it is decoupled from the gradient, as in torch.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[Any]  # float64, or float32 where weights are
Setting = float | Array

OPTIMISERS = ("gd", "heavy_ball", "nesterov", "adagrad", "rmsprop", "adam", "adamw")
SCHEDULES = ("constant", "step", "exponential", "cosine", "warmup_cosine")

SETTINGS = ("momentum", "beta_1", "beta_2", "epsilon", "weight_decay")  # of `step`, beside eta
COURSE = ("eta", "gamma", "period", "warmup")  # of `learning_rate`

MEMORIES = {"gd": 0, "heavy_ball": 1, "nesterov": 1, "adagrad": 1, "rmsprop": 1, "adam": 2, "adamw": 2}


# each optimiser returns what `step` takes off w, and what it remembers


def gd(g: Array, eta: Setting) -> Array:
    """Gradient descent: w' = w - eta g (Cauchy 1847)."""
    return eta * g


def heavy_ball(g: Array, u: Array, eta: Setting, momentum: Setting) -> tuple[Array, Array]:
    """A ball with inertia: u' = momentum u + g, w' = w - eta u' (Polyak 1964).

    Args are gradient g and velocity u, both (..., P). Returns eta u' and u'.
    """
    u = momentum * u + g
    return eta * u, u


def nesterov(g: Array, u: Array, eta: Setting, momentum: Setting) -> tuple[Array, Array]:
    """Momentum that looks ahead: u' = momentum u + g, w' = w - eta (g + momentum u').

    Nesterov 1983, in the form of Sutskever, Martens, Dahl & Hinton 2013 with the gradient taken at the
    point looked ahead to, which is what w holds here and in torch.
    """
    u = momentum * u + g
    return eta * (g + momentum * u), u


def adagrad(g: Array, s: Array, eta: Setting, epsilon: Setting) -> tuple[Array, Array]:
    """A rate of its own for each weight: s' = s + g^2, w' = w - eta g / (sqrt(s') + epsilon).

    Duchi, Hazan & Singer 2011, JMLR 12.
    """
    s = s + g**2
    return eta * g / (np.sqrt(s) + epsilon), s


def rmsprop(g: Array, v: Array, eta: Setting, beta_2: Setting, epsilon: Setting) -> tuple[Array, Array]:
    """AdaGrad that forgets: v' = beta_2 v + (1 - beta_2) g^2, w' = w - eta g / (sqrt(v') + epsilon).

    Tieleman & Hinton 2012, lecture 6.5.
    """
    v = beta_2 * v + (1 - beta_2) * g**2
    return eta * g / (np.sqrt(v) + epsilon), v


def adam(
    g: Array,
    m: Array,
    v: Array,
    t: int,
    eta: Setting,
    beta_1: Setting,
    beta_2: Setting,
    epsilon: Setting,
) -> tuple[Array, Array, Array]:
    """Running means of g and g^2, both corrected for having started at zero:

        m' = beta_1 m + (1 - beta_1) g            m_hat = m' / (1 - beta_1^t)
        v' = beta_2 v + (1 - beta_2) g^2          v_hat = v' / (1 - beta_2^t)
        w' = w - eta m_hat / (sqrt(v_hat) + epsilon)

    t counts steps from 1. Kingma & Ba 2015, arXiv:1412.6980, algorithm 1.
    """
    m = beta_1 * m + (1 - beta_1) * g
    v = beta_2 * v + (1 - beta_2) * g**2
    m_hat = m / (1 - beta_1**t)
    v_hat = v / (1 - beta_2**t)
    return eta * m_hat / (np.sqrt(v_hat) + epsilon), m, v


def decay(w: Array, eta: Setting, weight_decay: Setting) -> Array:
    """Decoupled weight decay, the W of AdamW: w' = (1 - eta weight_decay) w, before Adam's own step.

    Loshchilov & Hutter 2019, arXiv:1711.05101.
    """
    return (1 - eta * weight_decay) * w


def start(optimiser: str, w: Array) -> tuple[Array, ...]:
    """The state before the first step: as many arrays of zeros like w as the optimiser remembers.

    () for gd; (u,) for heavy_ball and nesterov; (s,) for adagrad; (v,) for rmsprop; (m, v) for adam, adamw.
    Raises ValueError for a name not in OPTIMISERS.
    """
    if optimiser not in MEMORIES:
        raise ValueError(f"optimiser must be one of {', '.join(OPTIMISERS)}; got {optimiser!r}")
    return tuple(np.zeros_like(w) for _ in range(MEMORIES[optimiser]))


def step(
    optimiser: str,
    w: Array,
    g: Array,
    state: tuple[Array, ...],
    t: int,
    eta: Setting,
    momentum: Setting = 0.9,
    beta_1: Setting = 0.9,
    beta_2: Setting = 0.999,
    epsilon: Setting = 1e-8,
    weight_decay: Setting = 0.0,
    out: Array | None = None,
) -> tuple[Array, tuple[Array, ...]]:
    """One step of the named optimiser: weights w and gradient g, (..., P) -> next weights and state.

    t counts steps from 1. Nothing is changed in place, unless `out` is given: the next weights are written
    there, and it may be w. Settings an optimiser does not use are ignored.
    Raises ValueError for a name not in OPTIMISERS.
    """
    precision = w.dtype
    if isinstance(weight_decay, np.ndarray) or weight_decay:
        if optimiser == "adamw":
            w = decay(w, eta, weight_decay)
        else:
            g = g + weight_decay * w
    match optimiser:
        case "gd":
            down = gd(g, eta)
        case "heavy_ball":
            down, u = heavy_ball(g, state[0], eta, momentum)
            state = (u,)
        case "nesterov":
            down, u = nesterov(g, state[0], eta, momentum)
            state = (u,)
        case "adagrad":
            down, s = adagrad(g, state[0], eta, epsilon)
            state = (s,)
        case "rmsprop":
            down, v = rmsprop(g, state[0], eta, beta_2, epsilon)
            state = (v,)
        case "adam" | "adamw":
            down, m, v = adam(g, state[0], state[1], t, eta, beta_1, beta_2, epsilon)
            state = (m, v)
        case _:
            raise ValueError(f"optimiser must be one of {', '.join(OPTIMISERS)}; got {optimiser!r}")
    return np.subtract(w, down, out=out, dtype=precision), state


def learning_rate(
    schedule: str,
    t: ArrayLike,
    eta: Setting,
    steps: int,
    gamma: Setting = 0.5,
    period: Setting = 100,
    warmup: Setting = 0,
) -> Array:
    """The learning rate of step t = 1 ... steps, starting (or, after the warm-up, peaking) at eta.

        constant        eta
        step            eta gamma^floor((t - 1) / period)
        exponential     eta gamma^((t - 1) / period)
        cosine          eta (1 + cos(pi (t - 1) / steps)) / 2
        warmup_cosine   eta t / warmup up to t = warmup, then the cosine over the steps that are left

    The first four are torch's StepLR, ExponentialLR (period = 1) and CosineAnnealingLR (T_max = steps).
    Cosine: Loshchilov & Hutter 2017, arXiv:1608.03983. Linear warm-up: Goyal et al. 2017, arXiv:1706.02677.
    t and the settings broadcast: t (steps,) with eta (B, 1) gives (B, steps).
    Raises ValueError for a name not in SCHEDULES.
    """
    t = np.asarray(t, dtype=np.float64)
    match schedule:
        case "constant":
            return eta * np.ones_like(t)
        case "step":
            return eta * gamma ** np.floor((t - 1) / period)
        case "exponential":
            return eta * gamma ** ((t - 1) / period)
        case "cosine":
            return cosine(t, eta, steps)
        case "warmup_cosine":
            rise = eta * t / np.maximum(warmup, 1)
            return np.where(t <= warmup, rise, cosine(t - warmup, eta, steps - warmup))
        case _:
            raise ValueError(f"schedule must be one of {', '.join(SCHEDULES)}; got {schedule!r}")


def cosine(t: Array, eta: Setting, steps: Setting) -> Array:
    """Half a cosine from eta at t = 1 down towards 0 after `steps`: eta (1 + cos(pi (t - 1) / steps)) / 2."""
    return eta * (1 + np.cos(np.pi * (t - 1) / np.maximum(steps, 1))) / 2


def columns(p: Any, names: tuple[str, ...]) -> dict[str, Array]:
    """The named parameters (B,) of a batch p as columns (B, 1), to broadcast against its weights (B, P)."""
    return {name: getattr(p, name)[:, None] for name in names}
