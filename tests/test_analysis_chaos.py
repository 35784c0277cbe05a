"""Lyapunov exponents: exact for linear systems and locked clocks, published for Lorenz and Roessler."""

import numpy as np
import pytest
import xarray as xr

from sims import Kuramoto
from sims._simulation import ParameterError
from sims._trajectory import Diverged
from sims.analysis import Flow, kuramoto_flow, lyapunov
from sims.kuramoto import order


def lorenz(t, y):
    """Lorenz 1963: σ = 10, ρ = 28, β = 8/3."""
    a, b, c = np.moveaxis(y, -1, 0)
    return np.stack([10 * (b - a), a * (28 - c) - b, a * b - 8 / 3 * c], axis=-1)


def roessler(t, y):
    """Roessler 1976: a = b = 0.2, c = 5.7."""
    a, b, c = np.moveaxis(y, -1, 0)
    return np.stack([-b - c, a + 0.2 * b, 0.2 + c * (a - 5.7)], axis=-1)


def starts(count, at, seed=0):
    near = np.random.default_rng(seed).normal(size=(count, len(at)))
    return xr.DataArray(np.array(at) + near, dims=("start", "state"), coords={"start": np.arange(count)})


@pytest.mark.parametrize("by", ["courses", "tangent"])
def test_a_linear_flow_has_the_real_parts_of_its_eigenvalues(by):
    turn = np.linalg.qr(np.random.default_rng(1).normal(size=(4, 4)))[0]
    A = np.zeros((4, 4))
    A[:2, :2], A[2, 2], A[3, 3] = [[0.3, 2.0], [-2.0, 0.3]], -0.2, -0.9
    A = turn @ A @ turn.T
    tangent = (lambda t, y, v: v @ A.T) if by == "tangent" else None
    # at rest, where the courses stay small
    settings = {"dt": 0.02, "steps": 20_000, "transient": 5_000, "tangent": tangent}
    found = lyapunov(lambda t, y: y @ A.T, np.zeros(4), count=4, **settings)
    np.testing.assert_allclose(found.lyapunov, [0.3, 0.3, -0.2, -0.9], atol=1e-5)
    largest = lyapunov(lambda t, y: y @ A.T, np.zeros(4), **settings).lyapunov
    np.testing.assert_allclose(largest, 0.3, atol=1e-4)


def test_time_goes_on_from_one_renormalisation_to_the_next():
    found = lyapunov(
        lambda t, y: (np.cos(t) - 0.1) * y, [1e-9], dt=2 * np.pi / 400, steps=4000, transient=400
    )
    np.testing.assert_allclose(found.lyapunov, -0.1, atol=1e-6)
    np.testing.assert_allclose(found.time[-1], 20 * np.pi)


def test_lorenz_has_the_exponent_known_for_it():
    found = lyapunov(lorenz, starts(32, (1, 1, 25)), dt=0.01, steps=20_000, transient=2_000)
    scatter = float(found.lyapunov.std() / np.sqrt(31))
    assert scatter < 0.004
    np.testing.assert_allclose(found.lyapunov.mean(), 0.9056, atol=3 * scatter)
    assert (np.abs(found.lyapunov - 0.9056) < 3 * found.lyapunov_error).all()


def test_lorenz_contracts_volumes_at_the_rate_of_its_divergence():
    found = lyapunov(lorenz, starts(8, (1, 1, 25)), dt=0.01, steps=4_000, transient=1_000, count=3)
    np.testing.assert_allclose(found.lyapunov.sum("exponent"), -(10 + 1 + 8 / 3), atol=2e-3)
    np.testing.assert_allclose(found.lyapunov.mean("start")[1], 0, atol=0.01)


def test_roessler_has_the_exponent_known_for_it():
    found = lyapunov(roessler, starts(16, (1, 1, 0.5)), dt=0.02, steps=20_000, transient=5_000)
    scatter = float(found.lyapunov.std() / np.sqrt(15))
    assert scatter < 0.002
    np.testing.assert_allclose(found.lyapunov.mean(), 0.0714, atol=3 * scatter)


def test_two_locked_clocks_forget_at_the_rate_of_theory():
    # φ' = Δω - K sin φ: at its rest the slope is -√(K² - Δω²); with quantiles of a uniform on ±1, Δω = 1
    K = np.array([1.2, 2.0, 3.0])
    two = Kuramoto(n=2, frequencies="uniform", dt=0.02, steps=4_000)
    found = lyapunov(two, over={"K": K}, count=2, transient=4_000)
    np.testing.assert_allclose(found.lyapunov[:, 0], 0, atol=1e-6)
    np.testing.assert_allclose(found.lyapunov[:, 1], -np.sqrt(K**2 - 1), atol=1e-6)
    assert found.K.units == found.lyapunov.units.replace("1/s", "rad/s")


