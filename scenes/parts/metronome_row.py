"""Metronomes on a board, on a table or lifted on two cans."""

import numpy as np
import xarray as xr
from manim import VGroup, VMobject

from scenes import _bezier
from scenes._theme import rgb
from scenes.parts import FIVE, Array, Part, mark

SPACING, ROD, PIVOT = 2.5, 1.9, 0.31  # between metronomes; a pendulum length; pivot above the board
CAN = 0.42  # radius
GHOSTS, APART = 9, 0.75  # fading traces of each rod, and the time τ between them


class MetronomeRow(Part):
    """Angles `theta` (time, metronome) as rods, the board's position `x` (time,) as its place.

    `foot` is the middle of the table's edge. The rods' angles are true; the board's motion is `exaggerated`
    so many times. A body lights up when its rod passes upright: the tick. `lift` goes from 0 (the board on
    the table) to 1 (on two cans); `traces` from 0 to 1 (where the rods have just been).
    """

    variables = ("theta", "x")

    def __init__(
        self,
        trajectory: xr.Dataset,
        foot: tuple[float, float],
        size: float = 1.0,
        exaggerated: float = 4.0,
    ) -> None:
        super().__init__(trajectory)
        self.foot, self.size, self.exaggerated = np.array([*foot, 0.0]), size, exaggerated
        self.lift, self.traces = 0.0, 0.0
        n = trajectory.sizes["metronome"]
        self.feet = min(SPACING, 4 * SPACING / max(n - 1, 1)) * (np.arange(n) - (n - 1) / 2)
        self.ticks = [_upright(self.instants, theta) for theta in self.data["theta"].T]
        self.table = mark(stroke="faint", width=4)
        self._put(self.table, _bezier.segments([(-6.61, 0)], [(6.61, 0)]))
        self.cans = VGroup(*[mark(fill="panel", stroke="muted", width=3) for _ in range(2)])
        self.spokes = VGroup(*[mark(stroke="muted", width=2) for _ in range(2)])
        self.board = mark(fill="muted", opacity=0.75)
        roles = [FIVE[i % 5] for i in range(n)]
        self.ghosts = [[mark(stroke=role, width=3) for _ in range(GHOSTS)] for role in roles]
        self.bodies = VGroup(*[mark(fill="panel", stroke=role, width=3) for role in roles])
        self.rods = VGroup(*[mark(stroke="ink", width=5 * size**0.5) for _ in range(n)])
        self.bobs = VGroup(*[mark(fill=role) for role in roles])
        self.pivots = VGroup(*[mark(fill="ink") for _ in range(n)])
        self.add(self.table, self.cans, self.spokes, self.board)
        self.add(*[ghost for row in self.ghosts for ghost in row])
        self.add(self.bodies, self.rods, self.bobs, self.pivots)
        self.show(self.t)

    def _put(self, shape: VMobject, points: Array) -> None:
        shape.points = self.foot + self.size * points

    def draw(self, t: float) -> None:
        x = self.at("x", t) * ROD * self.exaggerated
        top = 0.2 + 2 * CAN * min(1.0, 2 * self.lift)
        half = self.feet[-1] + 1.1
        self._put(self.board, _bezier.rectangles(x - half, top - 0.2, x + half, top))
        self._roll(x)
        pivots = np.stack([self.feet + x, np.full_like(self.feet, top + PIVOT)], -1)
        rods = self.at("theta", t)
        for i, (pivot, theta) in enumerate(zip(pivots, rods, strict=True)):
            self._put(self.bodies[i], _bezier.polygons([pivot + BODY]))
            tip = pivot + ROD * _up(theta)
            self._put(self.rods[i], _bezier.segments([pivot], [tip]))
            self._put(self.bobs[i], _bezier.polygons([pivot + BOB @ _turn(theta)]))
            self._put(self.pivots[i], _bezier.discs(pivot, 0.075))
            self._flash(i, t)
            self._trace(i, t, top)

    def _roll(self, x: float) -> None:
        """The cans roll in once the board is up, then under it, half as far as it moves."""
        away = 8 * max(0.0, 2 - 2 * self.lift)
        there = self.presence * min(1.0, max(0.0, 10 * (self.lift - 0.5)))
        for can, spoke, side in zip(self.cans, self.spokes, (-1, 1), strict=True):
            way = side * away + x / 2
            centre = np.array([side * 3.75 + way, CAN])
            arm = CAN * np.array([np.cos(0.8 - way / CAN), np.sin(0.8 - way / CAN)])
            self._put(can, _bezier.discs(centre, CAN))
            self._put(spoke, _bezier.segments([centre - arm], [centre + arm]))
            can.fill_rgbas[:, 3] = can.stroke_rgbas[:, 3] = there
            spoke.stroke_rgbas[:, 3] = 0.5 * there

    def _flash(self, i: int, t: float) -> None:
        """A body's outline widens at the tick and calms; not where time runs fast and traces are drawn."""
        before = self.ticks[i][self.ticks[i] <= t]
        glow = (1 - self.traces) * np.exp(-(t - before[-1]) / 0.7) if len(before) else 0.0
        self.bodies[i].fill_rgbas[:, :3] = rgb("panel") * (1 - 0.25 * glow) + rgb(FIVE[i % 5]) * 0.25 * glow
        self.bodies[i].stroke_width = (3 + 3 * glow) * self.size**0.5

    def _trace(self, i: int, t: float, top: float) -> None:
        for j, ghost in enumerate(self.ghosts[i]):
            then = max(t - (j + 1) * APART, self.instants[0])
            foot = np.array([self.feet[i] + self.at("x", then) * ROD * self.exaggerated, top + PIVOT])
            along = _up(self.at("theta", then)[i])
            self._put(ghost, _bezier.segments([foot + 0.62 * ROD * along], [foot + ROD * along]))
            ghost.stroke_rgbas[:, 3] = 0.7 * (1 - j / GHOSTS) ** 1.5 * self.traces * self.presence

    def read(self) -> dict[str, Array]:
        ends = (
            np.array([(rod.points[0] - self.foot, rod.points[-1] - self.foot) for rod in self.rods])
            / self.size
        )
        along = ends[:, 1] - ends[:, 0]
        x = (ends[:, 0, 0] - self.feet).mean() / ROD / self.exaggerated
        return {"theta": np.arctan2(along[:, 0], along[:, 1]), "x": np.array(x)}


BODY = np.array([(-0.6, -PIVOT), (0.6, -PIVOT), (0.28, 1.16), (-0.28, 1.16)])
BOB = np.array([(-0.19, 1.26), (0.19, 1.26), (0.15, 1.54), (-0.15, 1.54)])


def _up(theta: float) -> Array:
    return np.array([np.sin(theta), np.cos(theta)])


def _turn(theta: float) -> Array:
    """Rotation of row vectors by theta, clockwise as a positive swing is."""
    c, s = np.cos(theta), np.sin(theta)
    return np.array([(c, -s), (s, c)])


def _upright(instants: Array, theta: Array) -> Array:
    """Times at which a rod passes upright."""
    crossing = np.flatnonzero(np.sign(theta[:-1]) != np.sign(theta[1:]))
    return instants[crossing + 1]
