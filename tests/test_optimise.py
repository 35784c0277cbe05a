"""Optimisers and schedules against PyTorch's answers, frozen and (where it is installed) live, and theory."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sims._optimise import OPTIMISERS, SCHEDULES, learning_rate, start, step

ORACLES = Path(__file__).parent / "oracles"
TORCH = np.load(ORACLES / "optimisers.npz")
RUNS = sorted({key.rsplit("/", 1)[0] for key in TORCH if key.count("/") == 2})
NAMES = {"momentum": "momentum", "alpha": "beta_2", "eps": "epsilon", "weight_decay": "weight_decay"}


def slope(surface, w):
    if surface == "bowl":
        return TORCH["bowl/eigenvalues"] * w
    x, y = w[..., 0], w[..., 1]
    return np.stack([-2 * (1 - x) - 400 * x * (y - x**2), 200 * (y - x**2)], -1)


def walk(optimiser, w, gradient, steps, **settings):
    state, path = start(optimiser, w), [w]
    for t in range(1, steps + 1):
        w, state = step(optimiser, w, gradient(w), state, t, **settings)
        path.append(w)
    return np.array(path)


@pytest.mark.parametrize("run", RUNS)
def test_every_optimiser_takes_the_200_steps_that_torch_takes(run):
    torch = {key.rsplit("/", 1)[1]: TORCH[key] for key in TORCH if key.startswith(run + "/")}
    settings = {ours: float(torch[theirs]) for theirs, ours in NAMES.items() if theirs in torch}
    if "betas" in torch:
        settings |= dict(zip(("beta_1", "beta_2"), map(float, torch["betas"])))
    path = walk(
        str(torch["optimiser"]),
        torch["start"],
        lambda w: slope(run.split("/")[1], w),
        len(torch["path"]) - 1,
        eta=float(torch["lr"]),
        **settings,
    )
    assert len(path) == 201
    np.testing.assert_allclose(path, torch["path"], rtol=0, atol=1e-10)


def test_every_optimiser_was_asked_of_torch():
    assert {str(TORCH[run + "/optimiser"]) for run in RUNS} == set(OPTIMISERS)


@pytest.mark.skipif(not importlib.util.find_spec("torch"), reason="PyTorch is not installed")
@pytest.mark.parametrize("optimiser", OPTIMISERS)
def test_live_torch_takes_the_same_steps_at_other_settings(optimiser):
    sys.path.insert(0, str(ORACLES))
    from make_oracles import optimiser_path

    theirs, ours = {
        "gd": ({}, {}),
        "heavy_ball": ({"momentum": 0.7}, {"momentum": 0.7}),
        "nesterov": ({"momentum": 0.7}, {"momentum": 0.7}),
        "adagrad": ({"eps": 1e-6}, {"epsilon": 1e-6}),
        "rmsprop": ({"alpha": 0.95, "eps": 1e-6}, {"beta_2": 0.95, "epsilon": 1e-6}),
        "adam": ({"betas": (0.8, 0.99)}, {"beta_1": 0.8, "beta_2": 0.99}),
        "adamw": ({"betas": (0.8, 0.99)}, {"beta_1": 0.8, "beta_2": 0.99}),
    }[optimiser]
    w = np.array([1.0, -2.0, 0.5, 1.5, -0.3])
    torch = optimiser_path(optimiser, "bowl", w, lr=0.01, weight_decay=0.05, **theirs)
    path = walk(optimiser, w, lambda w: slope("bowl", w), 200, eta=0.01, weight_decay=0.05, **ours)
    np.testing.assert_allclose(path, torch["path"], rtol=0, atol=1e-10)


@given(st.sampled_from(OPTIMISERS), st.integers(0, 2**32 - 1))
def test_a_batch_with_a_setting_each_equals_its_members_one_by_one_to_the_byte(optimiser, seed):
    rng = np.random.default_rng(seed)
    w = rng.normal(size=(4, 5))
    settings = {
        "eta": rng.uniform(1e-4, 1e-2, (4, 1)),
        "momentum": rng.uniform(0, 0.99, (4, 1)),
        "beta_1": rng.uniform(0, 0.99, (4, 1)),
        "beta_2": rng.uniform(0.5, 0.999, (4, 1)),
        "weight_decay": rng.uniform(0, 0.1, (4, 1)),
    }
    together = walk(optimiser, w, lambda w: slope("bowl", w), 20, **settings)
    for i in range(4):
        alone = {name: value[i] for name, value in settings.items()}
        assert (walk(optimiser, w[i], lambda w: slope("bowl", w), 20, **alone) == together[:, i]).all()


@pytest.mark.parametrize("optimiser", OPTIMISERS)
def test_a_step_leaves_its_arguments_as_they_were(optimiser):
    w, g = np.array([[1.0, 2.0]]), np.array([[0.5, -1.0]])
    state = start(optimiser, w)
    step(optimiser, w, g, state, 1, eta=0.1, weight_decay=0.1)
    assert w.tolist() == [[1, 2]]
    assert g.tolist() == [[0.5, -1]]
    assert not any(memory.any() for memory in state)


@pytest.mark.parametrize("optimiser", ["adam", "rmsprop"])
def test_the_first_step_of_a_normalised_optimiser_ignores_the_size_of_the_gradient(optimiser):
    w = np.zeros(2)
    for g in (np.array([1e-3, -1.0]), np.array([1e3, -1e-3])):
        moved, _ = step(optimiser, w, g, start(optimiser, w), 1, eta=0.1, beta_2=0.75, epsilon=0.0)
        first = 0.1 if optimiser == "adam" else 0.2  # rmsprop does not correct v = (1 - beta_2) g^2
        np.testing.assert_allclose(moved, [-first, first], rtol=1e-12)


def test_an_unknown_optimiser_or_schedule_is_named_with_those_that_are_known():
    w = np.zeros(2)
    for call in (lambda: start("adan", w), lambda: step("adan", w, w, (), 1, eta=0.1)):
        with pytest.raises(ValueError, match=r"gd, heavy_ball, .* got 'adan'"):
            call()
    with pytest.raises(ValueError, match=r"constant, step, .* got 'cosin'"):
        learning_rate("cosin", 1, 0.1, 10)


def test_schedules_follow_their_formulas():
    t = np.arange(1, 9)
    rate = {s: learning_rate(s, t, 0.8, 8, gamma=0.5, period=2, warmup=4) / 0.8 for s in SCHEDULES}
    quarter = np.sqrt(0.5) / 2  # (cos 45°) / 2
    expected = {
        "constant": np.ones(8),
        "step": [1, 1, 1 / 2, 1 / 2, 1 / 4, 1 / 4, 1 / 8, 1 / 8],
        "exponential": 2 ** (-np.arange(8) / 2),
        "warmup_cosine": [1 / 4, 1 / 2, 3 / 4, 1, 1, 0.5 + quarter, 0.5, 0.5 - quarter],
    }
    for schedule, values in expected.items():
        np.testing.assert_allclose(rate[schedule], values, rtol=1e-15)
    np.testing.assert_allclose(rate["cosine"][::2], [1, 0.5 + quarter, 0.5, 0.5 - quarter], rtol=1e-15)


@given(st.sampled_from(SCHEDULES), st.integers(1, 300), st.integers(0, 300))
def test_no_schedule_leaves_the_range_from_nothing_to_eta(schedule, steps, warmup):
    eta = learning_rate(schedule, np.arange(1, steps + 1), np.array([[0.1], [3.0]]), steps, warmup=warmup)
    assert eta.shape == (2, steps)
    assert (eta >= 0).all()
    assert (eta <= [[0.1 + 1e-15], [3 + 1e-15]]).all()


@pytest.mark.parametrize("optimiser", OPTIMISERS)
def test_a_step_written_over_the_weights_is_the_step(optimiser):
    rng = np.random.default_rng(0)
    w, g = rng.normal(size=(2, 3, 5))
    state = tuple(rng.uniform(0.1, 1, size=w.shape) for _ in start(optimiser, w))
    settings = {"eta": rng.uniform(0.1, 1, (3, 1)), "weight_decay": np.array([[0.0], [0.1], [0.2]])}
    after, memory = step(optimiser, w.copy(), g, state, 3, **settings)
    same, memory_too = step(optimiser, w, g, state, 3, **settings, out=w)
    assert same is w
    assert (w == after).all()
    assert all((a == b).all() for a, b in zip(memory, memory_too))


@pytest.mark.parametrize("optimiser", OPTIMISERS)
def test_weights_keep_their_precision_whatever_the_learning_rate_has(optimiser):
    w = np.ones(3, dtype="f4")
    for eta in (0.1, np.float64(0.1), np.full(3, 0.1)):
        moved, state = step(optimiser, w, w / 2, start(optimiser, w), 1, eta=eta, weight_decay=0.1)
        assert moved.dtype == "f4"
        assert all(memory.dtype == "f4" for memory in state)
