"""Outlines as arrays of cubic Bézier points, ready to be written into a mobject's `points`.

Every function takes (..., 2) coordinates and returns (n, 3) points, four for each piece of outline.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

QUARTER = 4 / 3 * np.tan(np.pi / 8)  # handle length that makes a cubic follow a quarter of a circle


def polyline(xy: ArrayLike) -> Array:
    """One path through the corners xy (n, 2)."""
    xy = np.asarray(xy, dtype=float)
    return segments(xy[:-1], xy[1:])


def segments(start: ArrayLike, end: ArrayLike) -> Array:
    """Straight pieces from each start (n, 2) to its end (n, 2)."""
    start, end = np.atleast_2d(start), np.atleast_2d(end)
    points = np.zeros((len(start), 4, 3))
    for i, share in enumerate((0, 1 / 3, 2 / 3, 1)):
        points[:, i, :2] = start + (end - start) * share
    points[:, 0, :2], points[:, 3, :2] = start, end
    return points.reshape(-1, 3)


def dashes(left: float, right: float, y: float, dash: float = 0.1) -> Array:
    """A level line in dashes, beginning and ending with one."""
    count = max(1, round(((right - left) / dash + 1) / 2))
    starts = np.linspace(left, right - dash, count)
    level = np.full_like(starts, y)
    return segments(np.stack([starts, level], -1), np.stack([starts + dash, level], -1))


def polygons(corners: ArrayLike) -> Array:
    """Closed polygons from their corners (n, k, 2)."""
    corners = np.asarray(corners, dtype=float)
    return segments(corners.reshape(-1, 2), np.roll(corners, -1, axis=-2).reshape(-1, 2))


def rectangles(left: ArrayLike, bottom: ArrayLike, right: ArrayLike, top: ArrayLike) -> Array:
    """Upright rectangles from their edges, each (n,) or a number."""
    l, b, r, t = np.broadcast_arrays(*map(np.atleast_1d, (left, bottom, right, top)))
    return polygons(np.stack([np.stack(c, -1) for c in ((l, b), (r, b), (r, t), (l, t))], axis=-2))


_UNIT_DISC = np.array(
    [
        [(c, s), (c - QUARTER * s, s + QUARTER * c), (-s + QUARTER * c, c + QUARTER * s), (-s, c)]
        for c, s in ((1, 0), (0, 1), (-1, 0), (0, -1))
    ]
).reshape(16, 2)


def discs(centres: ArrayLike, radius: ArrayLike) -> Array:
    """Circles of a radius (n,) or number round centres (n, 2)."""
    centres = np.atleast_2d(centres)
    radius = np.broadcast_to(radius, len(centres))
    points = np.zeros((len(centres), 16, 3))
    points[..., :2] = centres[:, None] + radius[:, None, None] * _UNIT_DISC
    return points.reshape(-1, 3)


def arcs(centres: ArrayLike, radius: ArrayLike, start: ArrayLike, angle: ArrayLike, pieces: int = 4) -> Array:
    """Arcs round centres (n, 2), from `start` through `angle` radians, anticlockwise positive."""
    centres = np.atleast_2d(centres)
    n = len(centres)
    radius, start, angle = (np.broadcast_to(v, n).astype(float) for v in (radius, start, angle))
    edge = start[:, None] + angle[:, None] * np.linspace(0, 1, pieces + 1)
    handle = 4 / 3 * np.tan(angle / pieces / 4)[:, None]
    c, s = np.cos(edge), np.sin(edge)
    c0, s0, c1, s1 = c[:, :-1], s[:, :-1], c[:, 1:], s[:, 1:]
    x = np.stack([c0, c0 - handle * s0, c1 + handle * s1, c1], -1)
    y = np.stack([s0, s0 + handle * c0, s1 - handle * c1, s1], -1)
    points = np.zeros((n, pieces, 4, 3))
    points[..., 0] = centres[:, None, None, :1].squeeze(-1)[..., None] + radius[:, None, None] * x
    points[..., 1] = centres[:, None, None, 1:].squeeze(-1)[..., None] + radius[:, None, None] * y
    return points.reshape(-1, 3)


def arrows(start: ArrayLike, end: ArrayLike, width: float, head: float) -> Array:
    """Filled arrows from start (n, 2) to end (n, 2): a shaft `width` thick, a head `head` long.

    An arrow shorter than its head is all head, so that it shrinks to nothing.
    """
    start, end = np.atleast_2d(start).astype(float), np.atleast_2d(end).astype(float)
    along = end - start
    length = np.linalg.norm(along, axis=-1, keepdims=True)
    along = along / np.where(length > 0, length, 1)
    across = np.stack([-along[:, 1], along[:, 0]], -1)
    h = np.minimum(head, length)
    neck = end - h * along
    w, half = np.minimum(width, length) / 2, 0.42 * h
    corners = (
        start - w * across,
        neck - w * across,
        neck - half * across,
        end,
        neck + half * across,
        neck + w * across,
        start + w * across,
    )
    return polygons(np.stack(corners, axis=-2))


def bows(start: ArrayLike, end: ArrayLike, rise: ArrayLike) -> Array:
    """One smooth curve from each start to its end, its middle `rise` above their mean height."""
    start, end = np.atleast_2d(start).astype(float), np.atleast_2d(end).astype(float)
    rise = np.broadcast_to(rise, len(start))
    lift = np.stack([np.zeros_like(rise), rise * 4 / 3], -1)
    points = np.zeros((len(start), 4, 3))
    for i, control in enumerate((start, start * 0.8 + end * 0.2 + lift, start * 0.2 + end * 0.8 + lift, end)):
        points[:, i, :2] = control
    return points.reshape(-1, 3)
