"""The onset of order by finite-size scaling: of curves whose K_c is known, and of simulated crowds."""

import json

import numpy as np
import pytest
import xarray as xr

from sims import Kuramoto
from sims.analysis import critical_coupling
from sims.kuramoto import critical_coupling as theory

SIZES = [1_000, 10_000, 100_000]


def curves(K_c=2.0, nu=5 / 2, seeds=8, noise=0.03, seed=0, K=None, sizes=SIZES):
    """Curves that scale exactly: y² - u N^{1/ν̄} = 1/y², order in a random field, with noise of each seed."""
    K = np.linspace(0.85, 1.25, 17) * 2 if K is None else K
    N = np.array(sizes)[:, None, None]
    rng = np.random.default_rng(seed)
    # a seed's frequencies shift its onset by N^{-1/ν̄} of itself, at every K alike
    shift = noise * rng.normal(size=(len(sizes), seeds, 1)) * 5
    x = (1 - K_c / K) * N ** (1 / nu) + shift
    r = np.sqrt((x + np.sqrt(x**2 + 4)) / 2) * N ** (-0.5 / nu)
    attrs = {"long_name": "order parameter", "symbol": "r", "units": ""}
    dims = {"n": ("n", sizes, {"symbol": "N"}), "K": ("K", K, {"symbol": "K", "units": "rad/s"})}
    return xr.DataArray(r, dims=("n", "seed", "K"), coords=dims, attrs=attrs, name="r")


