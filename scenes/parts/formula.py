"""Formulas whose pieces come out of the picture."""

from manim import MathTypst, Mobject, TransformFromCopy, VGroup


def copied(formula: MathTypst, **sources: Mobject) -> list[TransformFromCopy]:
    """Marks of the picture that become the named pieces of a formula."""
    return [TransformFromCopy(source, formula.select(name)) for name, source in sources.items()]


def rest(formula: MathTypst, pieces: str) -> VGroup:
    """The signs between the pieces, whose names are the letters given."""
    named = {id(glyph) for name in pieces for glyph in formula.select(name)}
    return VGroup(*[glyph for glyph in formula if id(glyph) not in named])
