"""Up and down: fold points known exactly, and the crowds of clocks whose order comes and goes at a jump."""

import numpy as np
import pytest
import xarray as xr
from scipy.optimize import brentq, minimize_scalar

from sims import Kuramoto
from sims._simulation import ParameterError
from sims.analysis import hysteresis


def cubic(t, y, h):
    """y' = h + y - y³: two states between the folds at h = ±2/(3√3)."""
    return h + y - y**3


def last(y):
    return y[..., -1]


def test_the_cubic_jumps_at_its_folds():
    h = np.linspace(-0.6, 0.6, 61)
    found = hysteresis(cubic, {"h": h}, [-1.0], last, dt=0.1, steps=800)
    fold = 2 / (3 * np.sqrt(3))
    np.testing.assert_allclose(found.jump_at, [fold, -fold], atol=0.02)
    # from the fold at ∓1/√3 to the other branch, at ±2/√3
    assert (found.jump > 1.6).all()
    # area between the two branches: 2 ∫ y dh = 3/2
    np.testing.assert_allclose(found.area, 1.5, atol=0.05)
    assert (np.abs(found.change).sel(h=slice(-0.2, 0.2)) < 1e-6).all()


def test_a_driven_pendulum_starts_at_one_drive_and_stops_at_another():
    # Josephson junction: θ'' = I - α θ' - sin θ; runs above I = 1, stops below 4α/π (Strogatz 2015, §8.5)
    alpha = 0.1

    def pendulum(t, y, I):
        theta, v = np.moveaxis(y, -1, 0)
        return np.stack([v, I - alpha * v - np.sin(theta)], axis=-1)

    drive = np.arange(0.07, 1.06, 0.03)
    found = hysteresis(pendulum, {"I": drive}, [0.0, 0.0], last, dt=0.1, steps=800)
    np.testing.assert_allclose(found.jump_at.sel(direction="up"), 1, atol=0.02)
    np.testing.assert_allclose(found.jump_at.sel(direction="down"), 4 * alpha / np.pi, atol=0.02)


def test_without_two_states_the_loop_closes_as_the_pace_falls():
    areas = [
        float(
            hysteresis(
                lambda t, y, h: h - y, {"h": [0, 1, 2, 3]}, [0.0], last, dt=0.1, steps=steps, samples=20
            ).area
        )
        for steps in (20, 40, 400)
    ]
    assert abs(areas[0]) > abs(areas[1]) > 0.01
    np.testing.assert_allclose(areas[2], 0, atol=1e-7)


def test_clocks_of_uniform_frequencies_jump_at_one_coupling_both_ways():
    # Pazo 2005: at K = 4γ/π, to r = π/4 and on as (K - K_c)^{2/3}
    K = np.linspace(1.2, 1.4, 21)
    found = hysteresis(Kuramoto(n=500, frequencies="uniform", dt=0.2, steps=600), {"K": K})
    np.testing.assert_allclose(found.jump_at, 4 / np.pi, atol=0.015)
    assert (np.abs(found.jump) > 0.3).all()
    r = found.r.sel(direction="down")
    assert (r.where(r.K < 1.25, drop=True) < 0.25).all()
    # r is above π/4 wherever there is order, and falls to it
    ordered = r.where(r.K > 1.285, drop=True)
    assert (ordered > np.pi / 4).all()
    assert ordered[0] < np.pi / 4 + 0.05
    np.testing.assert_allclose(found.area, 0, atol=0.02)


