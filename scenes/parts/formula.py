"""Formulas whose pieces come out of the picture."""

from collections.abc import Iterable

import numpy as np
from manim import MathTypst, VGroup, VMobject

from scenes import _bezier
from scenes._theme import colour, math


def blame_formulas() -> tuple[MathTypst, MathTypst, MathTypst]:
    """Blame at the outputs, blame further back, a step of every weight; error and blame in their colour."""
    formulas = (
        math("{{delta^L : d}} = {{(a^L - y) : e}} dot.o {{sigma'(z^L) : s}}", 30),
        math("{{delta^l : d}} = {{(W^(l+1))^top : w}} {{delta^(l+1) : e}} dot.o {{sigma'(z^l) : s}}", 30),
        math("{{W^l : w}} arrow.l {{W^l : v}} - eta thin {{delta^l : d}} thin {{(a^(l-1))^top : a}}", 30),
    )
    for formula, pieces in zip(formulas, ("de", "de", "d"), strict=True):
        for name in pieces:
            formula.select(name).set_color(colour("error"))
    return formulas


def rest(formula: MathTypst, pieces: str) -> VGroup:
    """The signs between the pieces, whose names are the letters given."""
    named = {id(glyph) for name in pieces for glyph in formula.select(name)}
    return VGroup(*[glyph for glyph in formula if id(glyph) not in named])


def solid(marks: Iterable[VMobject]) -> VGroup:
    """Copies of marks with lines made areas, so that on the way to a letter they stay what they are."""
    return VGroup(*[shape.copy() if shape.fill_rgbas[0, 3] else _area(shape) for shape in marks])


def _area(line: VMobject) -> VMobject:
    """A line as the area it covers; a dashed one without its gaps."""
    a, b, c, d = np.moveaxis(line.points.reshape(-1, 4, 3)[..., :2], 1, 0)
    shares = [
        a * (1 - t) ** 3 + 3 * b * t * (1 - t) ** 2 + 3 * c * t**2 * (1 - t) + d * t**3
        for t in (0, 0.25, 0.5, 0.75, 1)
    ]
    path = np.stack(shares, axis=1).reshape(-1, 2)
    along = np.gradient(path, axis=0)
    along /= np.maximum(np.linalg.norm(along, axis=-1, keepdims=True), 1e-9)
    side = np.stack([-along[:, 1], along[:, 0]], -1) * line.stroke_width / 200
    area = VMobject(stroke_width=0, fill_color=line.get_stroke_color(), fill_opacity=line.stroke_rgbas[0, 3])
    area.points = _bezier.polygons([np.vstack([path + side, (path - side)[::-1]])])
    return area
