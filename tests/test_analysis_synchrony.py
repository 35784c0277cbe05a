"""Times of synchronisation: of two oscillators in closed form, and of runs that never got there."""

import numpy as np
import pytest
import xarray as xr

from sims import Kuramoto
from sims.analysis import synchronisation_time


def course(*rows):
    r = np.array(rows, dtype=float)
    return xr.DataArray(
        r,
        dims=("seed", "time"),
        coords={"time": ("time", np.arange(r.shape[1]) * 2.0, {"units": "s"})},
        name="r",
    )


def test_two_oscillators_agree_when_the_closed_form_says():
    K, threshold = 1.5, 0.95
    sim = Kuramoto(n=2, frequencies="equal", K=K, dt=0.005, steps=1600)
    runs = Kuramoto.run_batch([sim.model_copy(update={"seed": seed}) for seed in range(6)])
    runs = runs.rename(batch="seed")
    apart = np.diff(runs.theta.isel(time=0).values, axis=-1)[:, 0]
    # tan(φ/2) decays as e^{-Kt}, and r = |cos(φ/2)|
    at = np.abs(np.tan(apart / 2))
    exact = np.maximum(0, np.log(at / np.sqrt(threshold**-2 - 1)) / K)
    found = synchronisation_time(runs, threshold)
    # linear interpolation may miss dt²/8 · |r″/r′|, at most dt²/8 · 2K
    np.testing.assert_allclose(found.time_each, exact, atol=1e-5)
    assert found.synchronised == 1
    assert found.time_each.units == "s"


def test_only_the_last_rise_counts_and_it_is_interpolated():
    r = course([0, 0.95, 0.5, 1.0, 1.0], [0.95, 0.95, 0.95, 0.95, 0.95], [0, 0.2, 0.4, 0.8, 0.9])
    each = synchronisation_time(r, 0.9).time_each
    np.testing.assert_allclose(each, [5.6, 0.0, 8.0])


def test_a_run_below_at_its_end_is_later_than_all_that_was_seen():
    r = course([0, 1, 1, 1, 0.5], [0, 0, 0, 1, 1], [0, 1, 1, 1, 1])
    found = synchronisation_time(r, 0.5 + 1e-9)
    assert found.time_each[0] == np.inf
    np.testing.assert_allclose(found.synchronised, 2 / 3)
    assert found.high == np.inf
    assert np.isfinite(found.centre)


def test_a_run_that_has_hardly_arrived_is_not_taken_for_settled():
    r = course([0, 0, 0, 0, 1], [0, 1, 1, 1, 1])
    each = synchronisation_time(r, 0.5, hold=3.0).time_each
    assert list(np.isfinite(each)) == [False, True]


def test_a_failed_run_counts_for_nothing():
    r = course([0, 1, 1], [0, np.nan, 1], [0, 0, 0])
    found = synchronisation_time(r, 0.5)
    assert np.isnan(found.time_each[1])
    assert found.runs == 2
    assert found.synchronised == 0.5


def test_quantiles_are_the_earliest_times_by_which_that_share_was_done():
    # runs that rise at 1, 3, 5, ..., 19 s, and ten that never do
    steps = np.arange(0, 11)
    r = course(*[(steps > k).astype(float) for k in range(10)], *[0 * steps] * 10)
    found = synchronisation_time(r, 0.5, quantiles=(0.1, 0.45))
    assert (found.low, found.centre, found.high) == (3.0, 19.0, 17.0)
    assert found.synchronised == 0.5
    assert synchronisation_time(r[1:], 0.5).centre == np.inf


def test_the_share_has_wilsons_interval():
    # none of ten: up to z²/(n + z²); half of ten: 1/2 ± z/2/√(n + z²)
    z2 = 1.959963984540054**2
    none = synchronisation_time(course(*[[0, 0]] * 10), 0.5)
    np.testing.assert_allclose(
        [none.synchronised_low, none.synchronised_high], [0, z2 / (10 + z2)], atol=1e-12
    )
    half = synchronisation_time(course(*[[0, 0]] * 5, *[[1, 1]] * 5), 0.5)
    np.testing.assert_allclose(half.synchronised_high - 0.5, np.sqrt(z2 / (10 + z2)) / 2, rtol=1e-12)


def test_further_dimensions_are_kept_and_each_is_as_if_alone():
    rng = np.random.default_rng(0)
    r = xr.DataArray(
        np.sort(rng.random((3, 2, 9, 20))), dims=("K", "n", "seed", "time"), coords={"time": np.arange(20.0)}
    )
    found = synchronisation_time(r)
    assert found.centre.dims == ("K", "n")
    alone = synchronisation_time(r.isel(K=2, n=1))
    for name in found.data_vars:
        np.testing.assert_array_equal(found[name].isel(K=2, n=1), alone[name])
    assert set(synchronisation_time(r.isel(seed=0)).data_vars) == {"time_each"}


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"along": "step"}, "r has no dimension 'step'; its dimensions are seed, time"),
        ({"hold": -1}, "hold must be >= 0; got -1"),
        ({"quantiles": (0, 0.9)}, "each of quantiles must lie between 0 and 1; got 0"),
    ],
)
def test_what_is_wrong_is_told_with_its_remedy(wrong, message):
    with pytest.raises(ValueError, match=message):
        synchronisation_time(course([0, 1, 1]), **wrong)


def test_a_dataset_without_r_or_a_time_without_values_is_told():
    with pytest.raises(ValueError, match="there is no variable 'r'; variables are energy"):
        synchronisation_time(course([0, 1]).to_dataset(name="energy"))
    with pytest.raises(ValueError, match="time has no values; give the dimension time a coordinate"):
        synchronisation_time(course([0, 1]).drop_vars("time"))


def test_times_may_stand_in_any_order():
    r = course([0, 0.95, 1.0, 0.5, 1.0], [0, 0.2, 0.4, 0.8, 0.9])
    shuffled = r.isel(time=[3, 0, 4, 2, 1])
    xr.testing.assert_equal(synchronisation_time(shuffled), synchronisation_time(r))


def test_a_threshold_is_a_number():
    with pytest.raises(ValueError, match="threshold must be"):
        synchronisation_time(course([0, 1]), np.nan)


def test_no_seeds_at_all_are_said_to_be_none():
    with pytest.raises(ValueError, match="nothing along 'seed'"):
        synchronisation_time(course([0, 1])[:0])