def runs(n, frequencies, seeds, K, **settings):
    sims = [
        Kuramoto(n=n, frequencies=frequencies, K=k, seed=seed, dt=0.2, steps=1500, every=25, **settings)
        for seed in range(seeds)
        for k in K
    ]
    r = Kuramoto.run_batch(sims, only=("r",)).r
    return r[:, r.sizes["time"] // 2 :].mean("time").values.reshape(seeds, len(K))


@pytest.mark.parametrize("nu", [5 / 2, 5 / 4])
@pytest.mark.parametrize("K_c", [1.8, 2.0, 2.3])
def test_curves_that_scale_give_their_own_onset(K_c, nu):
    found = critical_coupling(curves(K_c, nu, noise=0), nu=nu)
    np.testing.assert_allclose(found.K_c, K_c, rtol=2e-3)
    assert found.quality < 1
    np.testing.assert_allclose(found.K_c_shift, 0, atol=5e-3)


def test_curves_of_an_infinite_crowd_end_where_they_begin_whatever_the_exponent():
    K = np.linspace(1.7, 2.5, 17)
    r = np.sqrt(np.maximum(0, 1 - 2 / K)) * np.ones((3, 1))
    infinite = xr.DataArray(r, dims=("n", "K"), coords={"n": SIZES, "K": K})
    for nu in (5 / 2, 5 / 4, 2):
        np.testing.assert_allclose(critical_coupling(infinite, nu=nu).K_c, 2, rtol=5e-3)


def test_the_interval_holds_the_true_onset_about_as_often_as_it_says():
    held = []
    for seed in range(30):
        found = critical_coupling(curves(seed=seed, seeds=12, noise=0.2), nu=5 / 2, resamples=60)
        held.append(bool(found.K_c_low <= 2 <= found.K_c_high))
    assert sum(held) >= 24


def test_more_seeds_know_the_onset_better():
    few, many = (
        np.mean(
            [critical_coupling(curves(seeds=n, noise=0.2, seed=k), resamples=100).K_c_error for k in range(4)]
        )
        for n in (6, 54)
    )
    np.testing.assert_allclose(few / many, 3, rtol=0.35)


def test_with_the_wrong_exponent_the_curves_do_not_collapse():
    r = curves(noise=0.01)
    assert critical_coupling(r, nu=5 / 4).quality > 4 * critical_coupling(r, nu=5 / 2).quality


def test_at_the_onset_the_collapsed_curves_are_one():
    found = critical_coupling(curves(noise=0, K=np.linspace(1.7, 2.5, 41)))
    x = np.linspace(-1.5, 1.5, 7)
    # y² is nearly straight between points, y is not
    square = [np.interp(x, found.x.sel(n=n), found.y.sel(n=n) ** 2) for n in SIZES[:2]]
    np.testing.assert_allclose(square, (x + np.sqrt(x**2 + 4)) / 2 * np.ones((2, 1)), rtol=0.05)


@pytest.mark.parametrize("off", [0.0, 0.25, 0.5, 0.75])
def test_an_onset_between_two_couplings_is_found_as_well_as_one_on_them(off):
    # large crowds begin at a kink, which a chord would cut off
    K = 2 + 0.1 * (np.arange(-4, 8) + off)
    found = critical_coupling(curves(nu=5 / 4, noise=0, K=K), nu=5 / 4)
    np.testing.assert_allclose(found.K_c, 2, rtol=4e-3)
    assert found.K_c_grid < 0.03


@pytest.mark.parametrize(("frequencies", "tolerance"), [("lorentzian", 0.02), ("normal", 0.03)])
def test_crowds_of_clocks_begin_to_agree_where_theory_says(frequencies, tolerance):
    K_c = theory(frequencies, 1.0)
    K = K_c * np.linspace(0.9, 1.2, 9)
    sizes = [200, 800, 2400]
    r = xr.DataArray(
        [runs(n, frequencies, 2, K) for n in sizes], dims=("n", "seed", "K"), coords={"n": sizes, "K": K}
    )
    found = critical_coupling(r, nu=5 / 4)
    np.testing.assert_allclose(found.K_c, K_c, rtol=tolerance)
    assert abs(found.K_c_shift) < tolerance * K_c
    between = critical_coupling(r.drop_isel(K=3), nu=5 / 4)
    np.testing.assert_allclose(between.K_c, K_c, rtol=tolerance)


def test_crowds_of_chance_frequencies_do_so_too_within_their_error():
    K = 2 * np.linspace(0.8, 1.4, 7)
    sizes = [100, 300]
    r = xr.DataArray(
        [runs(n, "lorentzian", 20, K, sampling="random") for n in sizes],
        dims=("n", "seed", "K"),
        coords={"n": sizes, "K": K},
    )
    found = critical_coupling(r, nu=5 / 2)
    assert found.quality < 1.5
    assert abs(found.K_c - 2) < 3 * found.K_c_error
    assert found.K_c_error < 0.2


def test_further_dimensions_are_kept_and_each_is_as_if_alone():
    whole = xr.concat([curves(1.9), curves(2.1)], xr.Variable("alpha", [0.0, 0.1]))
    found = critical_coupling(whole.transpose("K", "n", "alpha", "seed"), resamples=20)
    assert found.K_c.dims == ("alpha",)
    np.testing.assert_allclose(found.K_c, [1.9, 2.1], rtol=0.01)
    alone = critical_coupling(whole.sel(alpha=0.1), resamples=20)
    for name in found.data_vars:
        np.testing.assert_allclose(found[name].sel(alpha=0.1), alone[name], rtol=1e-9)


def test_failed_points_are_left_out():
    r = curves()
    r[0, 3, 5] = r[2, :, 9] = np.nan
    np.testing.assert_allclose(critical_coupling(r).K_c, 2, rtol=0.01)


def test_an_onset_outside_the_couplings_is_none():
    found = critical_coupling(curves(noise=0, K=np.linspace(2.4, 3.0, 9)))
    assert np.isnan(found.K_c)
    assert np.isnan(found.K_c_error)


def test_without_seeds_there_is_an_onset_but_no_error():
    found = critical_coupling(curves(noise=0).isel(seed=0))
    np.testing.assert_allclose(found.K_c, 2, rtol=2e-3)
    assert np.isnan(found.K_c_error)
    two = critical_coupling(curves(sizes=[1_000, 10_000]))
    assert np.isfinite(two.K_c_error)
    assert np.isnan(two.K_c_shift)


def test_from_fewer_than_five_seeds_no_error_is_claimed():
    for seeds in (2, 4):
        found = critical_coupling(curves(seeds=seeds, noise=0.1))
        assert np.isfinite(found.K_c)
        assert np.isnan([found.K_c_error, found.K_c_low, found.K_c_high]).all()
    failed = curves(seeds=6)
    failed[:, :2] = np.nan
    assert np.isnan(critical_coupling(failed).K_c_error)
    assert np.isfinite(critical_coupling(curves(seeds=5)).K_c_error)


def test_a_sweep_tells_by_its_parameters_how_its_crowds_scale():
    sweep = curves().to_dataset()
    for sampling, nu in (("random", 2.5), ("quantiles", 1.25)):
        sweep.attrs["parameters"] = json.dumps({"sampling": sampling})
        assert critical_coupling(sweep, resamples=2).attrs["nu"] == nu
    assert critical_coupling(curves(), resamples=2).attrs["nu"] == 2.5


def test_the_result_labels_itself():
    found = critical_coupling(curves(), resamples=2)
    assert (found.K_c.symbol, found.K_c.units) == ("K_c", "rad/s")
    assert (found.x.symbol, found.y.symbol) == ("u N^(1/ν̄)", "r N^(β/ν̄)")


@pytest.mark.parametrize(
    ("change", "wrong", "message"),
    [
        (lambda r: r.rename(n="N"), {}, "r has no dimension 'n'; its dimensions are N, seed, K"),
        (lambda r: r.drop_vars("K"), {}, "K has no values; give the dimension K a coordinate"),
        (lambda r: r[:1], {}, "finite-size scaling needs two sizes, five couplings > 0"),
        (lambda r: r, {"nu": 0}, "nu must be > 0; got 0"),
        (lambda r: r.to_dataset(name="q"), {}, "there is no variable 'r'; variables are q"),
    ],
)
def test_what_is_wrong_is_told_with_its_remedy(change, wrong, message):
    with pytest.raises(ValueError, match=message):
        critical_coupling(change(curves()), **wrong)


def noisy(K, seed, seeds=8):
    """Curves that scale exactly to K_c = 2, each point off by a tenth."""
    rng = np.random.default_rng(seed)
    N = np.array([100, 400, 1600.0])[:, None]
    x = (1 - 2 / K) * N**0.4
    r = N**-0.2 * np.sqrt((x + np.sqrt(x * x + 1)) / 2)
    r = r[..., None] * (1 + 0.1 * rng.normal(size=(*r.shape, seeds)))
    return xr.DataArray(r, dims=("n", "K", "seed"), coords={"n": [100, 400, 1600], "K": K})


@pytest.mark.parametrize("ends", [(1.2, 1.97), (2.01, 2.8), (1.2, 2.0)])
def test_an_onset_at_or_beyond_the_end_of_the_couplings_is_not_said_to_be_known(ends):
    wrong = []
    for seed in range(20):
        found = critical_coupling(noisy(np.linspace(*ends, 12), seed))
        known = np.isfinite(found.K_c) and np.isfinite(found.K_c_low)
        wrong.append(known and not found.K_c_low <= 2 <= found.K_c_high)
    assert sum(wrong) <= 1  # as an interval of 95 % may be


def test_an_onset_within_keeps_its_interval():
    held = []
    for seed in range(20):
        found = critical_coupling(noisy(np.linspace(1.8, 2.4, 16), seed))
        held.append(bool(found.K_c_low <= 2 <= found.K_c_high))
    assert sum(held) >= 16


def test_each_size_needs_five_seeds_for_an_interval():
    r = noisy(np.linspace(1.6, 2.4, 12), 0)
    r[1:, :, 1:] = np.nan
    found = critical_coupling(r)
    assert np.isfinite(found.K_c)
    assert np.isnan([found.K_c_error, found.K_c_low, found.K_c_high]).all()


def test_sizes_and_couplings_are_given_once():
    r = noisy(np.linspace(1.6, 2.4, 12), 0)
    with pytest.raises(ValueError, match="more than once"):
        critical_coupling(r.isel(n=[0, 0, 1, 2]))
    with pytest.raises(ValueError, match="more than once"):
        critical_coupling(r.isel(K=[0, 0, *range(1, 12)]))
