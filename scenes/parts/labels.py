"""Names beside their dots: none on another, on a mark, or outside the picture."""

from collections.abc import Sequence

import numpy as np
from manim import DL, UR, VGroup, VMobject

from scenes import _bezier
from scenes._theme import Words
from scenes.parts import Array, mark

Rectangle = tuple[float, float, float, float]  # left, bottom, right, top
REACH, TURNS = (0.05, 0.15, 0.3, 0.45, 0.6, 0.8, 1.0, 1.3, 1.6, 2.0, 2.4), 24
NEAR, AIR, SPACE = 0.3, 0.05, 0.1  # so near needs no line; free around a name; between two in a row


def names(labels: Sequence[Words], dots: Array, taken: Sequence[Rectangle], box: Rectangle) -> VGroup:
    """Each label put at the free place nearest to its dot (n, 2), with a thin line to it where it is far.

    Labels are placed in turn, the most important first; one that finds no free place in the box is left out.
    A name would rather lie farther off than where it seems to be another dot's; a line, than cross marks.
    """
    marks = [*taken, *[_square(dot, 0.2) for dot in dots]]
    done: list[Rectangle] = []
    placed = VGroup()
    for label, dot in zip(labels, dots, strict=True):
        best: tuple[float, Rectangle, Array, list[Rectangle]] | None = None
        for place, reach in _places(label, dot):
            line = _line(dot, place)
            track = [_square(spot, 0.0) for spot in line] if reach > NEAR else []
            if not _within(place, box) or _meet([place], marks + done) or _meet(track, done):
                continue
            mistaken = not track and _distances(dots, place).min() < _distances(dot, place) - 0.02
            cost = reach + (0.8 if mistaken else 0.5 if _meet(track[3:], marks) else 0.0)
            if best is None or cost < best[0]:
                best = cost, place, line, track
        if best:
            _, place, line, track = best
            label.put(place[0], place[1] - label._drop, "left")
            placed.add(VGroup(label, _leader(line)) if track else VGroup(label))
            done += [(place[0] - SPACE, place[1], place[2] + SPACE, place[3]), *track]
    return placed


def box_of(text: VMobject) -> Rectangle:
    """The place that a text takes."""
    (left, bottom, _), (right, top, _) = text.get_corner(DL), text.get_corner(UR)
    return (float(left), float(bottom), float(right), float(top))


def along(start: Array, end: Array, width: float = 0.12) -> list[Rectangle]:
    """Little squares that cover an arrow, or a dot, from start to end (2,): places that are taken."""
    count = 1 + int(np.hypot(*(end - start)) / width)
    return [_square(start + share * (end - start), width) for share in np.linspace(0, 1, count + 1)]


def _square(middle: Array, side: float) -> Rectangle:
    x, y = float(middle[0]), float(middle[1])
    return (x - side / 2, y - side / 2, x + side / 2, y + side / 2)


def _places(label: Words, dot: Array) -> list[tuple[Rectangle, float]]:
    """Places around a dot, and how far from it they are."""
    w, h = label.width, label.height
    places = []
    for reach in REACH:
        for angle in 2 * np.pi * np.arange(TURNS) / TURNS:
            x = dot[0] + np.cos(angle) * (0.1 + reach + w / 2)
            y = dot[1] + np.sin(angle) * (0.1 + reach + h / 2)
            places.append(((x - w / 2, y - h / 2, x + w / 2, y + h / 2), reach))
    return places


def _line(dot: Array, to: Rectangle) -> Array:
    """Points (12, 2) from the dot to the nearest point of a rectangle, a little short of both."""
    reach = np.clip(dot, to[:2], to[2:]) - dot
    length = max(float(np.hypot(*reach)), 1e-9)
    return dot + np.linspace(0.14 / length, 1 - 0.07 / length, 12)[:, None] * reach


def _distances(dots: Array, to: Rectangle) -> Array:
    """From dots (…, 2) to the nearest point of a rectangle."""
    return np.linalg.norm(np.clip(dots, to[:2], to[2:]) - dots, axis=-1)


def _leader(line: Array) -> VMobject:
    leader = mark(stroke="muted", width=1.5)
    leader.points = _bezier.segments(line[0], line[-1])
    return leader


def _within(r: Rectangle, box: Rectangle) -> bool:
    return r[0] >= box[0] and r[1] >= box[1] and r[2] <= box[2] and r[3] <= box[3]


def _meet(some: Sequence[Rectangle], others: Sequence[Rectangle]) -> bool:
    """Whether any of the one kind comes nearer than AIR to any of the other."""
    if not some or not others:
        return False
    a, b = np.array(some)[:, None], np.array(others)[None]
    return bool(((a[..., :2] < b[..., 2:] + AIR) & (b[..., :2] < a[..., 2:] + AIR)).all(-1).any())