def test_two_crowds_of_clocks_hold_their_order_longer_than_it_takes_to_get():
    # two Lorentzians at ±ω₀, half-width 1: disorder is stable up to K = 2 (1 + ω₀²); order ends where its
    # equations, K (1 + cos ψ)(1 - ρ²) = 4, K (1 + ρ²) sin ψ = 4ω₀, have no solution (Martens et al. 2009)
    n, omega_0 = 2000, 0.95
    a, b = (lambda rho: 4 / (1 - rho**2)), (lambda rho: 4 * omega_0 / (1 + rho**2))
    end = minimize_scalar(lambda rho: (a(rho) ** 2 + b(rho) ** 2) / (2 * a(rho)), bounds=(0, 0.99)).fun

    def below(x):
        return 0.5 + (np.arctan(x - omega_0) + np.arctan(x + omega_0)) / (2 * np.pi)

    q = (np.arange(n) + 0.5) / n
    omega = tuple(brentq(lambda x, p: below(x) - p, -1e5, 1e5, args=(p,)) for p in q)
    two = Kuramoto(n=n, frequencies="given", given=omega, dt=0.2, steps=300)
    found = hysteresis(two, {"K": np.linspace(3.35, 3.95, 25)})
    # few as they are, their chance order begins a little early
    np.testing.assert_allclose(found.jump_at.sel(direction="up"), 2 * (1 + omega_0**2), rtol=0.04)
    np.testing.assert_allclose(found.jump_at.sel(direction="down"), end, rtol=0.02)
    assert found.area > 0.05


def test_seeds_go_side_by_side_each_as_if_alone():
    sim = Kuramoto(n=6, frequencies="normal", sampling="random", dt=0.1, steps=60)
    K = [0.5, 1.0, 2.0]
    found = hysteresis(sim, {"K": K, "seed": [3, 4]})
    assert found.r.dims == ("direction", "K", "seed")
    assert found.area.dims == ("seed",)
    for seed in (3, 4):
        alone = hysteresis(sim.model_copy(update={"seed": seed}), {"K": K})
        np.testing.assert_allclose(found.r.sel(seed=seed), alone.r, rtol=1e-13)


def test_many_starts_go_side_by_side_and_label_themselves():
    start = xr.DataArray([[-1.0], [1.0]], dims=("start", "state"), coords={"start": ["low", "high"]})
    found = hysteresis(cubic, {"h": [-0.1, 0.0, 0.1]}, start, last, dt=0.1, steps=400)
    assert found.observed.dims == ("direction", "h", "start")
    assert (np.sign(found.observed.sel(start="low")) == -1).all()
    assert (np.sign(found.observed.sel(start="high")) == 1).all()
    assert list(found.direction.values) == ["up", "down"]
    clocks = Kuramoto(n=4, dt=0.1, steps=20)
    K = hysteresis(clocks, {"K": [1, 2]}, samples=4).K
    assert "observed" in hysteresis(clocks, {"K": [1, 2]}, observe=last, samples=4)
    assert (K.long_name, K.symbol, K.units) == ("coupling strength", "K", "rad/s")


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"over": {}}, "over must name the parameter to be continued"),
        ({"over": {"h": [1, 0]}}, "h must have two values or more that increase"),
        ({"over": {"h": [0, 1], "seed": [1]}}, "a flow of your own has one parameter; got h, seed"),
        ({"observe": None}, "observe must say what is looked at"),
        ({"observe": lambda y: y}, "observe must give one number for each state"),
        ({"samples": 3}, "samples must be >= 4 and <= steps = 10000; got 3"),
        ({"dt": -1}, "dt must be > 0"),
    ],
)
def test_what_is_wrong_is_told_with_its_remedy(wrong, message):
    asked = {"over": {"h": [0, 1]}, "start": [0.0], "observe": last} | wrong
    with pytest.raises(ValueError, match=message):
        hysteresis(cubic, **asked)


def test_a_parameter_that_is_not_there_is_told():
    with pytest.raises(ParameterError, match="Kuramoto has no parameter 'k'"):
        hysteresis(Kuramoto(n=4), {"k": [0, 1]})


@pytest.mark.parametrize("name", ["dt", "steps", "every", "arc"])
def test_what_does_not_enter_the_equation_of_motion_cannot_be_continued(name):
    with pytest.raises(ValueError, match=f"{name} does not enter"):
        hysteresis(Kuramoto(n=4, steps=80), {name: [1, 2]})


def test_where_nothing_is_observed_there_is_no_jump_and_no_place_of_one():
    found = hysteresis(cubic, {"h": [0.0, 0.1, 0.2]}, [1.0], lambda y: y[..., 0] * np.nan, steps=40)
    assert np.isnan(found.jump).all()
    assert np.isnan(found.jump_at).all()