def test_two_clocks_that_drift_neither_forget_nor_part():
    two = Kuramoto(n=2, frequencies="uniform", K=0.5, dt=0.1, steps=10_000)
    np.testing.assert_allclose(lyapunov(two, count=2, renormalise=100).lyapunov, 0, atol=2e-3)


def test_equal_clocks_in_step_forget_at_rate_k():
    many = Kuramoto(n=7, frequencies="equal", K=1.7, arc=0.5, dt=0.02, steps=2_000)
    found = lyapunov(many, count=7, transient=4_000)
    np.testing.assert_allclose(found.lyapunov, [0] + [-1.7] * 6, atol=1e-5)


NETWORKS = [{}, {"network": "ring", "degree": 4, "rewiring": 0.5}, {"network": "random", "degree": 3}]


@pytest.mark.parametrize("network", NETWORKS)
def test_the_flow_is_the_simulations_own_on_every_network(network):
    sim = Kuramoto(n=8, alpha=0.4, kappa=0.7, target=1.0, steps=1, **network)
    over = {"K": [0.5, 1.3], "seed": [4, 5, 6]}
    flow = kuramoto_flow(sim, over)
    assert flow.start.dims == ("K", "seed", "oscillator")
    for K in over["K"]:
        for seed in over["seed"]:
            run = sim.model_copy(update={"K": K, "seed": seed}).run()
            here = {"K": K, "seed": seed}
            speed = flow.start.copy(data=flow.f(0.0, flow.start.values)).sel(here)
            np.testing.assert_allclose(flow.start.sel(here), run.theta[0], rtol=1e-14)
            np.testing.assert_allclose(speed, run.theta_dot[0], atol=1e-13)


@pytest.mark.parametrize("network", NETWORKS)
def test_deviations_move_as_the_flow_between_neighbours(network):
    sim = Kuramoto(n=8, alpha=0.4, kappa=0.7, target=1.0, **network)
    flow = kuramoto_flow(sim, {"K": [0.5, 1.3]})
    theta, v = flow.start.values, np.random.default_rng(0).normal(size=(3, 2, 8))
    near = (flow.f(0.0, theta + 1e-6 * v) - flow.f(0.0, theta - 1e-6 * v)) / 2e-6
    np.testing.assert_allclose(flow.tangent(0.0, theta, v), near, atol=1e-8)


def test_equal_clocks_on_a_ring_forget_as_heat_spreads():
    # in step, deviations diffuse: rates K (cos(2πk/N) - 1) of the ring's Laplacian over its degree
    ring = Kuramoto(n=6, frequencies="equal", K=1.5, arc=0.4, network="ring", dt=0.02, steps=2_000)
    found = lyapunov(ring, count=6, transient=6_000)
    rates = np.sort(1.5 * (np.cos(2 * np.pi * np.arange(6) / 6) - 1))[::-1]
    np.testing.assert_allclose(found.lyapunov, rates, atol=1e-5)


def test_four_clocks_can_be_chaotic_but_three_can_not():
    # phase differences of three move on a surface, where there is no chaos (Popovych, Maistrenko & Tass 2005)
    settings = {"dt": 0.1, "steps": 6_000, "transient": 1_000, "renormalise": 20}
    four = lyapunov(Kuramoto(n=4, frequencies="uniform", K=0.9), over={"seed": range(4)}, **settings)
    three = lyapunov(Kuramoto(n=3, frequencies="uniform", K=0.9), over={"seed": range(4)}, **settings)
    assert (four.lyapunov > 0.03).all()
    assert (np.abs(three.lyapunov) < 0.006).all()
    # the same chaos by courses that start side by side, without the derivative
    f, start, _ = kuramoto_flow(Kuramoto(n=4, frequencies="uniform", K=0.9), over={"seed": range(4)})
    courses = lyapunov(f, start, **settings)
    gap = np.abs(courses.lyapunov.mean() - four.lyapunov.mean())
    assert gap < 3 * np.hypot(courses.lyapunov.std(), four.lyapunov.std()) / np.sqrt(3)


def test_the_sum_of_all_exponents_is_the_mean_divergence():
    # Σ ∂θ'/∂θ = K (1 - N r²)
    sim = Kuramoto(n=4, frequencies="uniform", K=0.9, dt=0.1, steps=5_000)
    found = lyapunov(sim, count=4, transient=500)
    r, _ = order(sim.model_copy(update={"steps": 5_500}).run().theta.values[500:])
    np.testing.assert_allclose(found.lyapunov.sum(), 0.9 * (1 - 4 * (r**2).mean()), atol=2e-3)


