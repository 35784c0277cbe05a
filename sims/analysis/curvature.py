"""How steep, how bent, how noisy: the curvature of a loss, and the spread of its samples' gradients.

Gradient descent of step η stays only where the loss is bent less than 2/η, and full-batch training goes to
just there (`sharpness`); how many samples a step should look at follows from how far they disagree
(`gradient_noise`).
"""

from collections.abc import Callable
from typing import Literal

import numpy as np
import xarray as xr

from sims.analysis._labels import Array, labelled, located, require

Gradient = Callable[[Array], Array]
"""∂L/∂w of flat weights w (..., weight), in the same shape."""


def hessian_product(
    gradient: Gradient, w: Array, v: Array, difference: Literal["central", "complex"] = "central"
) -> Array:
    """H v, the Hessian of the loss at w times v, from its gradients; H itself is never made.

    central   (∇L(w + h v) - ∇L(w - h v)) / 2h, to about 1e-10 of |H v|, h from the sizes of w and v
    complex   Im ∇L(w + i h v) / h, h = 1e-20: to rounding, where the gradient takes complex weights, as
              `sims.backprop.gradient` does

    w, v (..., weight); broadcasts. Raises ValueError for a gradient that gives single precision, in which
    the differences would drown, or for the complex step real numbers.

    Sources: Pearlmutter 1994, Neural Computation 6, 147; for the complex step
    Squire & Trapp 1998, SIAM Rev. 40, 110.
    """
    if difference == "complex":
        h = 1e-20
        g = np.asarray(gradient(w + 1j * h * v))
        if not np.iscomplexobj(g):
            raise ValueError(f"gradient must be complex at complex weights; got {g.dtype}: take central")
        return g.imag / h
    if difference != "central":
        raise ValueError(f"difference must be central or complex; got {difference!r}")
    size = np.maximum(1.0, np.abs(w).max(-1, keepdims=True))
    length = np.linalg.norm(v, axis=-1, keepdims=True)
    step = np.cbrt(np.finfo(float).eps) * size / np.where(length > 0, length, 1.0)
    beyond, before = np.asarray(gradient(w + step * v)), np.asarray(gradient(w - step * v))
    if beyond.dtype.itemsize < 8:
        raise ValueError(f"gradient must reckon in float64; got {beyond.dtype}")
    product: Array = (beyond - before) / (2 * step)
    return product


def sharpness(
    gradient: Gradient,
    w: xr.DataArray,
    dim: str = "weight",
    *,
    tolerance: float = 1e-6,
    products: int = 100,
    difference: Literal["central", "complex"] = "central",
    seed: int = 0,
) -> xr.Dataset:
    """Largest eigenvalue of the Hessian of a loss, λ_max, for all weights along further dimensions at once.

        v ← H v / |H v|

    This power iteration finds the eigenvalue that is largest in size, which in training may be a negative
    one, and slowly where the next is close. Here all its iterates are kept, orthogonal to each other: in the
    space they span the largest eigenvalue, sign and all, is found exactly (Lanczos's method). It goes on
    until |H v - λ v| <= tolerance · |λ| everywhere, or `products` products H v were taken.

    `gradient`(w) gives ∂L/∂w for flat weights (..., weight); w has the dimension `dim`. `difference` as in
    `hessian_product`. Returns `sharpness`, its `residual` |H v - λ v| (within which of it an eigenvalue lies,
    but for the error of the products H v) and the unit `direction` v (with `dim`), with the number of
    products as attribute. Raises ValueError where there is no dimension `dim`, or where a gradient is of
    another shape or not finite.

    Sources: Lanczos 1950, J. Res. Natl. Bur. Stand. 45, 255; Cohen, Kaur, Li, Kolter & Talwalkar 2021,
    arXiv:2103.00065 (sharpness rises to 2/η).
    """
    require(w, dim)
    ordered = w.transpose(..., dim)
    at = ordered.values.astype(float)
    P, further = at.shape[-1], ordered.dims[:-1]
    if products < 1 or tolerance <= 0:
        raise ValueError(f"products must be >= 1 and tolerance > 0; got {products} and {tolerance}")
    rng = np.random.default_rng(seed)
    Q: list[Array] = []
    HQ: list[Array] = []
    T = np.empty((*at.shape[:-1], 0, 0))
    Hq = rng.normal(size=at.shape)
    for k in range(min(P, products)):
        Q.append(_next_axis(Hq, Q, rng))
        Hq = hessian_product(gradient, at, Q[-1], difference)
        if Hq.shape != at.shape or not np.isfinite(Hq).all():
            raise ValueError(
                f"gradient must give finite numbers in the shape of w, {at.shape}; got {Hq.shape}"
            )
        HQ.append(Hq)
        row = np.stack([(q * Hq).sum(-1) for q in Q], axis=-1)
        T = np.pad(T, [(0, 0)] * (at.ndim - 1) + [(0, 1), (0, 1)])
        T[..., k, :], T[..., :, k] = row, row
        values, vectors = np.linalg.eigh(T)
        largest, share = values[..., -1], vectors[..., -1]
        v, Hv = (sum(share[..., j, None] * part[j] for j in range(k + 1)) for part in (Q, HQ))
        residual = np.linalg.norm(Hv - largest[..., None] * v, axis=-1)
        if (residual <= tolerance * np.abs(largest)).all():
            break
    result = xr.Dataset(
        {
            "sharpness": labelled(further, largest, "sharpness: largest eigenvalue of the Hessian", "λ_max"),
            "residual": labelled(further, residual, "distance |H v - λ v| left by the iteration", "|Hv-λv|"),
            "direction": labelled((*further, dim), v, "direction in which the loss is bent most", "v"),
        },
        attrs={"products": k + 1},
    )
    return located(result, w)


