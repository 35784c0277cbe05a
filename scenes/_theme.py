"""Colours by meaning, fonts, type sizes, text and mathematics, in a dark and a light theme."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import numpy as np
from manim import ManimColor, MathTypst, Mobject, VGroup, VMobject, tempconfig
from numpy.typing import NDArray

from scenes._language import said, with_decimal_sign
from scenes._outlines import outlines

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
    panel="#F3F1EC",
    ink="#1A1F27",
    muted="#5E6672",
    faint="#DEDDD9",
    state="#1E64EB",
    target="#AA5700",
    error="#91010E",
    updated="#216957",
    third="#915A91",
    focus="#671197",
)
THEMES = {theme.name: theme for theme in (DARK, LIGHT)}
# A circle in CAM02-UCS, one colour every 15 degrees from blue at 0. It is tilted by J' = 5, reds darker and
# greens lighter, so that opposite phases differ for eyes that do not tell red from green.
PHASES = {
    "dark": "9594FF AA86FB BB78F1 C96BDF D461C8 DD5BAD E3598F E65B71 E76255 E46C3B DE7823 D3860C "
    "C59507 B2A41F 9AB13B 7EBB58 60C275 40C691 21C7AB 16C5C3 2DC0D7 4AB8E7 65AEF4 7FA2FC",
    "light": "7766D2 8857D0 9648C7 A13AB7 A930A1 AF2C88 B22C6D B43154 B3393D B14428 AD5015 A55D02 "
    "9A6A00 8C7713 7A822B 668A43 52905B 3F9471 309486 2A9398 2F8FA9 3E88B8 507FC4 6474CE",
}
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


def phase_colour(theta: Array) -> Array:
    """Cyclic map (..., 3) of a phase in rad, of any winding: blue at 0, then purple, red, amber, green."""
    table = np.array([list(bytes.fromhex(code)) for code in PHASES[_theme.get().name].split()]) / 255
    at = np.arange(len(table)) * (2 * np.pi / len(table))
    return np.stack([np.interp(theta, at, channel, period=2 * np.pi) for channel in table.T], axis=-1)


class Glyph(VMobject):
    """One letter, quick to copy, as every fade copies every letter three times.

    Manim's own copy looks into each of some thirty attributes for what it might hold; of a letter's, only
    arrays and lists are ever written to in place.
    """

    def __deepcopy__(self, memo: dict[int, Any]) -> "Glyph":
        twin = memo[id(self)] = type(self).__new__(type(self))
        for name, value in vars(self).items():
            if isinstance(value, np.ndarray):
                value = value.copy()
            elif isinstance(value, (Mobject, list, dict)):
                value = deepcopy(value, memo)
            setattr(twin, name, value)
        return twin

    def shaped(self, points: Array) -> "Glyph":
        """Another letter that looks like this one."""
        twin = deepcopy(self)
        twin.points = points.copy()
        return twin


class Words(VGroup):
    """A line of text that knows its baseline, so that words set side by side share one.

    One light mobject for each glyph: Manim's own Text carries the parsed SVG along into every copy.
    """

    def __init__(
        self,
        text: str,
        size: float = LABEL,
        role: Role = "ink",
        weight: str = "NORMAL",
        font: str = SANS,
    ) -> None:
        glyphs, self._drop = outlines(text, size, font, weight)
        model = Glyph(stroke_width=0, fill_color=colour(role), fill_opacity=1)
        super().__init__(*[model.shaped(points) for points in glyphs])
        self.text, self.font_size, self.role = text, size, role

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
    """Text in the film's sans serif, in the film's language."""
    return Words(said(text), size, role, weight)


def figures(text: str, size: float = NUMBER, role: Role = "muted") -> Words:
    """Numbers and badges, in the monospaced face."""
    return Words(said(text), size, role, font=MONO)


def math(typst: str, size: float = LABEL, role: Role = "ink") -> MathTypst:
    """Mathematics in Typst's notation; `{{ … : name }}` marks a piece to select and move.

    Its letters are set a third larger than the number says, to stand as tall as the words beside them.
    """
    return _formula(with_decimal_sign(typst, '","'), size * 4 / 3, colour(role).to_hex()).copy()


@cache
def _formula(typst: str, size: float, code: str) -> MathTypst:
    """A formula set once, its fraction bars as wide at every size of the picture.

    Manim makes them wider the more pixels there are, and those of a formula from its own cache wider still.
    """
    with tempconfig({"pixel_width": 1920, "frame_width": 8 * 16 / 9}):
        formula = MathTypst(typst, font_size=size, color=ManimColor(code), use_svg_cache=False)
    formula._preserve_svg_stroke_widths = False
    for glyph in formula.get_family():
        glyph.__dict__.pop("path_obj", None)  # the parsed SVG, which every copy would copy
    return formula
