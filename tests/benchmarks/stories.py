"""What the three reference scenes tell: our own simulations at every frame, and where things stand.

Both makes of a scene, `documented` and `parts`, read these and nothing of each other.
"""

from functools import cache

import numpy as np
import xarray as xr

from sims import Attention, Backprop, Kuramoto

FPS, FRAMES = 60, 600
FIVE = ("state", "updated", "target", "third", "error")

# A: sixty oscillators as dots on a circle, their order as an arrow, and its curve
CENTRE, RADIUS, DOT = (-3.6, -0.1), 2.4, 0.13
ORDER_BOX = (0.6, -2.1, 5.6, 4.0)

# B: a 4-8-3 network learns; beside it the weights of its first layer and its loss
COLUMNS = (
    np.array([(-6.0, y) for y in np.linspace(1.2, -1.2, 4)]),
    np.array([(-3.8, y) for y in np.linspace(2.6, -2.6, 8)]),
    np.array([(-1.6, y) for y in np.linspace(0.9, -0.9, 3)]),
)
UNIT, WIRE = 0.2, 3.0  # radius of a unit; stroke width of a weight of 1
LOSS_BOX = (1.6, -2.4, 4.6, 2.2)
CORNER, CELL, GAP = (2.3, 3.0), (0.6, 0.3), 0.06  # of the weights as coloured cells

# C: two sentences of six words, arrows as strong as the last word's weights, all weights in numbers
UPPER, LOWER = 2.6, 0.4  # baselines of the two sentences
ACROSS = np.linspace(-5.5, 0.0, 6)
TABLE = (1.5, 1.9, 0.95, 0.72)  # left, top, and the steps from number to number
SIZE, HEAD = 24, 0.2  # of the numbers in type, of an arrow's head in units


@cache
def oscillators() -> xr.Dataset:
    """One step of time for each frame."""
    return Kuramoto(n=60, K=2.0, frequencies="normal", dt=1 / FPS, steps=FRAMES).run()


@cache
def learning() -> xr.Dataset:
    """One step of training for each frame."""
    return Backprop(hidden=(8,), steps=FRAMES).run()


@cache
def looking() -> xr.Dataset:
    """One step of training for each frame; the first of its two sentences."""
    return Attention(steps=FRAMES, every=1).run().isel(sentence=0, head=0)


def limits() -> tuple[float, float]:
    """The largest weight of the first layer, and the largest loss."""
    run = learning()
    return float(abs(run.W_1).max()), float(run.loss.max())
