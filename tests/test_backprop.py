"""Backpropagation against the complex step, PyTorch's autograd, plain nudging and theory."""

import importlib.util
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sims import Diverged, ParameterError
from sims._optimise import OPTIMISERS
from sims.backprop import Backprop, backward, forward, gradient, layers, loss, shares

ORACLES = Path(__file__).parent / "oracles"
TORCH = np.load(ORACLES / "mlp.npz")
NETWORKS = sorted({key.split("/")[0] for key in TORCH if "/" in key})
HIDDEN = ("sigmoid", "tanh", "relu", "identity")

PLAIN = {
    "sigmoid": lambda z: 1 / (1 + np.exp(-z)),
    "tanh": lambda z: np.sinh(z) / np.cosh(z),
    "relu": lambda z: z * (z.real > 0),
    "identity": lambda z: z,
    "softmax": lambda z: np.exp(z) / np.exp(z).sum(),
}


def plain_loss(w, x, y, sizes, activation, output):
    """The mean loss, sample by sample and layer by layer, with none of the code under test."""
    total = 0.0
    for a, wanted in zip(x, y):
        i = 0
        for l, (m, n) in enumerate(pairwise(sizes), start=1):
            W, b = w[i : i + n * m].reshape(n, m), w[i + n * m : i + n * m + n]
            a = PLAIN[output if l == len(sizes) - 1 else activation](W.dot(a) + b)
            i += n * m + n
        total += -(wanted * np.log(a)).sum() if output == "softmax" else 0.5 * ((a - wanted) ** 2).sum()
    return total / len(x)


@given(
    st.lists(st.integers(1, 5), min_size=2, max_size=5).map(tuple),
    st.integers(1, 4),
    st.sampled_from(HIDDEN),
    st.sampled_from((*HIDDEN, "softmax")),
    st.integers(0, 2**32 - 1),
)
@settings(max_examples=200, deadline=None)
def test_the_share_of_every_weight_and_bias_equals_the_complex_step(sizes, samples, activation, output, seed):
    rng = np.random.default_rng(seed)
    w = rng.normal(size=sum(n * m + n for m, n in pairwise(sizes)))
    x, y = rng.normal(size=(samples, sizes[0])), rng.uniform(0.1, 1, size=(samples, sizes[-1]))
    if output == "softmax":
        y /= y.sum(-1, keepdims=True)
    h = 1e-30
    by_step = [plain_loss(w + 1j * h * e, x, y, sizes, activation, output).imag / h for e in np.eye(len(w))]
    by_backprop = gradient(w, x, y, sizes, activation, output)
    np.testing.assert_allclose(by_backprop, by_step, rtol=1e-12, atol=1e-12 * max(1, abs(by_backprop).max()))


def ours(W, b, x, y, activation, output):
    z, a = forward(W, b, x, activation, output)
    delta = backward(W, a, y, activation, output)
    dW, db = shares(delta, a)
    kept = {"loss": loss(z[len(W)], a[len(W)], y, output).mean(-1)}
    for l in W:
        # torch's delta is that of the mean loss, ours that of the sample's own
        kept |= {f"z_{l}": z[l], f"a_{l}": a[l], f"delta_{l}": delta[l] / len(x)}
        kept |= {f"dW_{l}": dW[l], f"db_{l}": db[l]}
    return kept


@pytest.mark.parametrize("network", NETWORKS)
def test_every_layer_equals_torch_autograd(network):
    torch = {key.split("/")[1]: TORCH[key] for key in TORCH if key.startswith(network + "/")}
    W = {l: torch[f"W_{l}"] for l in range(1, len(torch["sizes"]))}
    b = {l: torch[f"b_{l}"] for l in W}
    kept = ours(W, b, torch["X"], torch["Y"], str(torch["hidden"]), str(torch["output"]))
    for name, value in kept.items():
        np.testing.assert_allclose(value, torch[name], rtol=1e-12, atol=1e-12, err_msg=name)


@pytest.mark.skipif(not importlib.util.find_spec("torch"), reason="PyTorch is not installed")
@pytest.mark.parametrize("output", [*HIDDEN, "softmax"])
@pytest.mark.parametrize("activation", HIDDEN)
def test_live_torch_autograd_agrees_at_another_depth(activation, output):
    sys.path.insert(0, str(ORACLES))
    from make_oracles import mlp

    rng, sizes = np.random.default_rng(8), (3, 6, 5, 4, 3)
    W, b = layers(rng.normal(size=sum(n * m + n for m, n in pairwise(sizes))), sizes)
    x, y = rng.normal(size=(6, 3)), np.eye(3)[rng.integers(3, size=6)]
    kind = "cross_entropy" if output == "softmax" else "squared"
    torch = mlp(list(W.values()), list(b.values()), x, y, activation, output, kind)
    for name, value in ours(W, b, x, y, activation, output).items():
        np.testing.assert_allclose(value, torch[name], rtol=1e-12, atol=1e-12, err_msg=name)


