"""Our frames are those of Manim's own camera: it is only the time they take that differs."""

import numpy as np
import pytest
from benchmarks.stock import likeness, likenesses

from scenes import _render
from scenes._film import Film
from sims import _discover

NAMES = list(_discover.subjects("scenes"))
SMALL = _render.Quality(640, 360, 15)


def moments(plan: _render.Plan) -> list[int]:
    """The middle of every beat, its third frame while the last picture goes, and some frames by chance."""
    starts = [beat.frame for beat in plan.beats]
    ends = [*starts[1:], plan.frames]
    middles = [(a + b) // 2 for a, b in zip(starts, ends, strict=True)]
    chance = np.random.default_rng(11).choice(plan.frames, size=8, replace=False).tolist()
    return sorted({*middles, *(start + 3 for start in starts), *chance})


@pytest.mark.parametrize(
    ("theme", "quality", "share"),
    [
        ("dark", SMALL, 1),
        ("light", SMALL, 5),
        pytest.param("dark", _render.QUALITIES["high"], 1, marks=pytest.mark.slow),
    ],
    ids=["dark", "light", "1080p"],
)
@pytest.mark.parametrize("name", NAMES)
def test_frames_are_those_of_manims_camera(name, theme, quality, share):
    """Within one grey level in 99.9 % of the pixels of every frame, and nowhere beyond eight."""
    kind = _discover.find("scenes", name, Film)
    frames = moments(_render.plan(kind, fps=quality.fps))
    found = likenesses(kind, frames[::share], quality, theme)
    assert len(found) >= 5
    for frame in found:
        assert frame.within_one >= 0.999, f"{frame} at {frame.frame / quality.fps:.1f} s"
        assert frame.greatest <= 8, f"{frame} at {frame.frame / quality.fps:.1f} s"


def test_the_measure_sees_a_single_wrong_pixel_and_a_shifted_line():
    picture = np.full((20, 50, 4), 10, dtype=np.uint8)
    picture[10, 5:45, :3] = 200
    dot, shifted = picture.copy(), np.roll(picture, 1, axis=0)
    dot[3, 3, 1] += 9
    assert likeness(picture, picture).within_one == 1
    assert likeness(dot, picture).greatest == 9
    assert likeness(dot, picture).within_one == 1 - 1 / 1000
    assert likeness(shifted, picture).within_one == 1 - 80 / 1000
    assert likeness(shifted, picture).greatest == 190
