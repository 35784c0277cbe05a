"""Can every text of a film be read? The contrast of each, as it is drawn, with what lies around it.

The ratio of two relative luminances is (L₁ + 0.05) / (L₂ + 0.05), L₁ ≥ L₂; text needs 4.5. Text that is
fading, or dimmed because something else is spoken of, is left out, as what is inactive may be.

Source: W3C, Web Content Accessibility Guidelines 2.2, success criterion 1.4.3 and its definition of contrast.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from manim import Mobject, Scene
from manim.mobject.text.typst_mobject import Typst
from numpy.typing import NDArray

from scenes._film import Film
from scenes._flashes import LINEAR
from scenes._paint import Painter
from scenes._render import Plan, Quality, play
from scenes._theme import Words
from scenes.parts.number import Number
from sims import Simulation

LEAST = 4.5
SIZE = (1280, 720)
AROUND = 3  # pixels from a text's edge, where what it stands on is looked at
WEIGHTS = np.array([0.2126, 0.7152, 0.0722], np.float32)


@dataclass(frozen=True)
class Contrast:
    """A text, when it was seen, and its contrast."""

    ratio: float
    text: str
    second: float

    @property
    def passes(self) -> bool:
        return self.ratio >= LEAST


def lowest(
    kind: type[Film], simulations: dict[str, Simulation], plan: Plan, theme: str, lang: str
) -> Contrast | None:
    """Of all texts late in every beat, the one that is hardest to read; None where a film has no text."""
    edges = [*(beat.frame for beat in plan.beats), plan.frames]
    wanted = {a + round((b - a) * 0.9) for a, b in pairwise(edges)}
    found: list[Contrast] = []

    def look(k: int, painter: Painter, scene: Scene) -> None:
        found.extend(Contrast(ratio, text, k / plan.fps) for text, ratio in seen(painter, scene))

    quality = Quality(*SIZE, plan.fps)
    play(
        kind, simulations, quality=quality, theme=theme, lang=lang, wanted=wanted, last=max(wanted), sink=look
    )
    return min(found, key=lambda contrast: contrast.ratio, default=None)


def seen(painter: Painter, scene: Scene) -> Iterator[tuple[str, float]]:
    """Every text of a frame that is fully there, and its contrast."""
    light = LINEAR[painter.rgba()[..., :3]] @ WEIGHTS
    height, width = light.shape
    camera = scene.camera
    scale = np.array([width / camera.frame_width, -height / camera.frame_height])
    for text in texts(scene.mobjects):
        glyphs = [glyph for glyph in text.get_family() if len(glyph.points) and glyph.get_fill_opacity() == 1]
        if not glyphs:
            continue
        points = np.vstack([glyph.points[:, :2] for glyph in glyphs]) * scale + (width / 2, height / 2)
        (left, top), (right, bottom) = points.min(0) - AROUND, points.max(0) + AROUND
        box = light[max(0, int(top)) : int(bottom) + 1, max(0, int(left)) : int(right) + 1]
        if box.size:
            own = LINEAR[(np.array(glyphs[0].get_fill_color().to_rgb()) * 255).round().astype(int)] @ WEIGHTS
            yield str(getattr(text, "text", "") or "mathematics"), ratio(float(own), ground(box))


def ground(box: NDArray[np.float32]) -> float:
    """What a text stands on: the middle one of the luminances along the edge of its box."""
    return float(np.median(np.concatenate([box[0], box[-1], box[:, 0], box[:, -1]])))


def ratio(one: float, other: float) -> float:
    """The contrast of two relative luminances."""
    low, high = sorted((one, other))
    return (high + 0.05) / (low + 0.05)


def texts(mobjects: list[Mobject]) -> Iterator[Any]:
    """Words, numbers and formulas, wherever they lie."""
    for mobject in mobjects:
        if isinstance(mobject, (Words, Typst, Number)):
            yield mobject
        else:
            yield from texts(mobject.submobjects)
