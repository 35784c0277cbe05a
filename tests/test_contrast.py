"""The contrast of every text is measured where it is drawn; the four films can be read in both themes."""

import numpy as np
import pytest
from manim import Square

from scenes import _render
from scenes._contrast import LEAST, lowest, ratio
from scenes._film import Film
from scenes._theme import LABEL, THEMES, colour, words
from sims import _discover


def plan_of(kind):
    return _render.plan(kind, fps=10)


class Read(Film):
    """Two lines, one of them on a panel of a colour."""

    question = "Can this be read?"
    panel = "ground"
    dimmed = 1.0

    def construct(self):
        self.add(self.title)
        self.beat("a panel", "Said below.")
        panel = Square(2, fill_color=colour(self.panel), fill_opacity=1, stroke_width=0)
        self.add(panel, words("on it", LABEL, "muted").put(0, 0).set_fill(opacity=self.dimmed))
        self.wait(2)


def test_black_on_white_is_twenty_one_to_one():
    assert ratio(0, 1) == ratio(1, 0) == pytest.approx(21)


def test_the_lowest_is_that_of_the_text_on_the_worst_ground():
    class Pale(Read):
        panel = "ink"

    theme = THEMES["dark"]
    codes = [np.array(list(bytes.fromhex(code[1:]))) / 255 for code in (theme.muted, theme.ink)]
    light = [
        np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4) @ (0.2126, 0.7152, 0.0722)
        for c in codes
    ]
    found = lowest(Pale, {}, plan_of(Pale), "dark", "en")
    assert found.text == "on it"
    assert found.ratio == pytest.approx((light[1] + 0.05) / (light[0] + 0.05), rel=0.02)
    assert not found.passes


def test_what_is_dimmed_is_left_out():
    class Dimmed(Read):
        panel = "ink"
        dimmed = 0.35

    assert lowest(Dimmed, {}, plan_of(Dimmed), "dark", "en").passes


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("name", list(_discover.subjects("scenes")))
def test_every_text_of_every_film_can_be_read(name, theme):
    kind = _discover.find("scenes", name, Film)
    found = lowest(kind, {}, plan_of(kind), theme, "en")
    assert found.ratio >= LEAST, found
