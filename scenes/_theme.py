"""Colours by meaning, fonts, type sizes, text and mathematics, in a dark and a light theme."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from typing import Literal

import fontpkg
import manimpango
import numpy as np
from manim import ManimColor, MathTypst, Text
from numpy.typing import NDArray

Role = Literal[
    "ground", "panel", "ink", "muted", "faint", "state", "target", "error", "updated", "third", "focus"
]
Array = NDArray[np.float64]

QUESTION, LABEL, SMALL, NUMBER, BADGE = 30, 22, 18, 18, 12
SANS, MONO = "Inter", "JetBrains Mono"
DIM = 0.35


@dataclass(frozen=True)
class Theme:
    """One colour for each meaning; the six from `state` to `focus` stay apart for every kind of sight."""

    name: str
    ground: str
    panel: str
    ink: str
    muted: str
    faint: str
    state: str
    target: str
    error: str
    updated: str
    third: str
    focus: str


DARK = Theme(
    name="dark",
    ground="#0E1218",
    panel="#151B24",
    ink="#E8ECF1",
    muted="#8A94A3",
    faint="#2A323D",
    state="#85B2FF",
    target="#EAAD3C",
    error="#E25653",
    updated="#9BFAEF",
    third="#B673A7",
    focus="#FFFF24",
)
LIGHT = Theme(
    name="light",
    ground="#FBFAF7",
    panel="#F1EFE9",
    ink="#1A1F27",
    muted="#5C6570",
    faint="#D9D6CE",
    state="#1F5FC4",
    target="#9A6400",
    error="#C22A2A",
    updated="#00796B",
    third="#8A3C8F",
    focus="#5A4B00",
)
THEMES = {theme.name: theme for theme in (DARK, LIGHT)}
_theme: ContextVar[Theme] = ContextVar("_theme", default=DARK)


@contextmanager
def themed(name: str) -> Iterator[Theme]:
    """Within this block, colours are those of the theme `name`."""
    token = _theme.set(THEMES[name])
    try:
        yield THEMES[name]
    finally:
        _theme.reset(token)


def colour(role: Role) -> ManimColor:
    """The colour that stands for `role` in the present theme."""
    return ManimColor(getattr(_theme.get(), role))


def rgb(role: Role) -> Array:
    """The same as three numbers in [0, 1], for parts that write their colours in place."""
    return np.asarray(colour(role).to_rgb(), dtype=float)


def signed_colour(values: Array, largest: float) -> Array:
    """Diverging map (..., 3): `error` for -largest, the panel for 0, `state` for +largest."""
    v = np.clip(np.asarray(values) / largest, -1, 1)[..., None]
    return rgb("panel") * (1 - abs(v)) + np.where(v > 0, rgb("state"), rgb("error")) * abs(v)


@cache
def register_fonts() -> None:
    """Make the two families known to Pango from their pip packages; nothing is assumed installed."""
    for family in ("inter", "jetbrains-mono"):
        if not manimpango.register_font(str(fontpkg.path(family))):
            raise OSError(f"the font {family} could not be registered; reinstall fontpkg-{family}")


class Words(Text):
    """A line of text that knows its baseline, so that words set side by side share one.

    The first glyph of a helper line, an x, gives the baseline and is taken away again.
    """

    def __init__(
        self,
        text: str,
        size: float = LABEL,
        role: Role = "ink",
        weight: str = "NORMAL",
        font: str = SANS,
    ) -> None:
        register_fonts()
        super().__init__(
            "x" + text,
            font=font,
            font_size=size,
            color=colour(role),
            weight=weight,
            disable_ligatures=True,
        )
        baseline = self.submobjects[0].get_bottom()[1]
        self.remove(self.submobjects[0])
        self.text = text
        self.role = role
        self._drop = self.get_bottom()[1] - baseline

    @property
    def baseline(self) -> float:
        """Height of the line the letters stand on."""
        return float(self.get_bottom()[1] - self._drop)

    def put(self, x: float, y: float, align: Literal["left", "centre", "right"] = "centre") -> "Words":
        """Move so that the baseline lies at `y` and the left edge, centre or right edge at `x`."""
        here = {"left": self.get_left()[0], "centre": self.get_x(), "right": self.get_right()[0]}[align]
        self.shift([x - here, y - self.baseline, 0])
        return self


def words(text: str, size: float = LABEL, role: Role = "ink", weight: str = "NORMAL") -> Words:
    """Text in the film's sans serif."""
    return Words(text, size, role, weight)


def figures(text: str, size: float = NUMBER, role: Role = "muted") -> Words:
    """Numbers and badges, in the monospaced face."""
    return Words(text, size, role, font=MONO)


def math(typst: str, size: float = LABEL, role: Role = "ink") -> MathTypst:
    """Mathematics in Typst's notation; `{{ … : name }}` marks a piece to select and move."""
    return MathTypst(typst, font_size=size, color=colour(role))
