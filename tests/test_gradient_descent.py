"""Gradient descent against theory on the bowl, complex step, published minima and PyTorch's paths."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sims import Diverged
from sims._optimise import OPTIMISERS, SCHEDULES
from sims.gradient_descent import (
    SURFACES,
    GradientDescent,
    best_descent,
    best_heavy_ball,
    trained_plane,
)

TORCH = np.load(Path(__file__).parent / "oracles" / "optimisers.npz")


def on_bowl(kappa, **parameters):
    return GradientDescent(surface="bowl", kappa=kappa, grid=2, **parameters)


@given(st.floats(1, 1e4), st.floats(0, 2.5), st.integers(1, 300))
def test_along_an_axis_of_the_bowl_the_error_is_one_minus_eta_lambda_to_the_t(kappa, eta, steps):
    run = on_bowl(kappa, optimiser="gd", eta=eta, x_0=1.5, y_0=-0.7, steps=steps).run()
    t = np.arange(steps + 1)[:, None]
    expected = (1 - eta * np.array([1 / kappa, 1.0])) ** t * [1.5, -0.7]
    # near ηλ = 1 all digits cancel, so what is left is compared with what there was
    np.testing.assert_allclose(run.x, expected, rtol=1e-10, atol=1e-13)


@given(st.floats(1, 1e4), st.floats(1e-3, 1.99))
def test_below_two_over_lambda_max_descent_converges(kappa, eta):
    run = on_bowl(kappa, optimiser="gd", eta=eta, steps=50).run()
    assert ((np.diff(run.loss) < 0) | (run.loss[1:] == 0)).all()
    assert abs(run.x[-1, 1]) <= abs(1 - eta) ** 50 * (1 + 1e-9) + 1e-15


@given(st.floats(1, 1e4), st.floats(2.01, 10))
def test_above_two_over_lambda_max_descent_runs_away(kappa, eta):
    run = on_bowl(kappa, optimiser="gd", eta=eta, steps=50).run()
    assert (np.diff(abs(run.x[:, 1])) > 0).all()


def test_the_limit_is_two():
    below, at, above = (
        on_bowl(1, optimiser="gd", eta=eta, x_0=0, y_0=1, steps=2000).run() for eta in (1.99, 2.0, 2.01)
    )
    assert below.loss[-1] < 1e-17
    assert set(at.loss.values) == {0.5}
    assert above.loss[-1] > 1e16


@pytest.mark.parametrize("kappa", [4.0, 25.0, 81.0, 400.0])
def test_the_best_eta_of_plain_descent_gives_its_rate_and_no_other_is_better(kappa):
    eta, rate = best_descent(1 / kappa, 1.0)
    assert rate == pytest.approx((kappa - 1) / (kappa + 1), rel=1e-12)
    runs = GradientDescent.run_batch(
        [on_bowl(kappa, optimiser="gd", eta=e, steps=400) for e in (eta, 0.99 * eta, 1.01 * eta)]
    )
    error = np.linalg.norm(runs.x, axis=-1)
    best, shorter, longer = (error[:, 400] / error[:, 300]) ** 0.01
    assert best == pytest.approx(rate, rel=1e-9)
    assert best < min(shorter, longer)


@pytest.mark.parametrize("kappa", [4.0, 25.0, 81.0, 400.0])
def test_the_best_heavy_ball_of_goh_loses_root_kappa_minus_one_over_root_kappa_plus_one(kappa):
    eta, beta, rate = best_heavy_ball(1 / kappa, 1.0)
    assert rate == pytest.approx((np.sqrt(kappa) - 1) / (np.sqrt(kappa) + 1), rel=1e-12)
    steps = int(60 / (1 - rate))
    run = on_bowl(kappa, optimiser="heavy_ball", eta=eta, momentum=beta, steps=steps).run()
    # both axes are critically damped: the error is (a + b t) rate^t, and t drops out in the limit
    late = np.arange(steps // 2, steps + 1)
    error = abs(run.x.values[late, 0])
    slope = np.polyfit(late, np.log(error / (late + 1)), 1)[0]
    assert np.exp(slope) == pytest.approx(rate, rel=1e-3)


def test_a_heavy_ball_beats_the_best_plain_descent_and_steps_beyond_its_limit():
    eta, beta, _ = best_heavy_ball(1 / 81, 1.0)
    assert eta == pytest.approx(3.24)
    assert beta == pytest.approx(0.64)
    ball = on_bowl(81, optimiser="heavy_ball", eta=eta, momentum=beta).run()
    plain = on_bowl(81, optimiser="gd", eta=best_descent(1 / 81, 1.0)[0]).run()
    assert ball.loss[-1] < 1e-30 < 1e-6 < plain.loss[-1]


def test_the_default_run_measures_a_rate_that_no_plain_descent_can_reach():
    sim = GradientDescent()
    measured = sim.measure(sim.run())
    # under-damped: both roots of z² - (1 + β - ηλ) z + β have modulus √β
    assert measured["rate: error left after a step"] == pytest.approx(np.sqrt(0.8), abs=0.005)
    assert measured["rate: error left after a step"] < measured["best rate of gradient descent"]
    assert measured["best rate of gradient descent"] == pytest.approx(80 / 82)
    assert measured["best rate of a heavy ball"] == pytest.approx(0.8)


def shape_of(name):
    if name == "bowl":
        return (np.array([[7.0]]),)
    return trained_plane([np.random.default_rng(3)]) if name == "network" else ()


@pytest.mark.parametrize("name", SURFACES)
@given(st.floats(-3, 3), st.floats(-3, 3))
@settings(max_examples=50)
def test_the_slope_of_every_surface_equals_the_complex_step(name, x, y):
    surface, shape, h = SURFACES[name], shape_of(name), 1e-30
    point = np.array([[x]]), np.array([[y]])
    by_step = [
        surface.value(point[0] + 1j * h, point[1], *shape).imag / h,
        surface.value(point[0], point[1] + 1j * h, *shape).imag / h,
    ]
    slope = np.array(surface.slope(*point, *shape))
    np.testing.assert_allclose(slope, by_step, rtol=1e-12, atol=1e-12 * max(1.0, abs(slope).max()))


@pytest.mark.parametrize("name", ["saddle", "rosenbrock", "beale", "himmelblau"])
def test_every_published_minimum_is_one(name):
    published = {
        "saddle": [(0, 1), (0, -1)],
        "rosenbrock": [(1, 1)],
        "beale": [(3, 0.5)],
        "himmelblau": [(3, 2), (-2.805118, 3.131312), (-3.779310, -3.283186), (3.584428, -1.848126)],
    }
    surface = SURFACES[name]
    assert len(surface.minima) == len(published[name])
    for x, y in published[name]:
        assert np.hypot(*(np.array(surface.minima) - (x, y)).T).min() < 2e-6
        assert surface.value(x, y) < 1e-10
        assert np.linalg.norm(surface.slope(x, y)) < 1e-4
        ring = np.linspace(0, 2 * np.pi, 24)
        assert (surface.value(x + 0.01 * np.cos(ring), y + 0.01 * np.sin(ring)) > surface.value(x, y)).all()


def test_published_values_away_from_the_minima():
    assert SURFACES["rosenbrock"].value(-1.2, 1.0) == pytest.approx(
        24.2
    )  # Moré, Garbow & Hillstrom 1981, no. 1
    assert SURFACES["beale"].value(1.0, 1.0) == pytest.approx(14.203125)  # the same, no. 5
    assert SURFACES["himmelblau"].value(-0.270845, -0.923039) == pytest.approx(181.617, abs=1e-3)


@pytest.mark.parametrize("optimiser", OPTIMISERS)
def test_the_whole_simulation_takes_torchs_200_steps_down_rosenbrocks_valley(optimiser):
    torch = {key: TORCH[f"{optimiser}/rosenbrock/{key}"] for key in ("path", "loss", "grad", "lr", "start")}
    given_ = {"beta_2": 0.99} if optimiser == "rmsprop" else {}
    run = GradientDescent(
        surface="rosenbrock",
        optimiser=optimiser,
        eta=float(torch["lr"]),
        momentum=0.9,
        grid=2,
        steps=200,
        **given_,
    ).run()
    for name, theirs in {"x": "path", "loss": "loss", "gradient": "grad"}.items():
        np.testing.assert_allclose(run[name], torch[theirs], rtol=1e-10, atol=1e-10)


def test_the_trained_network_lies_at_the_bottom_of_its_plane_for_a_hundred_seeds():
    sims = [GradientDescent(surface="network", steps=1, grid=9, seed=seed) for seed in range(100)]
    runs = GradientDescent.run_batch(sims)
    centre = runs.surface.values[:, 4, 4]
    assert (centre < 1e-7).all()
    assert (runs.surface.values.min(axis=(1, 2)) >= centre - 1e-7).all()


def test_directions_are_as_long_as_the_network_unit_by_unit_and_leave_biases_alone():
    w, *directions = (plane[0] for plane in trained_plane([np.random.default_rng(5)]))
    for d in directions:
        # 2-4-1: four units of two weights, four biases, one unit of four weights, one bias
        np.testing.assert_allclose(
            np.linalg.norm(d[:8].reshape(4, 2), axis=1), np.linalg.norm(w[:8].reshape(4, 2), axis=1)
        )
        np.testing.assert_allclose(np.linalg.norm(d[12:16]), np.linalg.norm(w[12:16]))
        assert not d[8:12].any()
        assert d[16] == 0


@pytest.mark.parametrize("optimiser", OPTIMISERS)
@pytest.mark.parametrize("surface", SURFACES)
def test_with_its_customary_start_and_rate_every_optimiser_goes_down(surface, optimiser):
    run = GradientDescent(surface=surface, optimiser=optimiser, grid=2, steps=200).run()
    assert run.loss[-1] < run.loss[0]


@pytest.mark.parametrize("surface", SURFACES)
def test_a_batch_of_starts_equals_its_members_one_by_one(surface):
    sims = [
        GradientDescent(surface=surface, x_0=x, y_0=0.3, kappa=10.0 + x, seed=i, steps=40, grid=5)
        for i, x in enumerate((-0.5, 0.2, 0.4))
    ]
    together = GradientDescent.run_batch(sims)
    for i, sim in enumerate(sims):
        alone = sim.run()
        for name in alone:
            difference = abs(together[name].isel(batch=i, missing_dims="ignore") - alone[name]).max()
            assert difference <= (1e-12 if surface == "network" else 0)


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_each_recorded_rate_is_the_one_the_next_step_takes(schedule):
    run = on_bowl(
        10, optimiser="gd", eta=0.9, schedule=schedule, gamma=0.7, period=7, warmup=9, steps=60
    ).run()
    step = run.x.diff("step").values
    np.testing.assert_allclose(step, -(run.eta * run.gradient).values[:-1], rtol=1e-9, atol=1e-15)
    assert run.eta.max() <= 0.9


def test_the_recorded_surface_is_sampled_where_its_grid_says():
    run = GradientDescent(surface="beale", grid=7, steps=1).run()
    x, y = float(run.grid_x[2]), float(run.grid_y[5])
    expected = (1.5 - x + x * y) ** 2 + (2.25 - x + x * y**2) ** 2 + (2.625 - x + x * y**3) ** 2
    assert run.surface.sel(grid_x=x, grid_y=y) == pytest.approx(expected, rel=1e-12)


def test_growth_is_a_result_and_only_overflow_is_an_error():
    assert np.isfinite(on_bowl(1, optimiser="gd", eta=3.0, steps=400).run().x).all()
    with pytest.raises(Diverged, match=r"loss diverged at step \d+; try a smaller eta"):
        GradientDescent(surface="rosenbrock", optimiser="gd", eta=0.1).run()


def test_start_and_rate_follow_the_surface_unless_given():
    assert GradientDescent(surface="rosenbrock").eta == 1e-3
    assert GradientDescent(surface="rosenbrock", eta=1e-4).eta == 1e-4
    moved = GradientDescent(y_0=0.5).model_copy(update={"surface": "beale", "optimiser": "adam"})
    assert (moved.x_0, moved.y_0, moved.eta) == (1.0, 0.5, 0.1)
