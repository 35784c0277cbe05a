"""Greys between ground and ink on which numbers can be read."""

import numpy as np

from scenes._theme import rgb
from scenes.parts import Array

ENOUGH = 4.55  # contrast of text with what it stands on: 4.5, and what rounding to 256 levels takes


def readable_greys() -> tuple[float, float]:
    """The greatest share of ink in the ground that ink is read on, and the least that the ground is."""
    share = np.linspace(0, 1, 401)
    ground, ink = (_luminance(rgb(role)) for role in ("ground", "ink"))
    greys = _luminance(rgb("ground") * (1 - share[:, None]) + rgb("ink") * share[:, None])
    dark = share[_contrast(greys, ink) >= ENOUGH].max()
    return float(dark), float(share[_contrast(greys, ground) >= ENOUGH].min())


def _luminance(c: Array) -> Array:
    linear = np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)
    return np.asarray(linear @ [0.2126, 0.7152, 0.0722])


def _contrast(a: Array, b: Array) -> Array:
    return np.asarray((np.maximum(a, b) + 0.05) / (np.minimum(a, b) + 0.05))