def test_scores_of_a_thousand_neither_overflow_nor_lose_the_gradient():
    W, b = {1: np.array([[1000.0], [-1000.0]])}, {1: np.zeros(2)}
    kept = ours(W, b, np.array([[1.0]]), np.array([[0.0, 1.0]]), "tanh", "softmax")
    assert kept["loss"] == 2000
    assert kept["dW_1"].tolist() == [[1.0], [-1.0]]


@pytest.mark.parametrize("output", [*HIDDEN, "softmax"])
@pytest.mark.parametrize("activation", HIDDEN)
def test_single_precision_stays_single_and_double_double(activation, output):
    rng, sizes = np.random.default_rng(2), (3, 6, 4)
    w, x, y = rng.normal(size=(5, 52)), rng.normal(size=(7, 3)), np.eye(4)[rng.integers(4, size=7)]
    W, b = layers(w, sizes)
    W_32, b_32 = layers(w.astype("f4"), sizes)
    double = ours(W, b, x, y, activation, output)
    single = ours(W_32, b_32, x.astype("f4"), y.astype("f4"), activation, output)
    for name, value in single.items():
        assert (value.dtype, double[name].dtype) == ("f4", "f8"), name
        np.testing.assert_allclose(value, double[name], rtol=1e-4, atol=1e-5, err_msg=name)


@pytest.mark.parametrize("lead", [(), (4,)])
def test_shares_written_into_a_flat_gradient_are_the_gradient(lead):
    """Layers so wide that their products are taken in pieces."""
    rng, sizes, net = np.random.default_rng(3), (300, 64, 5), ("tanh", "softmax")
    w = rng.normal(size=(*lead, 300 * 64 + 64 + 64 * 5 + 5)) / 16
    x, y = rng.normal(size=(*lead, 96, 300)), np.eye(5)[rng.integers(5, size=(*lead, 96))]
    W, b = layers(w, sizes)
    _, a = forward(W, b, x, *net)
    delta = backward(W, a, y, *net)
    g = np.full_like(w, np.nan)
    into = layers(g, sizes)
    assert shares(delta, a, out=into) == into
    np.testing.assert_array_equal(g, gradient(w, x, y, sizes, *net))
    for l in (1, 2):
        dW = np.einsum("...sn,...sm->...nm", delta[l], a[l - 1]) / 96
        np.testing.assert_allclose(into[0][l], dW, rtol=1e-10, atol=1e-14)
        np.testing.assert_allclose(into[1][l], delta[l].mean(-2), rtol=1e-10, atol=1e-14)


# ------------------------------------------------------------------------------------------- the lecture


@pytest.fixture(scope="module")
def lecture():
    return Backprop().run()


@pytest.fixture(scope="module")
def hundred_lectures():
    return Backprop.run_batch([Backprop(seed=seed) for seed in range(100)])


def recorded_weights(run):
    return np.concatenate([run[f"{name}_{l}"].values[0].ravel() for l in (1, 2) for name in ("W", "b")])


