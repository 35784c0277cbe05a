"""Sharpness and gradient noise: exact for bowls, torch's Hessian for a network, and the edge of stability."""

import numpy as np
import pytest
import xarray as xr

from sims import Backprop
from sims.analysis import gradient_noise, hessian_product, network, sharpness, weights


def bowl(curvatures, seed=0):
    """A quadratic bowl of these curvatures, turned at random: its Hessian and its gradient."""
    turn = np.linalg.qr(np.random.default_rng(seed).normal(size=(len(curvatures), len(curvatures))))[0]
    H = turn @ np.diag(curvatures) @ turn.T
    return H, lambda w: w @ H


def at(*shape, dims=("weight",), seed=1):
    return xr.DataArray(np.random.default_rng(seed).normal(size=shape), dims=dims)


@pytest.fixture(scope="module")
def trained():
    return Backprop(task="moons", hidden=(5, 4), samples=30, steps=40, every=20).run()


def dense_hessian(net, w):
    """Every row by complex step: exact to rounding, one weight at a time."""
    units = np.eye(w.size)
    H = np.stack([net.gradient(w + 1e-20j * unit).imag / 1e-20 for unit in units])
    return (H + H.T) / 2


# Hessian times vector


@pytest.mark.parametrize(("difference", "tolerance"), [("central", 1e-9), ("complex", 1e-14)])
def test_the_product_with_a_bowls_hessian_is_exact(difference, tolerance):
    H, gradient = bowl([7.0, 3.0, 0.1, -2.0])
    w, v = np.random.default_rng(0).normal(size=(2, 5, 4))
    np.testing.assert_allclose(hessian_product(gradient, w, v, difference), v @ H, atol=tolerance * 20)


def test_both_differences_agree_on_a_network(trained):
    net, w = network(trained), weights(trained)[-1].values
    v = np.random.default_rng(0).normal(size=w.shape)
    exact = hessian_product(net.gradient, w, v, "complex")
    central = hessian_product(net.gradient, w, v)
    np.testing.assert_allclose(central, exact, atol=1e-8 * np.abs(exact).max())


def test_a_product_of_nothing_is_nothing():
    _, gradient = bowl([7.0, 3.0])
    np.testing.assert_allclose(hessian_product(gradient, np.ones(2), np.zeros(2)), 0)
    with pytest.raises(ValueError, match="difference must be central or complex; got 'forward'"):
        hessian_product(gradient, np.ones(2), np.ones(2), "forward")


# Sharpness


@pytest.mark.parametrize("difference", ["central", "complex"])
def test_the_sharpness_of_a_bowl_is_its_largest_curvature(difference):
    curvatures = np.linspace(-3, 12, 40)
    _, gradient = bowl(curvatures)
    found = sharpness(gradient, at(40), difference=difference, tolerance=1e-8)
    np.testing.assert_allclose(found.sharpness, 12, rtol=1e-9)


def test_where_the_largest_in_size_is_negative_it_is_not_taken_for_the_largest():
    _, gradient = bowl([-50.0, -1.0, 0.5, 2.0])
    np.testing.assert_allclose(sharpness(gradient, at(4)).sharpness, 2, rtol=1e-8)
    _, gradient = bowl([-50.0, -10.0, -3.0])
    np.testing.assert_allclose(sharpness(gradient, at(3)).sharpness, -3, rtol=1e-8)


def test_equal_curvatures_are_found_in_one_product():
    found = sharpness(lambda w: 4 * w, at(30))
    np.testing.assert_allclose(found.sharpness, 4, rtol=1e-8)
    assert found.attrs["products"] == 1


def test_the_direction_is_the_eigenvector_and_the_residual_bounds_the_error():
    H, gradient = bowl(np.r_[np.linspace(0, 9, 60), 10.0])
    rough = sharpness(gradient, at(61), products=8)
    assert rough.attrs["products"] == 8
    assert 0 < 10 - rough.sharpness <= rough.residual
    fine = sharpness(gradient, at(61))
    v = fine.direction.values
    np.testing.assert_allclose(np.linalg.norm(H @ v - fine.sharpness.values * v), fine.residual, atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(v), 1, rtol=1e-12)


def test_the_sharpness_of_a_network_is_that_of_its_whole_hessian(trained):
    net, path = network(trained), weights(trained)
    found = sharpness(net.gradient, path, difference="complex")
    assert found.sharpness.dims == ("step",)
    for w, value in zip(path.values, found.sharpness.values):
        np.testing.assert_allclose(value, np.linalg.eigvalsh(dense_hessian(net, w))[-1], rtol=1e-9)


def test_the_sharpness_of_a_network_is_that_of_torchs_hessian(trained):
    torch = pytest.importorskip("torch")
    net, w = network(trained), weights(trained)[-1]
    x, y = torch.tensor(net.x), torch.tensor(net.y)

    def loss(flat):
        a, i = x, 0
        for n, m in zip(net.sizes[1:], net.sizes):
            W, b = flat[i : i + n * m].reshape(n, m), flat[i + n * m : i + n * m + n]
            a, i = a @ W.T + b, i + n * m + n
            if i < len(flat):
                a = torch.tanh(a)
        return -(y * torch.log_softmax(a, -1)).sum(-1).mean()

    H = torch.autograd.functional.hessian(loss, torch.tensor(w.values)).numpy()
    found = sharpness(net.gradient, w, tolerance=1e-9)
    np.testing.assert_allclose(found.sharpness, np.linalg.eigvalsh(H)[-1], rtol=1e-8)


