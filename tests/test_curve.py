"""A line on a chart: drawn with few corners, it lies where its data do, as far as the clock has come."""

import numpy as np
import pytest
from test_bezier import apart

from scenes import _render
from scenes.parts.curve import UNSEEN, Curve
from sims import Kuramoto

BOX, SECONDS = (-4.0, -2.0, 8.0, 4.0), 20.0


@pytest.fixture(scope="module")
def run():
    return Kuramoto(n=40, K=2.5, dt=0.02, steps=int(SECONDS / 0.02)).run()


@pytest.fixture
def chart(run):
    with _render.studio(_render.QUALITIES["draft"], "dark"):
        yield Curve(run, "r", BOX, (0, SECONDS), (0, 1), "order r", "time (s)")


@pytest.mark.parametrize("t", [0.0, 0.01, 0.02, 0.031, 3.3, 11.999, 12.0, 13.57, SECONDS])
def test_the_line_goes_through_all_data_up_to_its_clock_and_no_farther(run, chart, t):
    chart.show(t)
    corners = chart.lines[0].points[::4, :2]
    corners = np.vstack([corners, chart.lines[0].points[-1:, :2]])
    x = BOX[0] + BOX[2] * run.time.values / SECONDS
    y = BOX[1] + BOX[3] * run.r.values
    tip = BOX[0] + BOX[2] * t / SECONDS, BOX[1] + BOX[3] * np.interp(t, run.time, run.r)
    np.testing.assert_allclose(corners[-1], tip, atol=1e-9)
    passed = run.time.values <= t
    stride = max(1, passed.sum() // 600)
    data = np.stack([x, y], -1)[passed][::stride]
    assert apart(data, corners).max() <= 2 * UNSEEN
    assert len(corners) <= len(data) + 2


def test_a_line_is_the_same_however_the_clock_came_there(run, chart):
    chart.show(13.57)
    straight = chart.lines[0].points.copy()
    for t in (2.0, 19.0, 0.0, 13.57):
        chart.show(t)
    np.testing.assert_array_equal(chart.lines[0].points, straight)
