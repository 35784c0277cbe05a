"""Planes through the space of weights: of a random walk by theory, of a bowl in closed form."""

import numpy as np
import pytest
import xarray as xr

from sims import Backprop, GradientDescent
from sims.analysis import loss_on_plane, network, path_plane, random_plane, weights
from sims.backprop import layers


@pytest.fixture(scope="module")
def trained():
    return Backprop(task="moons", hidden=(6,), samples=40, steps=60, every=5, seed=2).run()


def path(values):
    return xr.DataArray(values, dims=("step", "weight"))


# Weights and network of a trajectory


def test_flat_weights_are_the_layers_of_the_trajectory(trained):
    w = weights(trained)
    assert w.dims == ("step", "weight")
    W, b = layers(w.values, (2, 6, 2))
    for l in (1, 2):
        np.testing.assert_array_equal(W[l], trained[f"W_{l}"])
        np.testing.assert_array_equal(b[l], trained[f"b_{l}"])


def test_the_network_has_the_loss_and_the_gradient_that_the_trajectory_recorded(trained):
    net, w = network(trained), weights(trained)
    np.testing.assert_allclose(net.loss(w.values), trained.loss, rtol=1e-12)
    dW, db = layers(net.gradient(w.values), net.sizes)
    for l in (1, 2):
        np.testing.assert_allclose(dW[l], trained[f"dW_{l}"], atol=1e-14)
        np.testing.assert_allclose(db[l], trained[f"db_{l}"], atol=1e-14)


def test_a_filter_holds_what_leads_into_one_unit(trained):
    number, _ = layers(network(trained).filters(), (2, 6, 2))
    np.testing.assert_array_equal(number[1], np.repeat(np.arange(6), 2).reshape(6, 2))
    np.testing.assert_array_equal(number[2], np.repeat([6, 7], 6).reshape(2, 6))
    assert (layers(network(trained).filters(), (2, 6, 2))[1][1] == -1).all()


def test_another_simulation_or_several_runs_are_refused(trained):
    with pytest.raises(ValueError, match="this is one of gradient_descent, lacking W_1, data_input"):
        network(GradientDescent(steps=5).run())
    sims = [Backprop(steps=5, seed=seed) for seed in (0, 1)]
    several = Backprop.run_batch(sims).rename(batch="seed")
    with pytest.raises(ValueError, match=r"network takes one run; select one along seed with \.isel"):
        network(several)
    assert weights(several).dims == ("seed", "step", "weight")
    with pytest.raises(ValueError, match="there is no variable 'W_1'"):
        weights(trained[["loss"]])


# The plane of a path


def test_a_path_in_a_plane_is_shown_whole():
    rng = np.random.default_rng(0)
    d = np.linalg.qr(rng.normal(size=(30, 2)))[0].T
    at = rng.normal(size=(12, 2)) * [5, 1]
    w = path(3.0 + at @ d)
    plane = path_plane(w)
    np.testing.assert_allclose(plane.explained.sum(), 1, rtol=1e-12)
    np.testing.assert_allclose(plane.distance, 0, atol=1e-12)
    np.testing.assert_allclose(plane.origin, w[-1])
    np.testing.assert_allclose(plane.position[-1], 0, atol=1e-12)
    again = plane.origin + (plane.position * plane.direction).sum("axis")
    np.testing.assert_allclose(again.transpose("step", "weight"), w, atol=1e-12)


def test_a_random_walk_looks_as_if_it_went_somewhere():
    # in many dimensions its k-th component holds 6/(π² k²) (Antognini & Sohl-Dickstein, arXiv:1806.08805)
    walk = np.random.default_rng(0).normal(size=(400, 20_000)).astype(np.float32).cumsum(0)
    explained = path_plane(path(walk)).explained
    np.testing.assert_allclose(explained, [6 / np.pi**2, 6 / np.pi**2 / 4], rtol=0.02)


def test_the_distance_from_the_plane_is_what_it_does_not_show():
    w = path(np.random.default_rng(0).normal(size=(9, 5)))
    plane = path_plane(w)
    away = ((w - w[-1]) ** 2).sum("weight")
    np.testing.assert_allclose((plane.position**2).sum("axis") + plane.distance**2, away, rtol=1e-12)


def test_every_seed_has_a_plane_of_its_own():
    w = xr.DataArray(np.random.default_rng(0).normal(size=(3, 9, 5)), dims=("seed", "step", "weight"))
    planes = path_plane(w)
    surface = loss_on_plane(planes, lambda w: (w**2).sum(-1), points=4)
    assert surface.loss.dims == ("seed", "y", "x")
    for seed in range(3):
        alone = path_plane(w[seed])
        for name in ("origin", "direction", "explained", "position", "distance"):
            np.testing.assert_allclose(planes[name].isel(seed=seed), alone[name], atol=1e-12)


# Random directions


