"""Weights as wires between two columns of units."""

import numpy as np
from manim import VGroup

from scenes import _bezier
from scenes._theme import rgb
from scenes.parts import Array, mark

WIDTH = 2.4  # stroke of a weight of 1, in Manim's hundredths of a unit
DASH, GAP = 0.13, 0.09


class Wires(VGroup):
    """A wire for each weight W (n, m), from m places to n: its width is |W|.

    Positive weights are unbroken and blue, negative ones dashed and red. `near` and `far` are the radii of
    the units where wires begin and end.
    """

    def __init__(self, start: Array, end: Array, near: float, far: float) -> None:
        self.size = len(end), len(start)
        self.tracks = [tracks(a, b, near, far) for b in end for a in start]
        self.positive, self.negative = rgb("state"), rgb("error")
        super().__init__(*[mark(stroke="state") for _ in self.tracks])

    def wire(self, j: int, i: int) -> VGroup:
        """The mark of one weight."""
        return self[j * self.size[1] + i]

    def write(self, W: Array, alpha: Array) -> None:
        """Draw the weights W (n, m), each as opaque as `alpha` (n, m) says."""
        weights, opacities = W.ravel(), alpha.reshape(-1, 1)
        colours = np.where(weights[:, None] >= 0, self.positive, self.negative)
        rgbas, widths = np.hstack([colours, opacities]), (WIDTH * abs(weights)).tolist()
        signs = (weights < 0).tolist()
        for wire, track, dashed, rgba, width in zip(self, self.tracks, signs, rgbas, widths, strict=True):
            wire.points = track[dashed]
            wire.stroke_rgbas[:] = rgba
            wire.stroke_width = width

    def read(self) -> Array:
        """The weights that the wires' widths and dashes say."""
        signed = [wire.stroke_width * (1 if len(wire.points) == 4 else -1) for wire in self]
        return np.array(signed).reshape(self.size) / WIDTH


def tracks(start: Array, end: Array, near: float = 0.0, far: float = 0.0) -> tuple[Array, Array]:
    """The way from start to end less the units' radii `near` and `far`, unbroken and dashed."""
    length = float(np.linalg.norm(end - start))
    along = (end - start) / length
    a, b, length = start + near * along, end - far * along, length - near - far
    feet = np.arange(0, length - DASH / 2, DASH + GAP)[:, None]
    tips = np.minimum(feet + DASH, length)
    return _bezier.segments([a], [b]), _bezier.segments(a + feet * along, a + tips * along)
