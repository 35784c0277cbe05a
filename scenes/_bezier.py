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


def bends(xy: ArrayLike, within: float) -> NDArray[np.intp]:
    """Which corners of a path (n, 2) draw it: all others lie `within` of the straight lines between these.

    Douglas and Peucker, Cartographica 10 (1973) 112-122.
    """
    xy = np.asarray(xy, dtype=float)
    kept = [0, len(xy) - 1][: len(xy)]
    open_ = [(0, len(xy) - 1)]
    while open_:
        first, last = open_.pop()
        if last - first < 2:
            continue
        between, along = xy[first + 1 : last] - xy[first], xy[last] - xy[first]
        # to the piece, not to its line: a path may turn back
        share = np.clip(between @ along / max(along @ along, 1e-30), 0, 1)
        apart = np.hypot(*(between - share[:, None] * along).T)
        if (middle := int(apart.argmax())) >= 0 and apart[middle] > within:
            kept.append(first + 1 + middle)
            open_ += (first, kept[-1]), (kept[-1], last)
    return np.unique(kept)


def segments(start: ArrayLike, end: ArrayLike) -> Array:
    """Straight pieces from each start (n, 2) to its end (n, 2)."""
    start, end = _rows(start), _rows(end)
    points = np.zeros((len(start), 4, 3))
    _straight(points, start, end)
    return points.reshape(-1, 3)


def _rows(xy: ArrayLike) -> Array:
    """Coordinates as (n, 2), a single pair as the only row."""
    xy = np.asarray(xy, dtype=float)
    return xy if xy.ndim > 1 else xy[None]


def _straight(points: Array, start: Array, end: Array) -> None:
    """Write straight pieces from start to end (…, 2) into points (…, 4, 3)."""
    along = end - start
    points[..., 0, :2] = start
    points[..., 1, :2] = start + along * (1 / 3)
    points[..., 2, :2] = start + along * (2 / 3)
    points[..., 3, :2] = end


def dashes(left: float, right: float, y: float, dash: float = 0.1) -> Array:
    """A level line in dashes, beginning and ending with one."""
    count = max(1, round(((right - left) / dash + 1) / 2))
    starts = np.linspace(left, right - dash, count)
    level = np.full_like(starts, y)
    return segments(np.stack([starts, level], -1), np.stack([starts + dash, level], -1))


def polygons(corners: ArrayLike) -> Array:
    """Closed polygons from their corners (n, k, 2)."""
    corners = np.asarray(corners, dtype=float)
    closed = np.concatenate([corners, corners[:, :1]], axis=1)
    points = np.zeros((*corners.shape[:2], 4, 3))
    _straight(points, corners, closed[:, 1:])
    return points.reshape(-1, 3)


def rectangles(left: ArrayLike, bottom: ArrayLike, right: ArrayLike, top: ArrayLike) -> Array:
    """Upright rectangles from their edges, each (n,) or a number."""
    edges = [np.asarray(edge, dtype=float) for edge in (left, bottom, right, top)]
    corners = np.empty((np.broadcast(*edges).size, 4, 2))
    corners[:, ::3, 0], corners[:, :2, 1], corners[:, 1:3, 0], corners[:, 2:, 1] = (
        edge.reshape(-1, 1) for edge in edges
    )
    return polygons(corners)


_UNIT_DISC = np.array(
    [
        [(c, s), (c - QUARTER * s, s + QUARTER * c), (-s + QUARTER * c, c + QUARTER * s), (-s, c)]
        for c, s in ((1, 0), (0, 1), (-1, 0), (0, -1))
    ]
).reshape(16, 2)


def discs(centres: ArrayLike, radius: ArrayLike) -> Array:
    """Circles of a radius (n,) or number round centres (n, 2)."""
    centres = _rows(centres)
    points = np.zeros((len(centres), 16, 3))
    points[..., :2] = centres[:, None] + np.reshape(radius, (-1, 1, 1)) * _UNIT_DISC
    return points.reshape(-1, 3)


def arcs(centres: ArrayLike, radius: ArrayLike, start: ArrayLike, angle: ArrayLike, pieces: int = 4) -> Array:
    """Arcs round centres (n, 2), from `start` through `angle` radians, anticlockwise positive."""
    centres = _rows(centres)
    angle = np.broadcast_to(np.asarray(angle, dtype=float), len(centres))[:, None]
    edge = np.reshape(start, (-1, 1)) + angle * np.linspace(0, 1, pieces + 1)
    handle = 4 / 3 * np.tan(angle / pieces / 4)
    c, s = np.cos(edge), np.sin(edge)
    c0, s0, c1, s1 = c[:, :-1], s[:, :-1], c[:, 1:], s[:, 1:]
    points = np.zeros((len(centres), pieces, 4, 3))
    x, y = points[..., 0], points[..., 1]
    x[..., 0], x[..., 1], x[..., 2], x[..., 3] = c0, c0 - handle * s0, c1 + handle * s1, c1
    y[..., 0], y[..., 1], y[..., 2], y[..., 3] = s0, s0 + handle * c0, s1 - handle * c1, s1
    points[..., :2] *= np.reshape(radius, (-1, 1, 1, 1))
    points[..., :2] += centres[:, None, None]
    return points.reshape(-1, 3)


def arrows(start: ArrayLike, end: ArrayLike, width: float, head: float) -> Array:
    """Filled arrows from start (n, 2) to end (n, 2): a shaft `width` thick, a head `head` long.

    An arrow shorter than its head is all head, so that it shrinks to nothing.
    """
    start, end = _rows(start), _rows(end)
    along = end - start
    length = np.sqrt((along * along).sum(-1, keepdims=True))
    along /= np.where(length > 0, length, 1)
    across = along[:, ::-1] * (-1, 1)
    h = np.minimum(head, length)
    neck = end - h * along
    wide, broad = np.minimum(width, length) / 2 * across, 0.42 * h * across
    corners = np.empty((len(start), 7, 2))
    corners[:, 0], corners[:, 6] = start - wide, start + wide
    corners[:, 1], corners[:, 5] = neck - wide, neck + wide
    corners[:, 2], corners[:, 4] = neck - broad, neck + broad
    corners[:, 3] = end
    return polygons(corners)


def bows(start: ArrayLike, end: ArrayLike, rise: ArrayLike) -> Array:
    """One smooth curve from each start to its end, its middle `rise` above their mean height."""
    start, end = _rows(start), _rows(end)
    rise = np.broadcast_to(rise, len(start))
    lift = np.stack([np.zeros_like(rise), rise * 4 / 3], -1)
    points = np.zeros((len(start), 4, 3))
    for i, control in enumerate((start, start * 0.8 + end * 0.2 + lift, start * 0.2 + end * 0.8 + lift, end)):
        points[:, i, :2] = control
    return points.reshape(-1, 3)