def test_random_directions_have_the_length_of_each_filter(trained):
    net, w = network(trained), weights(trained)[-1]
    plane = random_plane(w, net.filters(), seed=5)
    W, _ = layers(w.values, net.sizes)
    for d in plane.direction.values:
        D, biases = layers(d, net.sizes)
        for l in (1, 2):
            np.testing.assert_allclose(np.linalg.norm(D[l], axis=1), np.linalg.norm(W[l], axis=1), rtol=1e-12)
            assert (biases[l] == 0).all()
    assert abs(np.corrcoef(*plane.direction.values)[0, 1]) < 0.8
    np.testing.assert_array_equal(random_plane(w, net.filters(), seed=5).direction, plane.direction)


def test_planes_of_a_network_and_its_rescaled_twin_show_the_same_loss(trained):
    # relu: twice the weights in, half the weights out, the same function; unnormalised planes would differ
    sim = Backprop(task="moons", activation="relu", hidden=(6,), samples=40, steps=40, every=40)
    net, w = network(sim.run()), weights(sim.run())[-1]
    scale = np.where(np.arange(w.size) < 18, 4.0, 1.0)  # W¹ and b¹
    scale[18:30] = 0.25  # W²
    twin = w * scale
    np.testing.assert_allclose(net.loss(twin.values), net.loss(w.values), rtol=1e-12)
    one, other = (
        loss_on_plane(random_plane(v, net.filters(), seed=1), net.loss, points=7).loss for v in (w, twin)
    )
    np.testing.assert_allclose(one, other, rtol=1e-10)


# The loss on a plane


def test_the_loss_of_a_bowl_on_a_plane_is_known_in_closed_form():
    rng = np.random.default_rng(0)
    curvature = rng.random(8) * 4
    w = path(rng.normal(size=(10, 8)))
    surface = loss_on_plane(path_plane(w), lambda w: (curvature * w**2).sum(-1) / 2, points=9)
    a, (d_1, d_2) = w[-1].values, surface.direction.values
    for i, y in enumerate(surface.y.values):
        for j, x in enumerate(surface.x.values):
            known = (curvature * (a + x * d_1 + y * d_2) ** 2).sum() / 2
            np.testing.assert_allclose(surface.loss[i, j], known, rtol=1e-12)


def test_the_window_holds_the_path_and_the_shadow_lies_on_the_plane(trained):
    net, w = network(trained), weights(trained)
    surface = loss_on_plane(path_plane(w), net.loss, points=61, margin=0.1)
    x, y = surface.position.values.T
    assert surface.x[0] < x.min() < x.max() < surface.x[-1]
    assert surface.y[0] < y.min() < y.max() < surface.y[-1]
    shadow = surface.loss.interp(x=("step", x), y=("step", y))
    np.testing.assert_allclose(surface.shadow_loss, shadow, atol=0.01)
    # at its end the path is on the plane, and so is the loss of training
    np.testing.assert_allclose(surface.shadow_loss[-1], trained.loss[-1], rtol=1e-10)
    assert surface.explained.sum() > 0.9
    assert (surface.loss.long_name, surface.loss.symbol) == ("loss on the plane", "L")


def test_a_path_that_only_goes_straight_still_has_a_window():
    w = path(np.outer(np.arange(5.0), [1.0, 0, 0]))
    surface = loss_on_plane(path_plane(w), lambda w: (w**2).sum(-1), points=5)
    assert np.isfinite(surface.loss).all()
    assert (np.diff(surface.y) > 0).all()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"points": 1}, "points must be >= 2 and margin >= 0; got 1"),
        ({"loss": lambda w: w}, "loss must give one number for each weights"),
        ({"plane": xr.Dataset()}, "plane lacks origin, direction; make it with path_plane or random_plane"),
    ],
)
def test_what_is_wrong_with_a_surface_is_told(wrong, message):
    plane = random_plane(xr.DataArray(np.ones(4), dims="weight"))
    with pytest.raises(ValueError, match=message):
        loss_on_plane(**({"plane": plane, "loss": lambda w: (w**2).sum(-1)} | wrong))


def test_what_is_wrong_with_a_plane_is_told():
    with pytest.raises(ValueError, match="a plane needs three points along step"):
        path_plane(path(np.ones((2, 4))))
    with pytest.raises(
        ValueError, match="the data has no dimension 'epoch'; its dimensions are step, weight"
    ):
        path_plane(path(np.ones((4, 4))), along="epoch")
    with pytest.raises(ValueError, match=r"filters must number each of the 4 weights; got shape \(3,\)"):
        random_plane(xr.DataArray(np.ones(4), dims="weight"), np.zeros(3))


def test_the_end_of_a_path_is_its_last_step_wherever_it_stands():
    walk = path(np.random.default_rng(0).normal(size=(9, 5)).cumsum(0)).assign_coords(step=range(9))
    xr.testing.assert_allclose(path_plane(walk.isel(step=slice(None, None, -1))), path_plane(walk))


def test_weights_without_biases_are_said_to_be_no_backprop(trained):
    with pytest.raises(ValueError, match="b_1"):
        weights(trained.drop_vars("b_1"))