def test_each_nudge_of_the_lectures_network_is_what_running_it_again_gives(lecture):
    w, h = recorded_weights(lecture), 0.01
    plain = [
        [
            plain_loss(w + s * h * e, lecture.a_0, lecture.y_2, (4, 6, 3), "sigmoid", "sigmoid")
            for e in np.eye(51)
        ]
        for s in (1, -1)
    ]
    share_W, share_b = layers(np.subtract(*plain) / (2 * h), (4, 6, 3))
    for l in (1, 2):
        up, down = (layers(np.array(side), (4, 6, 3))[0][l] for side in plain)
        np.testing.assert_allclose(lecture[f"loss_up_{l}"], up, rtol=1e-12)
        np.testing.assert_allclose(lecture[f"loss_down_{l}"], down, rtol=1e-12)
        np.testing.assert_allclose(lecture[f"measured_dW_{l}"], share_W[l], rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(lecture[f"measured_db_{l}"], share_b[l], rtol=1e-9, atol=1e-12)


def test_every_nudge_of_the_lectures_network_agrees_with_the_computed_share_to_four_digits(lecture):
    for l in (1, 2):
        np.testing.assert_allclose(lecture[f"measured_dW_{l}"], lecture[f"dW_{l}"][0], rtol=5e-5)
        np.testing.assert_allclose(lecture[f"measured_db_{l}"], lecture[f"db_{l}"][0], rtol=5e-5)


def test_over_a_hundred_seeds_no_nudge_is_off_by_more_than_a_ten_thousandth_of_the_largest_share(
    hundred_lectures,
):
    for l in (1, 2):
        computed, measured = hundred_lectures[f"dW_{l}"][:, 0], hundred_lectures[f"measured_dW_{l}"]
        largest = abs(computed).max(computed.dims[1:])
        assert (abs(computed - measured) / largest).max() < 1e-4


def test_a_nudged_weight_moves_the_outputs_as_recorded(lecture):
    w = recorded_weights(lecture)
    for unit, source in ((1, 4), (2, 5)):
        entry = 30 + 6 * unit + source  # after W_1 (6, 4) and b_1 (6,)
        assert w[entry] == lecture.W_2[0, unit, source]
        nudged = w + 0.01 * np.eye(51)[entry]
        hidden = 1 / (1 + np.exp(-(nudged[:24].reshape(6, 4) @ lecture.a_0[0].values + nudged[24:30])))
        output = 1 / (1 + np.exp(-(nudged[30:48].reshape(3, 6) @ hidden + nudged[48:])))
        np.testing.assert_allclose(lecture.output_up_2[unit, source, 0], output, rtol=1e-13)
        others = [k for k in range(3) if k != unit]
        np.testing.assert_allclose(output[others], lecture.a_2[0, 0, others], rtol=1e-13)


def test_the_lectures_network_reaches_its_targets_from_every_one_of_a_hundred_seeds(hundred_lectures):
    gap = abs(hundred_lectures.a_2 - hundred_lectures.y_2).max(("sample", "unit_2"))
    assert gap[:, 0].min() > 0.01
    assert gap[:, -1].max() < 0.01


def test_the_lectures_loss_never_rises(hundred_lectures):
    assert hundred_lectures.loss.diff("step").max() < 1e-15


def test_a_trajectory_is_enough_to_work_out_every_step_again(lecture):
    eta = float(lecture.eta[0])
    a = {0: lecture.a_0.values[None]}
    for l in (1, 2):
        W, b, dW, db = (lecture[f"{name}_{l}"].values for name in ("W", "b", "dW", "db"))
        z = np.einsum("tij,tsj->tsi", W, np.broadcast_to(a[l - 1], (401, *a[l - 1].shape[1:]))) + b[:, None]
        a[l] = 1 / (1 + np.exp(-z))
        np.testing.assert_allclose(lecture[f"z_{l}"], z, rtol=1e-12, atol=1e-13)
        np.testing.assert_allclose(lecture[f"a_{l}"], a[l], rtol=1e-12)
        np.testing.assert_allclose(W[1:], W[:-1] - eta * dW[:-1], rtol=1e-13, atol=1e-15)
        np.testing.assert_allclose(b[1:], b[:-1] - eta * db[:-1], rtol=1e-13, atol=1e-15)
    delta_2 = (a[2] - lecture.y_2.values) * a[2] * (1 - a[2])
    delta_1 = np.einsum("tij,tsi->tsj", lecture.W_2, delta_2) * a[1] * (1 - a[1])
    np.testing.assert_allclose(lecture.delta_2, delta_2, rtol=1e-11, atol=1e-15)
    np.testing.assert_allclose(lecture.delta_1, delta_1, rtol=1e-11, atol=1e-15)
    np.testing.assert_allclose(
        lecture.dW_1, np.einsum("tsi,sj->tij", delta_1, lecture.a_0), rtol=1e-11, atol=1e-15
    )
    np.testing.assert_allclose(
        lecture.loss, 0.5 * ((a[2] - lecture.y_2.values) ** 2).sum((1, 2)), rtol=1e-11, atol=1e-15
    )


# --------------------------------------------------------------------------------------- the other tasks


def test_xor_is_solved_from_at_least_ninety_five_of_a_hundred_seeds():
    runs = Backprop.run_batch([Backprop(task="xor", seed=seed) for seed in range(100)])
    assert (runs.accuracy[:, -1] == 1).sum() >= 95


def test_without_a_hidden_layer_xor_is_never_solved():
    sims = [Backprop(task="xor", hidden=(), seed=seed, every=100) for seed in range(20)]
    assert Backprop.run_batch(sims).accuracy.max() <= 0.75


@pytest.mark.parametrize(
    ("task", "seeds", "at_least"), [("moons", 20, 0.95), ("spirals", 5, 0.97), ("digits", 3, 0.95)]
)
def test_what_was_held_out_is_told_apart(task, seeds, at_least):
    runs = Backprop.run_batch([Backprop(task=task, seed=seed) for seed in range(seeds)])
    held_out = runs.held_out[0].values
    assert runs.correct[:, -1, held_out].mean() > at_least
    assert runs.accuracy[:, -1].mean() > at_least


def test_of_1797_digits_1400_are_trained_on_and_the_others_never_touch_the_weights():
    run = Backprop(task="digits", steps=2, every=1).run()
    assert run.sizes["datum"] == 1797
    assert int(run.held_out.sum()) == 397
    trained = ~run.held_out.values
    x, y = run.data_input.values[trained], run.data_target.values[trained]
    for k in (0, 1):
        W, b = {l: run[f"W_{l}"][k].values for l in (1, 2)}, {l: run[f"b_{l}"][k].values for l in (1, 2)}
        again = ours(W, b, x, y, "tanh", "softmax")
        np.testing.assert_allclose(run.dW_1[k], again["dW_1"], rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(run.loss[k], again["loss"], rtol=1e-12)
    assert run.correct.dtype == bool
    np.testing.assert_allclose(run.accuracy, run.correct[:, trained].mean("datum"))


def test_watched_samples_are_the_first_of_the_data():
    run = Backprop(task="spirals", watch=3, steps=2, every=1).run()
    assert run.sizes["sample"] == 3
    np.testing.assert_array_equal(run.a_0, run.data_input[:3])
    np.testing.assert_array_equal(run.y_3, run.data_target[:3])
    assert Backprop(task="xor", watch=100, steps=10).run().sizes["sample"] == 4


@pytest.mark.parametrize("task", ["lecture", "xor", "moons", "spirals", "digits"])
def test_a_batch_equals_its_members_one_by_one(task):
    sims = [
        Backprop(task=task, seed=seed, eta=eta, scale=scale, noise=0.1 * scale, steps=10, every=2)
        for seed, eta, scale in ((0, 0.01, 1.0), (7, 0.02, 2.0), (8, 0.05, 1.5))
    ]
    together = Backprop.run_batch(sims)
    for i, sim in enumerate(sims):
        alone = sim.run()
        assert set(alone.variables) == set(together.variables)
        for name in alone.data_vars:
            if alone[name].dtype == bool:
                assert (together[name][i] == alone[name]).all()
            else:
                np.testing.assert_allclose(
                    together[name][i], alone[name], rtol=1e-12, atol=1e-12, err_msg=name
                )


@pytest.mark.parametrize("optimiser", OPTIMISERS)
def test_every_optimiser_brings_the_lectures_loss_down(optimiser):
    eta = 0.5 if optimiser in ("gd", "heavy_ball", "nesterov") else 0.05
    run = Backprop(optimiser=optimiser, eta=eta, schedule="cosine").run()
    assert run.loss[-1] < run.loss[0] / 100


@given(st.lists(st.integers(1, 6), max_size=3).map(tuple), st.sampled_from(HIDDEN), st.integers(1, 20))
@settings(max_examples=20, deadline=None)
def test_any_depth_records_every_layer_at_every_recorded_step(hidden, activation, every):
    run = Backprop(hidden=hidden, activation=activation, steps=20, every=every, eta=0.05).run()
    assert run.step.values.tolist() == list(range(0, 21, every))
    for l, (m, n) in enumerate(pairwise((4, *hidden, 3)), start=1):
        for name, shape in {"W": (n, m), "dW": (n, m), "b": (n,), "db": (n,)}.items():
            assert run[f"{name}_{l}"].shape == (len(run.step), *shape)
        for name in ("z", "a", "delta"):
            assert run[f"{name}_{l}"].shape == (len(run.step), 1, n)
        assert run[f"output_up_{l}"].shape == (n, m, 1, 3)


def test_defaults_follow_the_task_unless_given():
    assert Backprop(task="digits").hidden == (32,)
    assert Backprop(task="digits", hidden=(10,)).hidden == (10,)
    assert Backprop(seed=3).model_copy(update={"task": "spirals"}) == Backprop(task="spirals", seed=3)


def test_a_run_that_overflows_is_no_result():
    with pytest.raises(Diverged, match=r"loss diverged at step \d+; try a smaller eta"):
        Backprop(hidden=(6, 6), activation="identity", output_activation="identity", eta=500.0).run()


def test_settings_that_contradict_each_other_are_refused():
    with pytest.raises(ParameterError, match="every must be <= steps = 5; got 7"):
        Backprop(steps=5, every=7)
    with pytest.raises(ParameterError, match="samples must be <= 1700 for digits"):
        Backprop(task="digits", samples=1797)
