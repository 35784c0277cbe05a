"""What every function of sims.analysis keeps: it is documented, labels its result and draws nothing."""

import subprocess
import sys

import numpy as np
import pytest
import xarray as xr

import sims.analysis as analysis
from sims import Backprop, Kuramoto


def named(*dims, **coords):
    shape = tuple(len(coords.get(dim, range(5))) for dim in dims)
    values = np.random.default_rng(0).random(shape)
    return xr.DataArray(values, dims=dims, coords=coords, name="r", attrs={"symbol": "r", "units": ""})


def scaled():
    K = np.linspace(1.5, 2.5, 11)
    r = np.sqrt(np.maximum(0, 1 - 2 / K)) + 0 * np.ones((2, 3, 1))
    return xr.DataArray(r, dims=("n", "seed", "K"), coords={"n": [100, 1000], "K": K}, name="r")


@pytest.fixture(scope="module")
def trained():
    return Backprop(steps=8).run()


RESULTS = {
    "critical_coupling": lambda _: analysis.critical_coupling(scaled(), resamples=5),
    "cut": lambda _: analysis.cut(analysis.hierarchy(named("word", "unit")), 2).to_dataset(name="cluster"),
    "gradient_noise": lambda _: analysis.gradient_noise(named("sample", "weight")),
    "hierarchy": lambda _: analysis.hierarchy(named("word", "unit")),
    "hysteresis": lambda _: analysis.hysteresis(
        Kuramoto(n=3, steps=8), {"K": [1, 2], "seed": [1]}, samples=4
    ),
    "kuramoto_flow": lambda _: analysis.kuramoto_flow(Kuramoto(n=3), {"K": [1]}).start.to_dataset(
        name="theta"
    ),
    "learning_curve": lambda _: analysis.learning_curve(named("seed", "step")),
    "loss_on_plane": lambda run: analysis.loss_on_plane(
        analysis.path_plane(analysis.weights(run)), analysis.network(run).loss, points=3
    ),
    "lyapunov": lambda _: analysis.lyapunov(Kuramoto(n=3, steps=200), over={"K": [1]}, count=2),
    "mean_states": lambda _: analysis.mean_states(
        named("token", "unit"), xr.DataArray([*"abcab"], dims="token")
    ),
    "path_plane": lambda run: analysis.path_plane(analysis.weights(run)),
    "pca": lambda _: analysis.pca(named("token", "unit"), "token"),
    "random_plane": lambda run: analysis.random_plane(analysis.weights(run)[-1]),
    "sharpness": lambda run: analysis.sharpness(analysis.network(run).gradient, analysis.weights(run)),
    "synchronisation_time": lambda _: analysis.synchronisation_time(
        named("seed", "time", time=np.arange(5.0)), 0.5
    ),
    "weights": lambda run: analysis.weights(run).to_dataset(),
}


@pytest.mark.parametrize("name", RESULTS)
def test_every_result_says_what_it_is(name, trained):
    result = RESULTS[name](trained)
    for key in result.data_vars:
        assert {"long_name", "symbol"} <= set(result[key].attrs), key
        # xarray's own plots would label an empty unit `[]`
        assert result[key].attrs.get("units", "1"), key
        assert result[key].long_name, key


@pytest.mark.parametrize("name", analysis.__all__)
def test_every_function_tells_what_it_does_and_whence(name):
    told = getattr(analysis, name).__doc__
    assert told.split("\n")[0].endswith((".", ":"))
    if name in RESULTS and name not in ("cut", "weights", "loss_on_plane", "kuramoto_flow"):
        assert "Source" in told
    if name in RESULTS:
        assert "Raises" in told or name == "mean_states"


def test_nothing_is_drawn():
    asked = "import sys, sims.analysis; print({'matplotlib', 'manim', 'sklearn'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def point_sweep(*dims):
    """Points with the parameters each had, as a random design has them."""
    eta = ("point", np.array([0.1, 0.2, 0.3]), {"units": "1"})
    values = np.random.default_rng(0).random((3, *(5 for _ in dims)))
    return xr.DataArray(values, dims=("point", *dims), coords={"eta": eta, "run": 7}, name="w")


@pytest.mark.parametrize(
    "find",
    [
        lambda: analysis.sharpness(lambda w: w, point_sweep("weight")),
        lambda: analysis.gradient_noise(point_sweep("sample", "weight")),
        lambda: analysis.random_plane(point_sweep("weight")),
        lambda: analysis.path_plane(point_sweep("step", "weight")),
        lambda: analysis.hierarchy(point_sweep("word", "unit")),
        lambda: analysis.cut(analysis.hierarchy(point_sweep("word", "unit")), 2),
        lambda: analysis.mean_states(point_sweep("token", "unit"), xr.DataArray([*"abcab"], dims="token")),
        lambda: analysis.pca(point_sweep("token", "unit"), "token"),
        lambda: analysis.learning_curve(point_sweep("seed", "step")),
        lambda: analysis.critical_coupling(
            scaled().expand_dims(point=3).assign_coords(point_sweep("x").coords), resamples=5
        ),
        lambda: analysis.lyapunov(lambda t, y: -y, point_sweep("state"), steps=400),
    ],
)
def test_further_dimensions_keep_all_their_coordinates(find):
    found = find()
    np.testing.assert_array_equal(found.eta, [0.1, 0.2, 0.3])
    assert found.eta.dims == ("point",)
    assert found.eta.units == "1"
    assert found.run == 7


def test_weights_of_a_design_know_the_parameters_of_their_points():
    from sims import latin, sweep

    record = ["W_1@:", "W_2@:", "b_1@:", "b_2@:"]
    swept = sweep(Backprop(steps=3), {"point": latin(3, {"eta": (0.1, 1.0)})}, record=record)
    assert swept.eta.dims == ("point",)
    np.testing.assert_array_equal(analysis.weights(swept).eta, swept.eta)
