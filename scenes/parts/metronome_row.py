"""Metronomes on a board, on a table or lifted on two cans."""

from bisect import bisect_right

import numpy as np
import xarray as xr
from manim import VGroup, VMobject

from scenes import _bezier
from scenes._theme import rgb
from scenes.parts import FIVE, Array, Part, deal, mark

SPACING, ROD, PIVOT = 2.5, 1.9, 0.31  # between metronomes; a pendulum length; pivot above the board
CAN = 0.42  # radius
GHOSTS, APART = 9, 0.75  # fading traces of each rod, and the time τ between them
BEFORE, FADING = APART * np.arange(1, GHOSTS + 1), (1 - np.arange(GHOSTS) / GHOSTS) ** 1.5


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
        self.ticks = [_upright(self.instants, theta).tolist() for theta in self.data["theta"].T]
        self.table = mark(stroke="faint", width=4)
        self._put(self.table, _bezier.segments([(-6.61, 0)], [(6.61, 0)]))
        self.cans = VGroup(*[mark(fill="panel", stroke="muted", width=3) for _ in range(2)])
        self.spokes = VGroup(*[mark(stroke="muted", width=2) for _ in range(2)])
        self.board = mark(fill="muted", opacity=0.75)
        roles = [FIVE[i % 5] for i in range(n)]
        self.ghosts = [mark(stroke=role, width=3) for role in roles for _ in range(GHOSTS)]
        self.bodies = VGroup(*[mark(fill="panel", stroke=role, width=3) for role in roles])
        self.rods = VGroup(*[mark(stroke="ink", width=5 * size**0.5) for _ in range(n)])
        self.bobs = VGroup(*[mark(fill=role) for role in roles])
        self.pivots = mark(fill="ink")
        self.panel, self.colours = rgb("panel"), np.array([rgb(role) for role in roles])
        self.add(self.table, self.cans, self.spokes, self.board, *self.ghosts)
        self.add(self.bodies, self.rods, self.bobs, self.pivots)
        self.show(self.t)

    def _put(self, shape: VMobject, points: Array) -> None:
        shape.points = self._placed(points)

    def _placed(self, points: Array) -> Array:
        """Points in the frame."""
        return self.foot + self.size * points

    def draw(self, t: float) -> None:
        x = self.at("x", t) * ROD * self.exaggerated
        top = 0.2 + 2 * CAN * min(1.0, 2 * self.lift)
        half = self.feet[-1] + 1.1
        self._put(self.board, _bezier.rectangles(x - half, top - 0.2, x + half, top))
        self._roll(x)
        pivots = self._pivots(x, top)
        theta = self.at("theta", t)
        deal(self._placed(_bezier.segments(pivots, pivots + ROD * _up(theta))), self.rods)
        self._put(self.pivots, _bezier.discs(pivots, 0.075))
        deal(self._placed(_bezier.polygons(pivots[:, None] + BODY)), self.bodies)
        deal(self._placed(_bezier.polygons(pivots[:, None] + BOB @ _turn(theta))), self.bobs)
        self._flash(t)
        self._trace(t, top)

    def _pivots(self, x: Array | float, top: float) -> Array:
        """Where the rods hang (…, metronome, 2) while the board is at x (…)."""
        along = self.feet + np.asarray(x)[..., None]
        return np.stack([along, np.full_like(along, top + PIVOT)], -1)

    def _roll(self, x: float) -> None:
        """The cans roll in once the board is up, then under it, half as far as it moves."""
        away = 8 * max(0.0, 2 - 2 * self.lift)
        there = self.presence * min(1.0, max(0.0, 10 * (self.lift - 0.5)))
        way = np.array([-away, away]) + x / 2
        centres = np.stack([np.array([-3.75, 3.75]) + way, np.full(2, CAN)], -1)
        arms = CAN * np.stack([np.cos(0.8 - way / CAN), np.sin(0.8 - way / CAN)], -1)
        deal(self._placed(_bezier.discs(centres, CAN)), self.cans)
        deal(self._placed(_bezier.segments(centres - arms, centres + arms)), self.spokes)
        for can, spoke in zip(self.cans, self.spokes, strict=True):
            can.fill_rgbas[:, 3] = can.stroke_rgbas[:, 3] = there
            spoke.stroke_rgbas[:, 3] = 0.5 * there

    def _flash(self, t: float) -> None:
        """A body's outline widens at the tick and calms; not where time runs fast and traces are drawn."""
        before = [ticks[i - 1] if (i := bisect_right(ticks, t)) else -np.inf for ticks in self.ticks]
        glow = (1 - self.traces) * np.exp(-(t - np.array(before)) / 0.7)
        fills = self.panel * (1 - 0.25 * glow[:, None]) + self.colours * 0.25 * glow[:, None]
        for body, fill, width in zip(self.bodies, fills, (3 + 3 * glow) * self.size**0.5, strict=True):
            body.fill_rgbas[:, :3] = fill
            body.stroke_width = float(width)

    def _trace(self, t: float, top: float) -> None:
        there = 0.7 * FADING * self.traces * self.presence
        if self.traces:
            then = np.maximum(t - BEFORE, self.instants[0])
            feet = self._pivots(self.all_at("x", then) * ROD * self.exaggerated, top).swapaxes(0, 1)
            along = _up(self.all_at("theta", then).T)
            lines = _bezier.segments(
                (feet + 0.62 * ROD * along).reshape(-1, 2), (feet + ROD * along).reshape(-1, 2)
            )
            deal(self._placed(lines), self.ghosts)
        for ghost, opacity in zip(self.ghosts, np.tile(there, len(self.feet)).tolist(), strict=True):
            ghost.stroke_rgbas[:, 3] = opacity

    def read(self) -> dict[str, Array]:
        ends = (np.array([rod.points[::3] for rod in self.rods]) - self.foot) / self.size
        along = ends[:, 1] - ends[:, 0]
        x = (ends[:, 0, 0] - self.feet).mean() / ROD / self.exaggerated
        return {"theta": np.arctan2(along[:, 0], along[:, 1]), "x": np.array(x)}


BODY = np.array([(-0.6, -PIVOT), (0.6, -PIVOT), (0.28, 1.16), (-0.28, 1.16)])
BOB = np.array([(-0.19, 1.26), (0.19, 1.26), (0.15, 1.54), (-0.15, 1.54)])


def _up(theta: Array) -> Array:
    """Where rods point (…, 2)."""
    return np.stack([np.sin(theta), np.cos(theta)], -1)


def _turn(theta: Array) -> Array:
    """Rotation (n, 2, 2) of row vectors by theta (n,), clockwise as a positive swing is."""
    c, s = np.cos(theta), np.sin(theta)
    return np.stack([c, -s, s, c], -1).reshape(-1, 2, 2)


def _upright(instants: Array, theta: Array) -> Array:
    """Times at which a rod passes upright."""
    crossing = np.flatnonzero(np.sign(theta[:-1]) != np.sign(theta[1:]))
    return instants[crossing + 1]
