"""Manim's fades, quicker: the marks of one in a few arrays, and none of it once the fade is through."""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from manim import Animation, AnimationGroup, FadeIn, FadeOut, Mobject, Scene, Succession, VMobject, Wait

STATES = ("points", "fill_rgbas", "stroke_rgbas", "background_stroke_rgbas")
CONSTANT = ("stroke_width", "background_stroke_width", "sheen_direction", "sheen_factor")
KNOWN = [kind.update_mobjects for kind in (Animation, AnimationGroup, Succession, Wait)]


class Fading:
    """What a `FadeIn` or `FadeOut` does at every frame, to the last bit: blend points and colours.

    Manim does it glyph by glyph, for seven properties, and in every frame after the fade has ended too.
    """

    def __init__(self, fade: Animation, shapes: list[tuple[Any, Any, Any]]) -> None:
        self.fade = fade
        self.shapes = [shape for shape, _, _ in shapes]
        self.ends = [
            [np.concatenate([getattr(end, name) for end in ends]) for name in STATES]
            for ends in zip(*[(start, stop) for _, start, stop in shapes], strict=True)
        ]
        self.rows = [
            [slice(stop - count, stop) for count, stop in zip(counts, np.cumsum(counts), strict=True)]
            for counts in ([len(getattr(shape, name)) for shape in self.shapes] for name in STATES)
        ]
        self.share: float | None = None

    def __call__(self, alpha: float) -> None:
        """Stands in for the fade's `interpolate_mobject`."""
        share = self.fade.get_sub_alpha(alpha, 0, len(self.shapes))
        if share == self.share:
            return
        self.share = share
        for name, start, stop, rows in zip(STATES, *self.ends, self.rows, strict=True):
            now = (1 - share) * start + share * stop
            for shape, row in zip(self.shapes, rows, strict=True):
                setattr(shape, name, now[row])


def quicken(animations: Iterable[Animation]) -> None:
    """Let every begun fade that is alone with its marks do no more than it must."""
    each = list(_leaves(animations))
    marks = [{id(mobject) for mobject in animation.mobject.get_family()} for animation in each]
    for fade, own in zip(each, marks, strict=True):
        alone = sum(not own.isdisjoint(other) for other in marks) == 1
        if alone and type(fade) in (FadeIn, FadeOut) and not fade.lag_ratio and not fade.path_arc:
            shapes = list(fade.get_all_families_zipped())
            if shapes and all(_only_fades(*triple) for triple in shapes):
                fade.interpolate_mobject = Fading(fade, shapes)


def _only_fades(shape: Mobject, start: Mobject, stop: Mobject) -> bool:
    """Whether a fade's two ends differ in nothing but place and colour."""
    return (
        all(isinstance(each, VMobject) for each in (shape, start, stop))
        and all(np.array_equal(getattr(start, name), getattr(stop, name)) for name in CONSTANT)
        and all(getattr(start, name).shape == getattr(stop, name).shape for name in STATES)
    )


def is_updated(scene: Scene) -> bool:
    """Whether anything on stage follows an updater, for which Manim looks at every mobject in every frame."""
    each = list(_leaves(scene.animations or []))
    if scene.updaters or scene.meshes or any(type(one).update_mobjects not in KNOWN for one in each):
        return True
    followed = [mobject for animation in each for mobject in animation.get_all_mobjects()]
    return any(m.updaters for mobject in (*scene.mobjects, *followed) for m in mobject.get_family())


def _leaves(animations: Iterable[Animation]) -> Iterator[Animation]:
    """The animations, and instead of a group those in it."""
    for animation in animations:
        if isinstance(animation, AnimationGroup):
            yield from _leaves(animation.animations)
        else:
            yield animation