def _next_axis(v: Array, Q: list[Array], rng: np.random.Generator) -> Array:
    """v (..., weight) made orthogonal to all of Q, of length 1; a random axis where nothing of v is left."""
    size = np.linalg.norm(v, axis=-1, keepdims=True)
    v = _orthogonal(v, Q)
    lost = np.linalg.norm(v, axis=-1, keepdims=True) <= 1e-9 * size
    if lost.any():
        v = np.where(lost, _orthogonal(rng.normal(size=v.shape), Q), v)
    unit: Array = v / np.linalg.norm(v, axis=-1, keepdims=True)
    return unit


def _orthogonal(v: Array, Q: list[Array]) -> Array:
    """v less its parts along Q; done twice, as the first time leaves rounding behind."""
    for q in Q + Q:
        v = v - (v * q).sum(-1, keepdims=True) * q
    return v


def gradient_noise(gradients: xr.DataArray, over: str = "sample", dim: str = "weight") -> xr.Dataset:
    """How far the gradients g_i of single samples disagree, and the batch that would average it away.

        tr Σ = Σ_i |g_i - ḡ|² / (S - 1),   |G|² = |ḡ|² - tr Σ / S,   B = tr Σ / |G|²

    ḡ is the mean over the S samples that are there, G that over all there could be: |ḡ|² is larger than |G|²
    by the noise left in it, which is taken off. A step on far fewer samples than the gradient noise scale B
    is mostly noise; on far more, it wastes them. Where |G|² comes out at 0 or below no gradient can be told
    from noise: B is inf.

    Takes g_i along `over` and `dim`, as `network(trajectory).gradients(w)` gives them. Returns along all
    further dimensions `noise` (tr Σ), `signal` (|G|²) and `noise_scale` (B, in samples), each with its
    standard error by the jackknife over samples: `noise_error`, `signal_error`, `noise_scale_error`
    (NaN where B is inf, or would be without one of the samples). All NaN where a gradient is. Raises
    ValueError where a dimension is missing or for fewer than three samples.

    Sources: McCandlish, Kaplan, Amodei et al. 2018, arXiv:1812.06162, §2.2 and appendix A.1; Efron &
    Tibshirani 1993, chapter 11 (jackknife).
    """
    require(gradients, over, dim)
    S = gradients.sizes[over]
    if S < 3:
        raise ValueError(f"the noise of a gradient needs three samples or more along {over}; got {S}")
    ordered = gradients.transpose(..., over, dim)
    further = ordered.dims[:-2]
    g = ordered.values.astype(float)
    whole = g.sum(-2)
    each, total = (g**2).sum(-1), (whole**2).sum(-1)
    # |Σ g - g_i|², for the means without the i-th
    without = total[..., None] - 2 * (g @ whole[..., None])[..., 0] + each
    found = _noise(each.sum(-1), total, S)
    left_out = _noise(each.sum(-1, keepdims=True) - each, without, S - 1)
    what = {
        "noise": ("spread of the samples' gradients", "tr Σ"),
        "signal": ("square of the true gradient", "|G|²"),
        "noise_scale": ("gradient noise scale", "B"),
    }
    result = xr.Dataset()
    for (name, (meaning, symbol)), value, others in zip(what.items(), found, left_out):
        there = np.isfinite(others)
        mean = np.where(there, others, 0).mean(-1, keepdims=True)
        error = np.sqrt((S - 1) * (np.where(there, others - mean, 0) ** 2).mean(-1))
        error = np.where(np.isfinite(value) & there.all(-1), error, np.nan)
        units = over + "s" if name == "noise_scale" else ""
        result[name] = labelled(further, value, meaning, symbol, units)
        result[f"{name}_error"] = labelled(further, error, f"standard error: {meaning}", f"δ{symbol}", units)
    return located(result, gradients)


def _noise(squares: Array, total: Array, S: int) -> tuple[Array, Array, Array]:
    """tr Σ, |G|² and B from Σ |g_i|² and |Σ g_i|² of S samples."""
    noise = np.maximum(squares - total / S, 0.0) / (S - 1)
    signal = total / S**2 - noise / S
    scale = np.divide(noise, signal, out=np.where(np.isnan(signal), np.nan, np.inf), where=signal > 0)
    return noise, signal, scale
