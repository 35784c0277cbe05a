"""The painter draws what Manim's camera draws, and the same whatever it drew before."""

import cairo
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from manim import Circle, Dot, Rectangle, Square, VGroup, VMobject
from manim.camera.camera import Camera

from scenes import _paint, _render
from scenes._film import Film
from scenes._paint import Painter, displayed, elements_of
from scenes._theme import words
from sims import _discover

SMALL = _render.Quality(320, 180, 15)
NAMES = list(_discover.subjects("scenes"))


@pytest.fixture
def camera():
    with _render.studio(SMALL, "dark"):
        yield Camera()


def drawn(camera: Camera, mobjects) -> np.ndarray:
    """The same by Manim's camera."""
    camera.reset()
    camera.capture_mobjects(mobjects)
    return camera.pixel_array


def path_by_manim(points: np.ndarray) -> list[tuple[int, tuple[float, ...]]]:
    context = cairo.Context(cairo.ImageSurface(cairo.FORMAT_A8, 1, 1))
    shape = VMobject()
    shape.points = points
    with _render.studio(SMALL, "dark"):
        Camera().set_cairo_context_path(context, shape)
    return [(int(kind), place) for kind, place in context.copy_path()]


def path_by_us(points: np.ndarray) -> list[tuple[int, tuple[float, ...]]]:
    context = cairo.Context(cairo.ImageSurface(cairo.FORMAT_A8, 1, 1))
    pen = _paint.pen()
    assert pen is not None
    pen.append(context, elements_of(points))
    return [(int(kind), place) for kind, place in context.copy_path()]


corner = st.integers(-3, 3)
curve = st.tuples(*[st.tuples(corner, corner)] * 4)


@given(st.lists(curve, min_size=1, max_size=9), st.lists(st.booleans(), min_size=9, max_size=9))
def test_a_path_has_the_pieces_and_closings_that_manim_gives_it(curves, joined):
    points = np.zeros((len(curves), 4, 3))
    points[..., :2] = curves
    for i in range(1, len(curves)):
        if joined[i]:
            points[i, 0] = points[i - 1, 3]
    points = points.reshape(-1, 3)
    assert path_by_us(points) == path_by_manim(points)


def test_every_kind_of_mark_looks_as_manims_camera_draws_it(camera):
    gradient = Square().shift([2, 1, 0]).set_fill(["#FF0000", "#00FF00"], opacity=0.7)
    outlined = Circle(fill_opacity=0.5).set_background_stroke(color="#FFFFFF", width=9).shift([-2, 1, 0])
    dashes = VMobject(stroke_width=6).set_points_as_corners([[-4, -2, 0], [0, -3, 0], [4, -2, 0]])
    group = VGroup(gradient, outlined, dashes, words("Ångström?").put(0, 0), Dot([1, -1, 0]).set_z_index(-1))
    painter = Painter(camera)
    painter.paint([group])
    apart = abs(painter.rgba().astype(int) - drawn(camera, [group]))
    assert apart.max() <= 1


def test_what_is_shown_twice_lies_where_it_comes_last():
    a, b = Square(), Circle()
    assert displayed([a, b, a]) == [b, a]
    assert displayed([a.set_z_index(1), b]) == [b, a]


def test_only_tiles_that_changed_are_told_and_painted_again(camera):
    still, moving = Rectangle(width=2, height=1).shift([-4, 2, 0]), Dot([3, -2, 0])
    painter = Painter(camera)
    painter.paint([still, moving])
    assert painter.changed.all()
    painter.paint([still, moving])
    assert painter.changed is None
    before = painter.pixels.copy()
    moving.shift([0.5, 0, 0])
    painter.paint([still, moving])
    row, column = (before != painter.pixels).any(-1).nonzero()
    assert set(zip(row // painter.grid.down, column // painter.grid.across, strict=True)) == set(
        zip(*painter.changed.nonzero(), strict=True)
    )
    assert 0 < painter.changed.sum() <= 4
    painter.paint([moving])
    assert painter.changed.any()
    assert np.array_equal(painter.rgba(), drawn(camera, [moving]))


@pytest.mark.parametrize("name", NAMES)
def test_a_picture_does_not_hang_on_what_was_painted_before(name):
    """Frames of a film painted one after the other are those of a painter that has just begun."""
    plan = _render.plan(_discover.find("scenes", name, Film), fps=SMALL.fps)
    wanted = range(0, plan.frames, 4)
    seen = 0

    def look(k, painter, scene):
        nonlocal seen
        if k % 40 == 0:
            fresh = Painter(scene.camera)
            fresh.paint(scene.mobjects)
            assert np.array_equal(fresh.pixels, painter.pixels), f"at {k / SMALL.fps:.1f} s"
            seen += 1

    _render.play(_discover.find("scenes", name, Film), quality=SMALL, wanted=wanted, sink=look)
    assert seen > 20


def test_without_our_pen_manims_camera_draws_and_says_so(camera, monkeypatch):
    mobjects = [Circle(fill_opacity=0.5), words("slow").put(0, 0)]
    ours = Painter(camera)
    ours.paint(mobjects)
    monkeypatch.setattr(_paint, "pen", lambda: None)
    with pytest.warns(RuntimeWarning, match="Manim's own camera"):
        painter = Painter(camera)
    painter.paint(mobjects)
    assert abs(painter.rgba().astype(int) - ours.rgba()).max() <= 1


def test_transparent_ground_is_nothing_at_all(camera):
    painter = Painter(camera, clear=True)
    painter.paint([Square(fill_opacity=0.5, stroke_width=0).set_fill("#FF0000", opacity=0.5)])
    assert tuple(painter.rgba()[0, 0]) == (0, 0, 0, 0)
    assert np.allclose(painter.rgba()[90, 160], (255, 0, 0, 128), atol=1)
