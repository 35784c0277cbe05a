"""Bands of learning curves against numpy's quantiles and the normal theory of a mean."""

import numpy as np
import pytest
import xarray as xr
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from sims.analysis import learning_curve


def curves(shape=(24, 7), dims=("seed", "step"), seed=0):
    values = np.random.default_rng(seed).normal(size=shape)
    attrs = {"long_name": "loss", "symbol": "L", "units": "nat"}
    return xr.DataArray(values, dims=dims, coords={"step": np.arange(7) * 10}, attrs=attrs, name="loss")


def test_median_and_quantiles_are_those_of_numpy():
    loss = curves()
    found = learning_curve(loss, level=0.6)
    low, middle, high = np.quantile(loss.values, [0.2, 0.5, 0.8], axis=0)
    np.testing.assert_allclose(found.centre, middle, rtol=1e-14)
    np.testing.assert_allclose(found.low, low, rtol=1e-13)
    np.testing.assert_allclose(found.high, high, rtol=1e-13)
    assert (found.runs == 24).all()


def test_seeds_that_failed_are_left_out_and_counted_out():
    loss = curves()
    loss[3] = np.nan
    loss[5, 4:] = np.inf
    found = learning_curve(loss)
    kept = np.where(np.isfinite(loss.values), loss.values, np.nan)
    np.testing.assert_allclose(found.centre, np.nanmedian(kept, axis=0), rtol=1e-14)
    np.testing.assert_allclose(found.high, np.nanquantile(kept, 0.9, axis=0), rtol=1e-13)
    mean = learning_curve(loss, centre="mean").centre
    np.testing.assert_allclose(mean, np.nanmean(kept, axis=0), rtol=1e-13)
    assert list(found.runs) == [23] * 4 + [22] * 3


def test_where_every_seed_failed_there_is_no_centre():
    loss = curves()
    loss[:, 2] = np.nan
    for band in ("quantiles", "bootstrap"):
        found = learning_curve(loss, centre="mean", band=band, resamples=20)
        assert np.isnan(found[["centre", "low", "high"]].to_array()[:, 2]).all()
        assert np.isfinite(found[["centre", "low", "high"]].to_array().drop_isel(step=2)).all()


def test_the_bootstrap_of_a_mean_is_as_wide_as_theory_says():
    loss = curves((400, 7))
    found = learning_curve(loss, centre="mean", band="bootstrap", level=0.95, resamples=2000)
    width = (found.high - found.low).values
    np.testing.assert_allclose(width, 2 * 1.96 * loss.std("seed") / np.sqrt(400), rtol=0.06)


def test_nine_of_ten_bootstrap_intervals_of_the_median_hold_the_true_median():
    loss = curves((40, 7, 200), ("seed", "step", "trial"))
    found = learning_curve(loss, band="bootstrap", level=0.9, resamples=400)
    held = ((found.low <= 0) & (found.high >= 0)).values.mean()
    assert 0.85 < held < 0.96


def test_further_dimensions_are_kept_and_each_is_as_if_alone():
    loss = curves((24, 7, 3), ("seed", "step", "eta")).assign_coords(eta=[0.1, 0.2, 0.3])
    for band in ("quantiles", "bootstrap"):
        whole = learning_curve(loss, band=band, resamples=50)
        assert whole.centre.dims == ("step", "eta")
        for eta in loss.eta:
            alone = learning_curve(loss.sel(eta=eta), band=band, resamples=50)
            xr.testing.assert_identical(whole.sel(eta=eta), alone)


def test_the_result_labels_itself():
    found = learning_curve(curves())
    assert found.centre.attrs == {"long_name": "loss, median over seed", "symbol": "L", "units": "nat"}
    assert found.low.units == found.high.units == "nat"
    assert list(found.step) == list(range(0, 70, 10))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"over": "run"}, "loss has no dimension 'run'; its dimensions are seed, step"),
        ({"centre": "mode"}, "centre must be median or mean; got 'mode'"),
        ({"band": "wide"}, "band must be quantiles or bootstrap; got 'wide'"),
        ({"level": 80}, "level must lie between 0 and 1; got 80"),
        ({"band": "bootstrap", "resamples": 1}, "resamples must be >= 2; got 1"),
    ],
)
def test_what_is_wrong_is_told_with_its_remedy(wrong, message):
    with pytest.raises(ValueError, match=message):
        learning_curve(curves(), **wrong)


def test_xarray_labels_a_plot_of_it_without_empty_units_and_whole():
    loss = abs(curves(shape=(3, 5, 7), dims=("task", "seed", "step")))
    loss = loss.assign_attrs(
        long_name="loss on test sequences (cross-entropy in nats; half squared)", units=""
    )
    loss.step.attrs |= {"long_name": "step of training", "symbol": "t", "units": ""}
    learning_curve(loss).centre.plot.line(x="step", ax=(axes := Figure().add_subplot()))
    assert axes.get_xlabel() == "step of training"
    assert axes.get_ylabel().replace("\n", " ") == "loss on test sequences, median over seed"
    FigureCanvasAgg(axes.figure).draw()
    box = axes.get_tightbbox()
    assert min(box.x0, box.y0) >= 0
    assert loss.step.attrs["units"] == ""


def test_of_one_run_it_is_not_known_how_well_the_middle_is():
    loss = curves((3, 7))
    loss[1:, 4:] = np.nan
    found = learning_curve(loss, band="bootstrap")
    assert np.isfinite(found.low[:4]).all()
    assert np.isnan(found.low[4:]).all()
    assert np.isnan(found.high[4:]).all()
    assert np.isfinite(found.centre).all()


def test_a_dataset_is_asked_which_of_its_variables():
    with pytest.raises(ValueError, match=r"one variable.*loss"):
        learning_curve(curves().to_dataset())
    with pytest.raises(ValueError, match="nothing along 'seed'"):
        learning_curve(curves((0, 7)))
