"""What the marks of a network mean, beside samples of them; and the ring that says: look here."""

import numpy as np
from manim import VGroup, VMobject

from scenes import _bezier
from scenes._language import said
from scenes._theme import SMALL, colour, rgb, words
from scenes.parts import Array, mark
from scenes.parts.wires import tracks


def legend(left: float, top: float) -> VGroup:
    """What wires and units say, in four lines."""
    brighter, darker = said("brighter: more active"), said("darker: more active")
    active = brighter if rgb("ink").sum() > rgb("ground").sum() else darker
    texts = "positive weight", "negative weight", "wider: a larger weight", active
    key = VGroup()
    for k, text in enumerate(texts):
        y = top - 0.55 * k
        key.add(words(text, SMALL, "muted").put(left + 1, y - 0.07, "left"))
        if k < 2:
            key.add(line(left, left + 0.75, y, width=4, negative=k == 1))
        elif k == 2:
            key.add(line(left, left + 0.3, y, width=1.5), line(left + 0.45, left + 0.75, y, width=7))
        else:
            key.add(*[unit(left + x, y, 0.15, share) for x, share in ((0.15, 0.15), (0.6, 0.85))])
    return key


def line(left: float, right: float, y: float, width: float, negative: bool = False) -> VMobject:
    """A wire as the network draws it."""
    wire = mark(stroke="error" if negative else "state", width=width)
    wire.points = tracks(np.array([left, y]), np.array([right, y]))[negative]
    return wire


def unit(x: float, y: float, radius: float, share: float) -> VMobject:
    """A unit, with this share of ink in the ground."""
    disc = mark(fill="ink", stroke="ink")
    disc.points = _bezier.discs([x, y], radius)
    return disc.set_fill(colour("ground").interpolate(colour("ink"), share))


def blame_key(left: float, top: float) -> VGroup:
    """What the arcs round the units say: the sign of their blame and its size."""
    rows = ((-2.2, "this unit should give less"), (2.2, "this unit should give more"))
    key = VGroup()
    for k, (turn, text) in enumerate(rows):
        y = top - 0.72 * k
        key.add(unit(left + 0.2, y, 0.2, 0.3), arc(left + 0.2, y, turn))
        key.add(words(text, SMALL, "muted").put(left + 0.75, y - 0.07, "left"))
    return key.add(words("longer arc: more blame", SMALL, "muted").put(left + 0.75, top - 1.51, "left"))


def arc(x: float, y: float, turn: float) -> VMobject:
    """An arc of blame from the top of a unit; clockwise where `turn` is negative."""
    shape = mark(stroke="error", width=5)
    shape.points = _bezier.arcs([(x, y)], 0.26, np.pi / 2, turn, pieces=6)
    return shape


def ring(centre: Array, radius: float) -> VMobject:
    """The ring that says: look here."""
    shape = mark(stroke="focus", width=5)
    shape.points = _bezier.discs(centre, radius)
    return shape
