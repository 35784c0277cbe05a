"""Marks that go to the number or the symbol they become, whole all the way; and parts that come and go."""

from collections.abc import Iterable
from typing import Any

from manim import Animation, FadeIn, MathTypst, VGroup, VMobject, smooth, squish_rate_func

from scenes._film import Tune
from scenes.parts import Part
from scenes.parts.formula import solid


class Flight(Animation):
    """A copy of some marks goes to a target, shrinks to its height and fades on the way."""

    def __init__(self, marks: Iterable[VMobject], target: VMobject, **kwargs: Any) -> None:
        ghost = solid(marks).set_z_index(-1)  # it passes behind numbers on its way
        self.start, self.end = ghost.get_center(), target.get_center()
        self.shrink = min(1.0, float(target.height / max(ghost.height, ghost.width, 1e-9)))
        super().__init__(ghost, introducer=True, remover=True, **kwargs)

    def interpolate_submobject(self, submobject: Any, starting_submobject: Any, alpha: float) -> None:
        size = 1 + (self.shrink - 1) * alpha
        centre = self.start + (self.end - self.start) * alpha
        submobject.points = centre + size * (starting_submobject.points - self.start)
        left = 1 - alpha
        submobject.fill_rgbas[:, 3] = left * starting_submobject.fill_rgbas[:, 3]
        submobject.stroke_rgbas[:, 3] = left * starting_submobject.stroke_rgbas[:, 3]
        submobject.stroke_width = size * starting_submobject.stroke_width


def become(marks: Iterable[VMobject], target: VGroup) -> list[Animation]:
    """Marks of the picture fly to the place of a target, which comes as they arrive."""
    return [Flight(marks, target), FadeIn(target, rate_func=squish_rate_func(smooth, 0.55, 1))]


def pieces(formula: MathTypst, **sources: Iterable[VMobject]) -> list[Animation]:
    """Marks of the picture that become the named pieces of a formula."""
    return [a for name, marks in sources.items() for a in become(marks, formula.select(name))]


def arrive(*parts: Part) -> list[Tune]:
    """Parts that come."""
    return [Tune(part, presence=1) for part in parts]


def leave(*parts: Part) -> list[Tune]:
    """Parts that go."""
    return [Tune(part, presence=0) for part in parts]
