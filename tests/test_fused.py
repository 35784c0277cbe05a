"""The compiled kernel: its own sine and cosine, the courses of numpy, and never in the way without numba."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sims import Diverged, Kuramoto, ParameterError

WIRED = [{}, {"network": "ring", "degree": 4, "rewiring": 0.2}, {"network": "random", "degree": 5}]


@pytest.fixture
def fused():
    pytest.importorskip("numba")
    from sims import _fused

    return _fused


# Without numba


def test_without_numba_it_is_refused_in_one_line_with_the_remedy(monkeypatch):
    monkeypatch.delitem(sys.modules, "sims._fused", raising=False)
    monkeypatch.delattr("sims._fused", raising=False)
    monkeypatch.setitem(sys.modules, "numba", None)
    sim = Kuramoto(scheme="rk4_fused")  # what was recorded elsewhere can still be read and measured
    with pytest.raises(ParameterError, match=r"needs numba: pip install '\.\[fast\]'") as refused:
        sim.run()
    assert "\n" not in str(refused.value)


def test_numba_is_imported_for_none_but_those_who_ask():
    code = (
        "import sys\n"
        "from sims import Kuramoto\n"
        "Kuramoto(n=5, steps=3).run()\n"
        "Kuramoto(n=5, steps=3, scheme='euler', network='ring').run()\n"
        "assert not {'numba', 'llvmlite'} & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


# Sine and cosine


def sines_and_cosines(fused, turns):
    s, c = np.empty_like(turns), np.empty_like(turns)
    sums = fused.start(turns, s, c)
    np.testing.assert_allclose(sums, (s.sum(), c.sum()), rtol=0, atol=1e-12 * turns.size)
    return s, c


@pytest.mark.skipif(np.finfo(np.longdouble).eps > 1e-18, reason="no longer number to hold it to")
@pytest.mark.parametrize("reach", [1e-8, 0.1, 0.5, 1.0, 1e3, 1e8, 1e14])
def test_sine_and_cosine_of_any_number_of_turns_are_right_to_1e_15(fused, reach):
    eighths = np.arange(-8000, 8000) / 8
    corners = np.concatenate([np.nextafter(eighths, side) for side in (-np.inf, np.inf)] + [eighths])
    random = np.random.default_rng(0).uniform(-reach, reach, 1_000_000)
    turns = np.concatenate([random, corners[np.abs(corners) <= reach]])
    theta = 2 * np.arccos(np.longdouble(-1)) * (turns - np.round(turns))
    s, c = sines_and_cosines(fused, turns)
    assert np.abs(s - np.sin(theta)).max() <= 1e-15
    assert np.abs(c - np.cos(theta)).max() <= 1e-15


@given(arrays(np.float64, st.integers(1, 40), elements=st.floats(-1e3, 1e3)))
def test_they_lie_on_the_unit_circle(turns):
    pytest.importorskip("numba")
    from sims import _fused

    s, c = sines_and_cosines(_fused, turns)
    np.testing.assert_allclose(s * s + c * c, 1, rtol=0, atol=2e-15)


def test_known_values(fused):
    turns = np.array([0, 1 / 12, 1 / 8, 1 / 6, 1 / 4, 1 / 2, -1 / 4, 1])
    s, c = sines_and_cosines(fused, turns)
    half, root2, root3 = 0.5, np.sqrt(0.5), np.sqrt(0.75)
    np.testing.assert_allclose(s, [0, half, root2, root3, 1, 0, -1, 0], rtol=0, atol=1e-15)
    np.testing.assert_allclose(c, [1, root3, root2, half, 0, -1, 0, 1], rtol=0, atol=1e-15)
    assert s[0] == s[-1] == 0


@pytest.mark.parametrize("theta", [np.nan, np.inf, -np.inf])
def test_what_is_no_angle_has_no_sine(fused, theta):
    s, c = np.empty(9), np.empty(9)
    fused.start(np.full(9, theta), s, c)
    assert np.isnan(s).all()
    assert np.isnan(c).all()


# Courses


@pytest.mark.parametrize("wired", WIRED)
@pytest.mark.parametrize("n", [7, 40, 1000])
def test_courses_are_those_of_numpy_but_for_rounding(fused, wired, n):
    n += n % 2 if wired.get("network") == "random" else 0
    crowd = [
        Kuramoto(
            n=n, K=2.0, alpha=a, kappa=k, target=1.0, frequencies="normal", steps=200, seed=seed, **wired
        )
        for seed, (a, k) in enumerate([(0.0, 0.0), (0.4, 0.0), (-0.2, 0.5)])
    ]
    compiled = [sim.model_copy(update={"scheme": "rk4_fused"}) for sim in crowd]
    ours, theirs = Kuramoto.run_batch(compiled), Kuramoto.run_batch(crowd)
    for name in ours.data_vars:
        np.testing.assert_allclose(ours[name], theirs[name], rtol=1e-11, atol=1e-11, err_msg=name)


def test_two_equal_oscillators_close_the_gap_as_theory_says(fused):
    pairs = [Kuramoto(n=2, K=K, frequencies="equal", scheme="rk4_fused") for K in (0.3, 1.0, 2.5)]
    runs = Kuramoto.run_batch(pairs)
    gap = np.tan((runs.theta[..., 1] - runs.theta[..., 0]).values / 2)
    expected = gap[:, :1] * np.exp(-np.array([[0.3], [1.0], [2.5]]) * runs.time.values)
    np.testing.assert_allclose(gap, expected, rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize("wired", WIRED)
def test_neither_rarer_records_nor_shorter_stretches_change_a_byte(fused, monkeypatch, wired):
    sim = Kuramoto(n=34, steps=60, scheme="rk4_fused", **wired)
    whole = sim.run().theta.values
    assert sim.model_copy(update={"every": 7}).run().theta.values.tobytes() == whole[::7].tobytes()
    for at_once in (1, 34 * 7):
        monkeypatch.setattr(fused, "AT_ONCE", at_once)
        assert sim.run().theta.values.tobytes() == whole.tobytes()


@pytest.mark.parametrize(("omega", "when"), [(1e301, r"t = \d+"), (1e14, r"t = \d+"), (np.nan, "t = 1")])
def test_what_diverges_is_reported_with_the_time_and_the_member(fused, omega, when):
    n, one = 9, np.ones((2, 1))
    frequencies = np.array([np.zeros(n), np.full(n, omega)])
    links = np.empty((2, 0, 2), np.int32)
    with pytest.raises(
        Diverged, match=f"the state diverged at {when} in member 1 of the batch; try a smaller"
    ):
        fused.rk4(np.zeros((2, n)), frequencies, one, one, one, one, links, 1.0, 40, 1)
