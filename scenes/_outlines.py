"""Outlines of text as Pango sets it, kept on disk: a line's SVG takes thirty milliseconds to read."""

from functools import cache
from importlib.metadata import version
from io import BytesIO
from pathlib import Path

import fontpkg
import manimpango
import numpy as np
from manim import Text
from numpy.typing import NDArray

from scenes._store import Store, key
from sims._sealed import Damaged, seal, unseal

Array = NDArray[np.float64]
SOURCE = Path(__file__).read_bytes()
MADE_BY = ("manim", "ManimPango", "svgelements", "numpy", "fontpkg-inter", "fontpkg-jetbrains-mono")


@cache
def register_fonts() -> None:
    """Make the two families known to Pango from their pip packages; nothing is assumed installed."""
    for family in ("inter", "jetbrains-mono"):
        if not manimpango.register_font(str(fontpkg.path(family))):
            raise OSError(f"the font {family} could not be registered; reinstall fontpkg-{family}")


@cache
def outlines(text: str, size: float, font: str, weight: str) -> tuple[tuple[Array, ...], float]:
    """Outline of every glyph of a line, and how far its lowest point lies below the baseline (negative)."""
    store, name = Store(), key("outlines", text, float(size), font, weight, _makers())
    path = store.find(name, ".npz")
    if path:
        try:
            with np.load(unseal(path), allow_pickle=False) as file:
                return tuple(np.split(file["points"], file["ends"])), float(file["below"])
        except (OSError, Damaged):
            pass  # or gone since: set again and replaced
    glyphs, below = _set(text, size, font, weight)
    file = BytesIO()
    ends = np.cumsum([len(points) for points in glyphs])[:-1]
    np.savez(file, points=np.concatenate(glyphs), ends=ends, below=below)
    store.keep(name, ".npz", seal(file.getvalue()))
    return glyphs, below


@cache
def _makers() -> list[object]:
    """What else an outline follows from."""
    libraries = [manimpango.pango_version(), manimpango.cairo_version()]
    return [SOURCE, libraries, [version(name) for name in MADE_BY]]


def _set(text: str, size: float, font: str, weight: str) -> tuple[tuple[Array, ...], float]:
    """Set a line anew. The first glyph of a helper line, an x, gives the baseline and is taken away again."""
    register_fonts()
    line = Text("x" + text, font=font, font_size=size, weight=weight, disable_ligatures=True)
    x, *glyphs = line.submobjects
    below = min(glyph.get_bottom()[1] for glyph in glyphs if len(glyph.points)) - x.get_bottom()[1]
    return tuple(glyph.points for glyph in glyphs), float(below)
