"""Promises every film keeps, found by discovery: a new film is held to them without a line here."""

import itertools
from dataclasses import dataclass, field

import numpy as np
import pytest
from manim import Mobject, VMobject
from manim.mobject.text.typst_mobject import Typst

from scenes import _render
from scenes._film import HIGH, WIDE, Advance, Film
from scenes._paint import Painter
from scenes._theme import BADGE, THEMES, Words
from scenes.parts import Part
from scenes.parts.number import Number
from sims import _discover

NAMES = list(_discover.subjects("scenes"))
SMALL = _render.Quality(256, 144, 10)


def film(name: str) -> type[Film]:
    return _discover.find("scenes", name, Film)


@pytest.fixture(scope="module", params=NAMES)
def name(request):
    return request.param


@pytest.fixture(scope="module")
def plan(name):
    return _render.plan(film(name), fps=SMALL.fps)


def key_frames(plan: _render.Plan) -> list[int]:
    """Two frames of every beat, in its middle and just before its end, and twelve spread evenly."""
    starts = [beat.frame for beat in plan.beats]
    ends = [*starts[1:], plan.frames]
    within = [k for a, b in zip(starts, ends, strict=True) for k in ((a + b) // 2, b - 1)]
    return sorted({*within, *np.linspace(0, plan.frames - 1, 12).astype(int).tolist()})


def is_seen(shape: Mobject) -> bool:
    if not isinstance(shape, VMobject) or len(shape.points) == 0:
        return False
    stroked = shape.stroke_width > 0 and shape.stroke_rgbas[:, 3].max() > 0.05
    return bool(shape.fill_rgbas[:, 3].max() > 0.05 or stroked)


def texts(scene: Film) -> list[tuple[str, float, np.ndarray]]:
    """Every text on stage: what it says, its size, and its box (left, bottom, right, top)."""
    found = []

    def visit(mobject: Mobject) -> None:
        if isinstance(mobject, (Words, Typst, Number)):
            seen = [shape for shape in mobject.get_family() if is_seen(shape)]
            if seen:
                points = np.vstack([shape.points for shape in seen])[:, :2]
                said = getattr(mobject, "text", None) or getattr(mobject, "typst_code", "mathematics")
                size = mobject.size if isinstance(mobject, Number) else mobject.font_size
                found.append((str(said), float(size), np.concatenate([points.min(0), points.max(0)])))
        else:
            for child in mobject.submobjects:
                visit(child)

    for mobject in scene.mobjects:
        visit(mobject)
    return found


def parts(scene: Film) -> list[Part]:
    family = itertools.chain.from_iterable(mobject.get_family() for mobject in scene.mobjects)
    return [part for part in dict.fromkeys(family) if isinstance(part, Part)]


def recorded(part: Part, variable: str) -> np.ndarray:
    """The trajectory at the part's clock, by xarray's own interpolation."""
    values = part.trajectory[variable]
    if part.clock not in values.dims:
        return values.values
    how = "nearest" if getattr(part, "held", False) else "linear"
    inside = float(np.clip(part.t, values[part.clock][0], values[part.clock][-1]))
    return values.interp({part.clock: inside}, method=how).values


@dataclass
class Tour:
    """What was seen on one way through a film, without drawing it."""

    texts: dict[int, list[tuple[str, float, np.ndarray]]] = field(default_factory=dict)
    marks: list[tuple[str, Part, float, np.ndarray, np.ndarray]] = field(default_factory=list)
    clocks: list[tuple[str, float, float, float, float]] = field(default_factory=list)
    badges: set[str] = field(default_factory=set)


def tour_of(kind: type[Film], frames: set[int], simulations=None) -> Tour:
    tour = Tour()

    class Watched(kind):
        def compile_animations(self, *args, **kwargs):
            animations = super().compile_animations(*args, **kwargs)
            for animation in animations:
                if isinstance(animation, Advance):
                    clock = animation.mobject.instants
                    ends = sorted((animation.start, animation.stop))
                    tour.clocks.append((type(animation.mobject).__name__, *ends, clock[0], clock[-1]))
            return animations

    def look(k: int, painter: Painter, scene: Film) -> None:
        tour.texts[k] = texts(scene)
        if scene.badge:
            tour.badges.add(scene.badge.text)
        for part in parts(scene):
            for variable, shown in part.read().items() if part.presence else ():
                tour.marks.append(
                    (f"{type(part).__name__}.{variable}", part, part.t, shown, recorded(part, variable))
                )

    _render.play(Watched, simulations, quality=SMALL, wanted=frames, sink=look, draw=False)
    return tour


@pytest.fixture(scope="module")
def tour(name, plan):
    """The film at its key frames and at five random times."""
    chance = np.random.default_rng(7).choice(plan.frames, size=5, replace=False).tolist()
    return tour_of(film(name), {*key_frames(plan), *chance})


def test_a_film_asks_a_question_and_answers_it_in_good_time(name, plan):
    kind = film(name)
    assert kind.question.endswith("?")
    assert 45 <= plan.seconds <= 120
    assert len(plan.beats) >= 8
    assert kind.simulations(), "a film draws nothing but simulations"


def test_the_first_line_of_its_file_is_its_question(name):
    assert _discover.headline(_discover.subjects("scenes")[name]) == film(name).question


def test_every_caption_can_be_read_before_it_goes(name, plan):
    ends = [*(beat.frame for beat in plan.beats[1:]), plan.frames]
    for beat, end in zip(plan.beats, ends, strict=True):
        seconds = (end - beat.frame) / plan.fps
        assert len(beat.caption) <= 70
        assert seconds >= len(beat.caption) / 20, f"{beat.name}: {seconds:.1f} s for {beat.caption!r}"


def test_text_stays_inside_the_safe_area(name, tour):
    for k, found in tour.texts.items():
        for said, _, (left, bottom, right, top) in found:
            inside = (
                left >= -WIDE - 0.02
                and right <= WIDE + 0.02
                and bottom >= -HIGH - 0.02
                and top <= HIGH + 0.02
            )
            assert inside, (
                f"at {k / SMALL.fps:.1f} s: {said!r} in {left:.2f} {bottom:.2f} {right:.2f} {top:.2f}"
            )


def test_no_two_texts_overlap(name, tour):
    for k, found in tour.texts.items():
        for (one, _, a), (two, _, b) in itertools.combinations(found, 2):
            width = min(a[2], b[2]) - max(a[0], b[0])
            height = min(a[3], b[3]) - max(a[1], b[1])
            assert width <= 0.01 or height <= 0.01, f"at {k / SMALL.fps:.1f} s: {one!r} and {two!r}"


def test_no_text_is_smaller_than_the_badge(name, tour):
    for k, found in tour.texts.items():
        for said, size, _ in found:
            smallest = BADGE if "·" in said else 15
            assert size >= smallest - 1e-6, f"at {k / SMALL.fps:.1f} s: {said!r} is set in {size:g}"


def test_marks_lie_where_the_trajectory_says(name, tour):
    """Every part's marks, read back from where they lie, are its trajectory at its clock."""
    assert len(tour.marks) >= 5
    for what, part, t, shown, truth in tour.marks:
        if part.trajectory[what.split(".")[1]].attrs.get("units") == "rad":
            error = np.abs(np.angle(np.exp(1j * (shown - truth))))
        else:
            error = np.abs(shown - truth)
        assert error.max(initial=0) <= part.precision + 1e-6 * np.abs(truth).max(initial=1.0), (
            f"{what} at {t:g}"
        )


def test_a_clock_only_runs_within_its_trajectory(name, tour):
    """A film shows nothing beyond what was computed."""
    assert tour.clocks
    for part, start, stop, first, last in tour.clocks:
        slack = 1e-6 + 1e-3 * (last - first)
        assert start >= first - slack, part
        assert stop <= last + slack, part


def test_a_frame_is_the_same_whether_played_or_skipped_to(name, plan):
    rng = np.random.default_rng(3)
    frames = sorted(rng.choice(plan.frames, size=3, replace=False).tolist())
    frames = [k for k in frames if k > 2]
    played: dict[int, np.ndarray] = {}

    def keep(into):
        return lambda k, painter, scene: into.setdefault(k, painter.pixels.copy())

    around = {j for k in frames for j in range(max(0, k - 8), k + 1)}
    _render.play(film(name), quality=SMALL, wanted=around, last=max(frames), sink=keep(played))
    for k in frames:
        skipped: dict[int, np.ndarray] = {}
        _render.play(film(name), quality=SMALL, wanted={k}, last=k, sink=keep(skipped))
        assert np.array_equal(played[k], skipped[k]), f"at {k / SMALL.fps:.1f} s"


@pytest.mark.parametrize("theme", list(THEMES))
def test_a_film_stands_on_the_ground_of_its_theme(name, plan, theme):
    seen: list[np.ndarray] = []
    _render.play(
        film(name),
        quality=SMALL,
        theme=theme,
        wanted={plan.frames // 2},
        last=plan.frames // 2,
        sink=lambda k, painter, scene: seen.append(painter.rgba()),
    )
    ground = tuple(int(THEMES[theme].ground[i : i + 2], 16) for i in (1, 3, 5))
    assert tuple(seen[0][2, 2, :3]) == ground
    assert len(np.unique(seen[0].reshape(-1, 4), axis=0)) > 20, "an empty stage"


@pytest.mark.parametrize(
    ("width", "height"), [(256, 192), (256, 256), (288, 512)], ids=["4:3", "1:1", "9:16"]
)
def test_at_other_aspects_it_is_the_same_picture_between_empty_bars(name, plan, width, height):
    moments, own = plan.moments(3), width * 9 // 16
    bar = (height - own) // 2
    whole, within = (
        _render.stills(film(name), moments, quality=_render.Quality(width, lines, SMALL.fps))
        for lines in (height, own)
    )
    for mine, meant in zip(whole, within, strict=True):
        assert np.abs(mine[bar : bar + own].astype(int) - meant).max() <= 1  # rounding in another place
        assert len(np.unique(np.vstack([mine[:bar], mine[bar + own :]]).reshape(-1, 3), axis=0)) == 1


def test_a_film_counted_at_one_rate_is_known_at_every_other(name):
    kind = _discover.find("scenes", name, Film)
    assert _render.plan(kind, fps=15).at(60) == _render.plan(kind, fps=60)


def test_another_seed_gives_another_picture_and_another_badge(name, plan, tour):
    kind = film(name)
    seeded = {key: sim for key, sim in kind.simulations().items() if "seed" in type(sim).model_fields}
    assert seeded
    other = {key: sim.model_copy(update={"seed": sim.seed + 1}) for key, sim in seeded.items()}
    seen = tour_of(kind, set(tour.texts), other)
    assert any("seed" in badge for badge in tour.badges)
    assert seen.badges != tour.badges
    pairs = zip(tour.marks, seen.marks, strict=False)
    assert any(a[3].shape != b[3].shape or not np.array_equal(a[3], b[3]) for a, b in pairs)
    for k, found in seen.texts.items():
        for said, _, (left, bottom, right, top) in found:
            inside = (
                left >= -WIDE - 0.02
                and right <= WIDE + 0.02
                and bottom >= -HIGH - 0.02
                and top <= HIGH + 0.02
            )
            assert inside, f"with another seed, at {k / SMALL.fps:.1f} s: {said!r}"
