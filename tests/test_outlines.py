"""Text whose outlines were kept is, to the bit, the text that Pango sets."""

import numpy as np
import pytest

from scenes import _outlines
from scenes._outlines import outlines
from scenes._render import Quality, stills, studio
from scenes._theme import MONO, SANS
from scenes.metronomes import Metronomes

LINES = [
    ("Which way is downhill?", 30.0, SANS, "MEDIUM"),
    ("0−1.50 e", 18, MONO, "NORMAL"),
    ("fish", 22, SANS, "NORMAL"),
]
SMALL = Quality(320, 180, 10)


@pytest.fixture
def forgetful(tmp_path, monkeypatch):
    """Makes the process as forgetful as a new one, with an empty cache."""
    monkeypatch.setenv("LEARNING_DYNAMICS_CACHE", str(tmp_path))
    outlines.cache_clear()
    yield outlines.cache_clear
    outlines.cache_clear()


def bare(line):
    glyphs, below = outlines(*line)
    return [(points.shape, points.dtype, points.strides, points.tobytes()) for points in glyphs], below


@pytest.mark.parametrize("line", LINES, ids=lambda line: line[0])
def test_outlines_kept_are_the_outlines_set_and_no_svg_is_read_for_them(forgetful, monkeypatch, line):
    with studio(SMALL, "dark"):
        first = bare(line)
    assert len(first[0]) == len(line[0])
    forgetful()
    monkeypatch.setattr(_outlines, "Text", None)
    assert bare(line) == first


def test_a_damaged_outline_is_set_again(forgetful, tmp_path):
    with studio(SMALL, "dark"):
        first = bare(LINES[2])
        (path,) = tmp_path.iterdir()
        whole = path.read_bytes()
        path.write_bytes(whole[:200] + b"x" + whole[201:])
        forgetful()
        assert bare(LINES[2]) == first
    assert path.read_bytes() == whole


def test_size_weight_and_face_each_have_outlines_of_their_own(forgetful, tmp_path):
    with studio(SMALL, "dark"):
        for line in (
            ("on", 22, SANS, "NORMAL"),
            ("no", 22, SANS, "NORMAL"),
            ("on", 23, SANS, "NORMAL"),
            ("on", 22, MONO, "NORMAL"),
            ("on", 22, SANS, "MEDIUM"),
        ):
            outlines(*line)
    assert len(list(tmp_path.iterdir())) == 5


def test_a_film_looks_the_same_from_kept_outlines(forgetful, monkeypatch):
    cold = stills(Metronomes, [1.0, 2.0], quality=SMALL)
    forgetful()
    monkeypatch.setattr(_outlines, "Text", None)
    warm = stills(Metronomes, [1.0, 2.0], quality=SMALL)
    assert all(np.array_equal(a, b) for a, b in zip(cold, warm, strict=True))