def test_all_weights_at_once_are_each_as_if_alone(trained):
    net, path = network(trained), weights(trained)
    found = sharpness(net.gradient, path, tolerance=1e-8)
    for k in range(3):
        alone = sharpness(net.gradient, path[k], tolerance=1e-8)
        np.testing.assert_allclose(found.sharpness[k], alone.sharpness, rtol=1e-9)
    assert found.sharpness.symbol == "λ_max"


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("eta", [0.2, 0.3])
def test_full_batch_descent_goes_to_the_edge_of_stability(eta, seed):
    # Cohen et al. 2021: sharpness rises to 2/η and stays there, within 10 % over the last third
    net = {"hidden": (16, 16), "output_activation": "identity", "scale": 0.7, "samples": 60}
    sim = Backprop(task="spirals", optimiser="gd", eta=eta, steps=6000, every=200, watch=1, seed=seed, **net)
    run = sim.run()
    edge = sharpness(network(run).gradient, weights(run), tolerance=1e-4).sharpness * eta / 2
    assert edge[0] < 0.5
    late = edge[-len(edge) // 3 :]
    assert (np.abs(late - 1) < 0.1).all(), late.values


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"dim": "unit"}, "the data has no dimension 'unit'; its dimensions are weight"),
        ({"products": 0}, "products must be >= 1 and tolerance > 0; got 0"),
        ({"gradient": lambda w: w.sum(-1)}, r"gradient must give finite numbers in the shape of w, \(4,\)"),
        ({"gradient": lambda w: w * np.nan}, "gradient must give finite numbers"),
    ],
)
def test_what_is_wrong_with_a_sharpness_is_told(wrong, message):
    with pytest.raises(ValueError, match=message):
        sharpness(**({"gradient": lambda w: w, "w": at(4)} | wrong))


# Gradient noise


def samples(S, trials, G, sigma, seed=0):
    rng = np.random.default_rng(seed)
    g = G + sigma * rng.normal(size=(trials, S, len(G)))
    return xr.DataArray(g, dims=("trial", "sample", "weight"))


def test_noise_and_signal_are_true_on_average_and_known_as_well_as_they_say():
    G, sigma = np.array([1.0, -2.0, 0.5]), np.array([1.0, 3.0, 0.5])
    found = gradient_noise(samples(50, 4000, G, sigma))
    for name, true in {"noise": (sigma**2).sum(), "signal": (G**2).sum()}.items():
        scatter = float(found[name].std())
        np.testing.assert_allclose(found[name].mean(), true, atol=4 * scatter / np.sqrt(4000))
        np.testing.assert_allclose(np.sqrt((found[f"{name}_error"] ** 2).mean()), scatter, rtol=0.06)


def test_the_noise_scale_is_the_batch_that_doubles_the_square_of_a_gradient():
    # E |mean over B samples|² = |G|² + tr Σ / B, twice |G|² at B = tr Σ / |G|²
    G, sigma = np.full(20, 0.5), np.full(20, 2.0)
    found = gradient_noise(samples(4000, 1, G, sigma))
    np.testing.assert_allclose(found.noise_scale, 16, atol=4 * found.noise_scale_error[0])
    batches = samples(16, 20_000, G, sigma, seed=1).mean("sample")
    np.testing.assert_allclose((batches**2).sum("weight").mean(), 2 * (G**2).sum(), rtol=0.02)


def test_samples_that_agree_have_no_noise_and_those_without_a_mean_no_end_of_it():
    alike = xr.DataArray(np.ones((5, 3)), dims=("sample", "weight"))
    found = gradient_noise(alike)
    assert (found.noise, found.noise_scale, found.signal) == (0, 0, 3)
    opposed = xr.DataArray([[1.0], [-1.0], [1.0], [-1.0]], dims=("sample", "weight"))
    found = gradient_noise(opposed)
    assert found.noise_scale == np.inf
    assert np.isnan(found.noise_scale_error)


def test_the_gradients_of_the_samples_average_to_that_of_training(trained):
    net, w = network(trained), weights(trained)
    each = net.gradients(w.values)
    assert each.shape == (3, 30, w.sizes["weight"])
    np.testing.assert_allclose(each.mean(-2), net.gradient(w.values), atol=1e-14)
    g = xr.DataArray(each, dims=("step", "sample", "weight"), coords={"step": w.step})
    found = gradient_noise(g)
    assert found.noise_scale.dims == ("step",)
    assert found.noise_scale.units == "samples"
    alone = gradient_noise(g[2])
    np.testing.assert_allclose(found.noise_scale[2], alone.noise_scale, rtol=1e-12)
    np.testing.assert_allclose(found.noise, each.var(1, ddof=1).sum(-1), rtol=1e-10)


def test_too_few_samples_or_none_named_are_refused():
    g = xr.DataArray(np.ones((2, 3)), dims=("sample", "weight"))
    with pytest.raises(ValueError, match="needs three samples or more along sample; got 2"):
        gradient_noise(g)
    with pytest.raises(
        ValueError, match="the data has no dimension 'datum'; its dimensions are sample, weight"
    ):
        gradient_noise(g, over="datum")


def test_gradients_that_are_not_there_have_no_noise_scale():
    g = at(40, 7, dims=("sample", "weight")) + 1
    g[3] = np.nan
    found = gradient_noise(g)
    assert all(np.isnan(found[name]) for name in found.data_vars)


def test_a_complex_step_needs_a_gradient_that_goes_along():
    _, gradient = bowl([1.0, 2.0, 3.0])
    with pytest.raises(ValueError, match="complex"):
        sharpness(lambda w: gradient(w).real, at(3), difference="complex")


def test_single_precision_is_refused_as_differences_drown_in_it():
    _, gradient = bowl([1.0, 2.0, 3.0])
    with pytest.raises(ValueError, match="float32"):
        sharpness(lambda w: gradient(w).astype(np.float32), at(3))
