"""Outlines: few corners draw a path as many would."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from scenes import _bezier

PATHS = arrays(float, st.tuples(st.integers(1, 40), st.just(2)), elements=st.floats(-3, 3, width=16))


def apart(points, corners):
    """How far each point is from the nearest of the straight lines between corners."""
    a, along = corners[:-1], np.diff(corners, axis=0)
    share = ((points[:, None] - a) * along).sum(-1) / np.maximum((along**2).sum(-1), 1e-30)
    nearest = a + np.clip(share, 0, 1)[..., None] * along
    return np.linalg.norm(points[:, None] - nearest, axis=-1).min(1)


@given(PATHS, st.floats(1e-4, 1))
def test_corners_left_out_lie_near_the_line_that_is_drawn(path, within):
    kept = _bezier.bends(path, within)
    assert {0, len(path) - 1} <= set(kept.tolist())
    if len(kept) > 1:
        assert apart(path, path[kept]).max() <= within * (1 + 1e-9)


def test_a_straight_line_needs_two_corners_and_a_zigzag_all_of_its_own():
    x = np.linspace(0, 1, 50)
    assert _bezier.bends(np.stack([x, 3 * x], -1), 1e-9).tolist() == [0, 49]
    zigzag = np.stack([x, np.arange(50) % 2], -1)
    assert _bezier.bends(zigzag, 0.01).tolist() == list(range(50))


def test_a_path_that_turns_back_keeps_its_turn():
    assert _bezier.bends([(0, 0), (5, 0), (1, 0)], 0.1).tolist() == [0, 1, 2]
