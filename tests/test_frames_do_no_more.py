"""What frames leave undone is not missed: updaters still run, and fades are Manim's to the last bit."""

import numpy as np
import pytest
from manim import RIGHT, AnimationGroup, FadeIn, FadeOut, Square

from scenes import _render
from scenes._fades import Fading
from scenes._film import Advance, Film, Tune
from scenes._theme import words
from scenes.parts.phase_circle import PhaseCircle
from sims import Kuramoto

TINY = _render.Quality(96, 54, 10)


def looks(film: type[Film], frames: range, get) -> list:
    seen: list = []

    def sink(k, painter, scene):
        seen.append(get(scene))

    _render.play(film, quality=TINY, wanted=frames, sink=sink, draw=False)
    return seen


def test_a_mobject_with_an_updater_goes_on_moving_while_another_is_played():
    class Followed(Film):
        question = "Does it move?"

        def construct(self):
            self.box = Square().add_updater(lambda box, dt: box.shift(dt * RIGHT))
            self.add(self.box)
            self.play(FadeIn(words("here")), run_time=1)

    x = looks(Followed, range(10), lambda scene: float(scene.box.get_x()))
    np.testing.assert_allclose(x, np.arange(10) / 10, atol=1e-12)


@pytest.mark.parametrize("grouped", [False, True])
@pytest.mark.parametrize("fade", [FadeIn, FadeOut])
def test_a_fade_is_manims_own_to_the_last_bit_also_after_its_end(fade, grouped, monkeypatch):
    class Faded(Film):
        question = "Does it move?"

        def construct(self):
            self.text = words("fade").put(1.3, 0.7)
            self.add(self.text)
            one = fade(self.text, run_time=0.5, shift=0.3 * RIGHT)
            self.play(AnimationGroup(one) if grouped else one, FadeIn(words("along"), run_time=1))

    def state(scene):
        return [(m.points.copy(), m.fill_rgbas.copy(), m.stroke_rgbas.copy()) for m in scene.text]

    calls = []
    whole = Fading.__call__
    monkeypatch.setattr(Fading, "__call__", lambda self, alpha: (calls.append(alpha), whole(self, alpha))[1])
    quick = looks(Faded, range(10), state)
    assert calls
    monkeypatch.setattr("scenes._film.quicken", lambda animations: None)
    calls.clear()
    slow = looks(Faded, range(10), state)
    assert not calls
    for a, b in zip(quick, slow, strict=True):
        assert all(np.array_equal(p, q) for x, y in zip(a, b, strict=True) for p, q in zip(x, y, strict=True))


def test_a_part_that_is_moved_and_tuned_at_once_is_drawn_once_a_frame(monkeypatch):
    drawn: list[float] = []
    draw = PhaseCircle.draw
    monkeypatch.setattr(PhaseCircle, "draw", lambda part, t: (drawn.append(t), draw(part, t))[1])

    class Moved(Film):
        question = "Does it move?"

        def construct(self):
            self.part = PhaseCircle(Kuramoto(n=3, steps=20).run(), (0, 0), 1.0)
            self.play(Tune(self.part, presence=0.5, run_time=1), Advance(self.part, 0, 0.4, run_time=1))

    def count(scene):
        done, drawn[:] = list(drawn), []
        return len(done), scene.part.t, scene.part.presence, scene.part.dots[0].fill_rgbas[0, 3]

    frames = looks(Moved, range(10), count)[1:]
    assert [times for times, *_ in frames] == [1] * 9
    assert [t for _, t, *_ in frames] == pytest.approx([0.04 * k for k in range(1, 10)])
    assert all(presence == opacity for *_, presence, opacity in frames)
