"""One gate at work: a number on its way from what it was to what it could become."""

from collections.abc import Iterable

import numpy as np
import xarray as xr
from manim import DOWN, FadeIn, LaggedStart, Mobject, VGroup, VMobject

from scenes import _bezier
from scenes._theme import NUMBER, SMALL, Role, colour, figures, words
from scenes.parts import Array, Part, mark
from scenes.parts.number import Number, advance

WIDE, TALL, BAR = 4.6, 1.0, 0.42  # from the old number to the new; height of a bar for 1; its width
SUM = 16  # size of the sum in numbers
TRACK = 1.0  # the way between starts and ends so far from them


class Blend(Part):
    """h' = (1 - z) h + z h_tilde for one unit (token,): a bar that goes the share z from the old to the new.

    Its top runs along the straight line from the top of the old bar to that of the new one, so its height is
    h'. Below it the gate: a tube filled to z. `opened` is the share of z reached, `x` where the middle is.
    """

    variables = ("h_before", "h_tilde", "z", "h")
    held = True

    def __init__(self, trajectory: xr.Dataset, x: float, y: float, clock: str = "token") -> None:
        super().__init__(trajectory, clock)
        self.x, self.y, self.opened = x, y, 1.0
        self.level = mark(stroke="faint", width=2)
        self.slope = mark(stroke="muted", width=2)
        self.bars = [mark(fill="state") for _ in range(3)]
        self.bars[2].set_stroke(colour("ink"), width=3, opacity=1)
        self.tube = mark(fill="panel", stroke="muted", width=2)
        self.fill = mark(fill="updated")
        self.numbers = [Number("{:+.2f}", NUMBER, align="centre") for _ in range(3)]
        self.gate = Number("{:.3f}", NUMBER, "updated", align="centre")
        self.names = [words(name, SMALL, "muted") for name in ("old", "new", "shut", "open")]
        self.add(
            self.level, self.slope, *self.bars, self.tube, self.fill, *self.numbers, self.gate, *self.names
        )
        self.show(self.t)

    @property
    def _ends(self) -> tuple[float, float, float, float]:
        """Where the old bar, the way's beginning and end, and the new bar are."""
        return self.x - WIDE / 2, self.x - WIDE / 2 + TRACK, self.x + WIDE / 2 - TRACK, self.x + WIDE / 2

    def draw(self, t: float) -> None:
        old, new, z = (float(self.nearest(name, t)) for name in self.variables[:3])
        left, start, stop, right = self._ends
        share = self.opened * z
        now = old + share * (new - old)
        here = start + share * (stop - start)
        self.level.points = _bezier.segments([(left - BAR, self.y)], [(right + BAR, self.y)])
        self.slope.points = _bezier.segments([(start, self.y + TALL * old)], [(stop, self.y + TALL * new)])
        for bar, x, value in zip(self.bars, (left, right, here), (old, new, now), strict=True):
            self._stand(bar, x, value)
        low = self.y - TALL - 0.52
        self.tube.points = _bezier.rectangles(start, low, stop, low + 0.26)
        self.fill.points = _bezier.rectangles(start, low, here, low + 0.26)
        for number, x, value in zip(self.numbers, (left, right, here), (old, new, now), strict=True):
            number.put(x, self.y + TALL + 0.28).set(value)
        self.gate.put((start + stop) / 2, low - 0.36).set(share)
        for name, x in zip(self.names, (left, right, start, stop), strict=True):
            name.put(x, low + 0.04 if x in (left, right) else low - 0.36)

    def _stand(self, bar: VMobject, x: float, value: float) -> None:
        bar.points = _bezier.rectangles(x - BAR / 2, self.y, x + BAR / 2, self.y + TALL * value)
        bar.fill_rgbas[:, :3] = colour("state" if value >= 0 else "error").to_rgb()

    def read(self) -> dict[str, Array]:
        """The gate and the result can be read once the gate stands where it should."""
        old, new, now = (bar.points[8, 1] - self.y for bar in self.bars)
        _, start, stop, _ = self._ends
        share = (self.bars[2].get_center()[0] - start) / (stop - start)
        values = {"h_before": old / TALL, "h_tilde": new / TALL}
        if self.opened == 1:
            values |= {"z": share, "h": now / TALL}
        return {name: np.array(value) for name, value in values.items()}


def weighing(blend: Blend, y: float) -> VGroup:
    """(1 - z) × old + z × new = now in a blend's numbers, nine pieces below it on the baseline y."""
    z, (old, new, now) = blend.gate.value, (number.value for number in blend.numbers)

    def signed(value: float) -> str:
        return f"(−{-value:.2f})" if value < 0 else f"{value:.2f}"

    pieces: list[tuple[str, Role]] = [(f"{1 - z:.3f}", "updated"), ("×", "muted"), (signed(old), "ink")]
    pieces += [("+", "muted"), (f"{z:.3f}", "updated"), ("×", "muted"), (signed(new), "ink")]
    pieces += [("=", "muted"), (f"{now:.2f}".replace("-", "−"), "ink")]
    exact = round((1 - round(z, 3)) * round(old, 2) + round(z, 3) * round(new, 2), 2) == round(now, 2)
    pieces[7] = ("=" if exact else "≈", "muted")  # as the rounded numbers that are shown come out
    cell = advance(SUM)
    at = blend.x - cell * (sum(len(text) + 1 for text, _ in pieces) - 1) / 2
    placed = VGroup()
    for text, role in pieces:
        placed.add(figures(text, SUM, role).put(at + cell * len(text) / 2, y))
        at += cell * (len(text) + 1)
    return placed


def came(pieces: Iterable[Mobject]) -> LaggedStart:
    """Pieces come to their places from a little above, one after the other."""
    return LaggedStart(*[FadeIn(piece, shift=0.15 * DOWN) for piece in pieces], lag_ratio=0.5)
