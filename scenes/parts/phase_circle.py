"""Phases as dots on a circle, marked in degrees, with the order parameter as an arrow."""

import numpy as np
import xarray as xr
from manim import VGroup

from scenes import _bezier
from scenes._theme import SMALL, Role, colour, words
from scenes.parts import Array, Part, mark

FIVE: tuple[Role, ...] = ("state", "updated", "target", "third", "error")


class PhaseCircle(Part):
    """Oscillators' phases `phase` (time, oscillator) and the order parameter r e^{iψ} on a circle.

    0° is at the right, angles grow anticlockwise; the arrow's length is r of the radius.
    """

    def __init__(
        self,
        trajectory: xr.Dataset,
        centre: tuple[float, float],
        radius: float,
        phase: str = "theta",
        roles: tuple[Role, ...] = FIVE,
    ) -> None:
        self.variables = (phase, "r", "psi")
        super().__init__(trajectory)
        self.phase, self.centre, self.radius = phase, np.array(centre), radius
        self.ring = mark(stroke="faint", width=3)
        self.ring.points = _bezier.discs([centre], radius)
        self.arrow = mark(fill="ink")
        n = trajectory[phase].shape[1]
        self.dots = VGroup(*[mark(fill=roles[i % len(roles)]) for i in range(n)])
        self.add(self.ring, _degrees(self.centre, radius), self.arrow, self.dots)
        self.show(self.t)

    def draw(self, t: float) -> None:
        theta = self.at(self.phase, t)
        xy = self.centre + self.radius * np.stack([np.cos(theta), np.sin(theta)], -1)
        for dot, point in zip(self.dots, xy, strict=True):
            dot.points = _bezier.discs(point, 0.11)
        r, psi = np.hypot(*self._mean(theta)), np.arctan2(*self._mean(theta)[::-1])
        tip = self.centre + self.radius * r * np.array([np.cos(psi), np.sin(psi)])
        self.arrow.points = _bezier.arrows(self.centre, tip, 0.05, 0.2)

    @staticmethod
    def _mean(theta: Array) -> Array:
        return np.array([np.cos(theta).mean(), np.sin(theta).mean()])

    def read(self) -> dict[str, Array]:
        xy = np.array([dot.get_center()[:2] for dot in self.dots]) - self.centre
        return {self.phase: np.arctan2(xy[:, 1], xy[:, 0])}


def _degrees(centre: Array, radius: float) -> VGroup:
    labels = VGroup()
    for angle, side in ((0, (0.42, -0.09)), (90, (0, 0.2)), (180, (-0.5, -0.09)), (270, (0, -0.4))):
        x, y = centre + radius * np.array([np.cos(np.deg2rad(angle)), np.sin(np.deg2rad(angle))]) + side
        labels.add(words(f"{angle}°", SMALL, "muted").put(x, y))
    return labels
