"""The energy each oscillator feels, as a valley with the oscillators on its slopes."""

import numpy as np
import xarray as xr
from manim import VGroup

from scenes import _bezier
from scenes._theme import SMALL, figures, words
from scenes.parts import FIVE, Array, Part, deal, mark

REACH = 1.1  # length of an arrow for a drift of 1 rad/s


class Valley(Part):
    """The mean field's potential -K r cos(θ - ψ) and every oscillator on it, with two arrows each.

    The broad arrow is the recorded drift dθ/dt, the thin one minus the recorded slope ∂E/∂θ, there as far as
    `falls_there` says, a number between 0 and 1.
    """

    variables = ("theta", "theta_dot", "slope", "r", "psi")

    def __init__(self, trajectory: xr.Dataset, K: float, box: tuple[float, float, float, float]) -> None:
        super().__init__(trajectory)
        self.K, self.box, self.falls_there = K, box, 0.0
        left, bottom, width, _ = box
        n = trajectory.sizes["oscillator"]
        phase = np.linspace(-np.pi, np.pi, 121)
        self.across, self.bowl = self._x(phase), np.cos(phase)
        self.slope_line = mark(stroke="muted", width=4)
        self.drifts = VGroup(*[mark(fill=FIVE[i % 5], opacity=0.7) for i in range(n)])
        self.falls = VGroup(*[mark(fill="ink") for _ in range(n)])
        self.dots = VGroup(*[mark(fill=FIVE[i % 5]) for i in range(n)])
        axis = mark(stroke="faint", width=3)
        axis.points = _bezier.segments([(left, bottom)], [(left + width, bottom)])
        labels = VGroup(
            *[
                figures(f"{d:+d}°".replace("-", "−") if d else "0°", 16).put(
                    self._x(np.deg2rad(d)), bottom - 0.32
                )
                for d in (-180, 0, 180)
            ],
            words("phase from the mean", SMALL, "muted").put(left + width * 0.745, bottom - 0.34),
        )
        self.add(axis, labels, self.slope_line, self.dots, self.drifts, self.falls)
        self.show(self.t)

    def _x(self, phase: Array) -> Array:
        return self.box[0] + self.box[2] * (0.5 + np.asarray(phase) / (2 * np.pi))

    def _y(self, energy: Array) -> Array:
        return self.box[1] + self.box[3] * (0.5 + np.asarray(energy) / (2 * self.K))

    def draw(self, t: float) -> None:
        r, psi = self.at("r", t), self.nearest("psi", t)
        line = np.stack([self.across, self._y(-self.K * r * self.bowl)], -1)
        self.slope_line.points = _bezier.polyline(line)
        apart = (self.at("theta", t) - psi + np.pi) % (2 * np.pi) - np.pi
        xy = np.stack([self._x(apart), self._y(-self.K * r * np.cos(apart))], -1)
        xy[:, 1] += 0.13
        for marks, name, sign, width, head in (
            (self.drifts, "theta_dot", 1, 0.15, 0.36),
            (self.falls, "slope", -1, 0.035, 0.17),
        ):
            reach = np.stack([REACH * sign * self.at(name, t), np.zeros(len(xy))], -1)
            deal(_bezier.arrows(xy, xy + reach, width, head), marks)
        for arrow in self.falls:
            arrow.fill_rgbas[:, 3] = self.falls_there * self.presence
        deal(_bezier.discs(xy, 0.12), self.dots)

    def read(self) -> dict[str, Array]:
        feet = np.array([dot.get_center()[0] for dot in self.dots])
        tips = {
            name: np.array([arrow.points[4 * 3][0] for arrow in marks])
            for name, marks in (("theta_dot", self.drifts), ("slope", self.falls))
        }
        return {
            "theta_dot": (tips["theta_dot"] - feet) / REACH,
            "slope": -(tips["slope"] - feet) / REACH,
        }