def test_many_starts_are_each_as_if_alone_and_label_themselves():
    at = starts(3, (1, 1, 25))
    settings = {"dt": 0.01, "steps": 1_000, "transient": 100}
    together = lyapunov(lorenz, at, **settings)
    alone = lyapunov(Flow(lorenz, at[1:2]), **settings)
    assert together.lyapunov.dims == ("start",)
    assert together.running.dims == ("start", "time")
    np.testing.assert_array_equal(together.running[:, -1], together.lyapunov)
    # deviations start at random, so alone is alike, not equal
    np.testing.assert_allclose(together.lyapunov[1], alone.lyapunov[0], atol=0.2)
    assert together.lyapunov.long_name == "largest Lyapunov exponent"


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"dt": 0}, "dt must be > 0 and steps >= 1; got dt=0"),
        ({"count": 4}, "count must be >= 1 and <= 3, the size of the state; got 4"),
        ({"steps": 100}, "renormalise must be >= 1 and <= steps/20 = 5; got 10"),
        ({"start": np.zeros((2, 3))}, "start must be a vector, or a DataArray that names its dimensions"),
        ({"start": [1, np.nan, 0]}, "start must be finite numbers"),
        ({"over": {"K": [1]}}, "over goes with a Kuramoto simulation"),
    ],
)
def test_what_is_wrong_is_told_with_its_remedy(wrong, message):
    with pytest.raises(ValueError, match=message):
        lyapunov(lorenz, **({"start": [1, 1, 1]} | wrong))


def test_a_course_that_diverges_says_when():
    with pytest.raises(Diverged, match=r"diverged at t = .*; try a smaller dt"):
        lyapunov(lorenz, [1, 1, 1], dt=0.5)


def test_noise_unknown_parameters_and_values_out_of_bounds_are_refused():
    with pytest.raises(ValueError, match=r"a flow needs .*: D=0 and scheme='rk4'; got D=0\.1"):
        lyapunov(Kuramoto(n=3, D=0.1, scheme="euler"))
    with pytest.raises(ParameterError, match="Kuramoto has no parameter 'k': did you mean K"):
        lyapunov(Kuramoto(n=3), over={"k": [1]})
    with pytest.raises(ParameterError, match="K must be >= 0"):
        lyapunov(Kuramoto(n=3), over={"K": [-1.0]})
    with pytest.raises(ValueError, match="over must give each parameter one value or more"):
        lyapunov(Kuramoto(n=3), over={"K": []})


def test_a_flow_brings_its_own_start_and_tangent():
    flow = Flow(lambda t, y: y - y**3, xr.DataArray([1.0], dims="x"))
    for given in ({"start": [0.0]}, {"tangent": lambda t, y, v: v}):
        with pytest.raises(ValueError, match="Flow has"):
            lyapunov(flow, dt=0.01, steps=1000, **given)
    with pytest.raises(ValueError, match="tangent"):
        lyapunov(Kuramoto(n=3, steps=1000), tangent=lambda t, y, v: v)


def test_a_start_for_kuramoto_has_a_phase_for_each_oscillator():
    for start in (np.zeros(4), np.zeros((2, 3))):
        with pytest.raises(ValueError, match=r"start must fit .* \(5, 3\)"):
            lyapunov(Kuramoto(n=3, steps=1000), start, over={"K": range(5)})
    kept = kuramoto_flow(Kuramoto(n=3), {"K": range(5)}, np.arange(3.0)).start
    np.testing.assert_array_equal(kept, np.tile(np.arange(3.0), (5, 1)))


def test_deviations_too_small_to_be_seen_are_not_taken_for_exponents():
    three = {"dt": 0.01, "steps": 4000, "count": 3}
    for renormalise in (100, 200):  # e^{-14.6 t} of the third is lost in the squares of the first
        with pytest.raises(ValueError, match="smaller renormalise"):
            lyapunov(lorenz, [1.0, 1.0, 20.0], renormalise=renormalise, **three)
    found = lyapunov(lorenz, [1.0, 1.0, 20.0], renormalise=20, **three)
    np.testing.assert_allclose(found.lyapunov.sum(), -(10 + 1 + 8 / 3), rtol=1e-3)  # the divergence
    with pytest.raises(ValueError, match="smaller renormalise"):
        lyapunov(lambda t, y: -20 * (y - 3), [1.0], dt=0.01, steps=8000, renormalise=100)


@pytest.mark.parametrize("bad", [{"nearness": 0}, {"nearness": 1e-17}, {"nearness": 2}, {"transient": -1}])
def test_settings_that_cannot_be_are_refused(bad):
    with pytest.raises(ValueError, match=f"{next(iter(bad))} must"):
        lyapunov(lorenz, [1.0, 1.0, 20.0], dt=0.01, steps=1000, **bad)
