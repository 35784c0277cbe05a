"""Flashes are counted as the accessibility guidelines define them, on clips of which the answer is known."""

import numpy as np
import pytest

from scenes import _render
from scenes._encode import Piece
from scenes._film import Film
from scenes._flashes import flashes, flashing
from scenes._formats import FORMATS
from scenes._join import join
from scenes._tiles import Grid
from sims import _discover

WIDTH, HEIGHT, FPS = 320, 180, 30
BLACK, WHITE, RED, BLUE = (0, 0, 0), (255, 255, 255), (255, 0, 0), (0, 0, 255)


def clip_of(folder, colours, times_a_second, seconds=3, share=1.0):
    """Two colours in turn, each shown so many times a second, over so much of the picture's width."""
    with Piece(folder / "piece", WIDTH, HEIGHT, FPS, FORMATS["mp4"]) as piece:
        for k in range(seconds * FPS):
            second = (2 * times_a_second * k) // FPS % 2
            frame = np.zeros((HEIGHT, WIDTH, 4), np.uint8)
            frame[:, : round(share * WIDTH), :3] = colours[second][::-1]
            frame[..., 3] = 255
            piece.write(frame, np.ones(Grid(WIDTH, HEIGHT).shape, bool))
    clip = folder / "clip.mp4"
    join([folder / "piece"], clip, FORMATS["mp4"], FPS)
    return clip


@pytest.mark.parametrize(("often", "passes"), [(1, True), (3, True), (5, False), (15, False)])
def test_more_than_three_flashes_a_second_are_too_many(tmp_path, often, passes):
    found = flashing(clip_of(tmp_path, (BLACK, WHITE), often))
    assert found.passes is passes
    assert found.general == pytest.approx(often, abs=0.5)


def test_a_colour_that_is_shown_once_is_no_flash(tmp_path):
    found = flashing(clip_of(tmp_path, (BLACK, BLACK), 5))
    assert (found.general, found.red, found.passes) == (0, 0, True)


@pytest.mark.parametrize(("share", "passes"), [(0.07, True), (0.1, False)])
def test_less_than_a_quarter_of_ten_degrees_may_flash(tmp_path, share, passes):
    assert flashing(clip_of(tmp_path, (BLACK, WHITE), 6, share=share)).passes is passes


def test_a_thin_line_that_sweeps_a_field_does_not_flash_however_often_it_comes_by(tmp_path):
    with Piece(tmp_path / "piece", WIDTH, HEIGHT, FPS, FORMATS["mp4"]) as piece:
        for k in range(3 * FPS):
            frame = np.zeros((HEIGHT, WIDTH, 4), np.uint8)
            x = round(40 + 40 * np.sin(2 * np.pi * 5 * k / FPS))  # it passes every place ten times a second
            frame[:, x : x + 4, :3] = 255
            frame[..., 3] = 255
            piece.write(frame, np.ones(Grid(WIDTH, HEIGHT).shape, bool))
    join([tmp_path / "piece"], tmp_path / "clip.mp4", FORMATS["mp4"], FPS)
    assert flashing(tmp_path / "clip.mp4").passes


def test_what_is_bright_both_times_or_changes_by_less_than_a_tenth_does_not_flash(tmp_path):
    # luminances 0.87 and 1.0 are both above 0.80; 0.216 and 0.301 are a twelfth apart
    bright = flashing(clip_of(tmp_path, ((240, 240, 240), WHITE), 6))
    assert (bright.general, bright.passes) == (0, True)
    (tmp_path / "dim").mkdir()
    dim = flashing(clip_of(tmp_path / "dim", ((128, 128, 128), (149, 149, 149)), 6))
    assert (dim.general, dim.passes) == (0, True)


def test_a_saturated_red_flashes_where_its_luminance_hardly_changes(tmp_path):
    # red has 0.213 of white's luminance, this grey 0.216; blue and green flashes of that kind are none
    found = flashing(clip_of(tmp_path, (RED, (128, 128, 128)), 6))
    assert (found.general, found.passes) == (0, False)
    assert found.red == pytest.approx(6, abs=0.5)
    (tmp_path / "blue").mkdir()
    assert flashing(clip_of(tmp_path / "blue", (BLUE, (76, 76, 76)), 6)).passes


def test_a_slow_fade_there_and_back_is_one_flash_however_many_frames_it_takes(tmp_path):
    with Piece(tmp_path / "piece", WIDTH, HEIGHT, FPS, FORMATS["mp4"]) as piece:
        for k in range(4 * FPS):
            level = round(255 * (1 - abs(1 - 2 * (k / FPS % 1))))
            frame = np.full((HEIGHT, WIDTH, 4), level, np.uint8)
            frame[..., 3] = 255
            piece.write(frame, np.ones(Grid(WIDTH, HEIGHT).shape, bool))
    join([tmp_path / "piece"], tmp_path / "clip.mp4", FORMATS["mp4"], FPS)
    found = flashing(tmp_path / "clip.mp4")
    assert found.general == pytest.approx(1, abs=0.5)
    assert found.passes


@pytest.mark.parametrize("name", list(_discover.subjects("scenes")))
def test_no_film_flashes(name):
    """Drawn small, every frame at fifteen a second; what is rendered is measured again, for its bundle."""
    size, seen = _render.Quality(WIDTH, HEIGHT, 15), []

    def see(k, painter, scene):
        fields = painter.rgba()[..., :3].reshape(HEIGHT // 2, 2, WIDTH // 2, 2, 3).mean((1, 3))
        seen.append(fields.round().astype(np.uint8))

    kind = _discover.find("scenes", name, Film)
    _render.play(kind, quality=size, theme="light", wanted=range(10**6), sink=see)
    found = flashes(seen, 15)
    assert len(seen) > 45 * 15
    assert found.passes, found
