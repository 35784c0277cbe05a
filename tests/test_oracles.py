"""PyTorch's frozen answers are whole, say where they come from, and are what PyTorch still answers."""

import importlib.util
import io
import zipfile
from pathlib import Path

import numpy as np
import pytest

FOLDER = Path(__file__).parent / "oracles"
FILES = ("optimisers", "mlp", "attention", "recurrent")
RUNS = (
    "gd",
    "heavy_ball",
    "nesterov",
    "adagrad",
    "rmsprop",
    "adam",
    "adamw",
    "gd_decay",
    "adam_decay",
    "adamw_decay",
)
NETWORKS = (
    "tanh_2_3_1",
    "tanh_identity_2_3_1",
    "sigmoid_4_6_3",
    "tanh_identity_4_6_3",
    "tanh_identity_3_7_5_2",
    "relu_softmax_5_8_8_4",
    "tanh_softmax_5_8_8_4",
)
ATTENTIONS = (
    "one_head",
    "one_head_causal",
    "two_heads",
    "two_heads_causal",
    "four_heads",
    "four_heads_causal",
    "oblong",
)


def load(name):
    with np.load(FOLDER / f"{name}.npz", allow_pickle=False) as file:
        return {key: file[key] for key in file.files}


def under(oracle, prefix):
    start = f"{prefix}/"
    return {key.removeprefix(start): value for key, value in oracle.items() if key.startswith(start)}


def sigma(x):
    return 1 / (1 + np.exp(-x))


@pytest.mark.parametrize("name", FILES)
def test_a_file_holds_plain_finite_arrays_and_says_its_versions_and_seeds(name):
    oracle = load(name)
    assert str(oracle["torch_version"]).startswith("2.13.0")
    assert int(str(oracle["numpy_version"]).split(".")[0]) >= 2
    assert oracle["seeds"].dtype.kind == "i"
    assert oracle["seeds"].size
    assert {value.dtype.kind for value in oracle.values()} <= set("fiUb")
    for key, value in oracle.items():
        if value.dtype.kind == "f":
            assert value.dtype == np.float64, key
            assert np.isfinite(value).all(), key


def test_no_array_is_a_pickle_in_disguise():
    for name in FILES:
        with zipfile.ZipFile(FOLDER / f"{name}.npz") as archive:
            for member in archive.namelist():
                np.lib.format.read_array(io.BytesIO(archive.read(member)), allow_pickle=False)


def test_all_files_together_are_smaller_than_two_megabytes():
    assert sum(path.stat().st_size for path in FOLDER.glob("*.npz")) < 2e6


@pytest.mark.parametrize(("surface", "n"), [("rosenbrock", 2), ("bowl", 5)])
@pytest.mark.parametrize("run", RUNS)
def test_each_optimiser_walks_200_steps_downhill_from_the_stored_start(run, surface, n):
    oracle = load("optimisers")
    walk = under(oracle, f"{run}/{surface}")
    assert walk["path"].shape == walk["grad"].shape == (201, n)
    np.testing.assert_array_equal(walk["path"][0], walk["start"])
    assert walk["loss"][-1] < walk["loss"][0]
    assert walk["weight_decay"] == (0.01 if run.endswith("_decay") else 0.0)
    if surface == "bowl":
        lam = oracle["bowl/eigenvalues"]
        np.testing.assert_allclose(walk["loss"], 0.5 * (lam * walk["path"] ** 2).sum(-1), rtol=1e-13)
    else:
        x, y = walk["path"].T
        np.testing.assert_allclose(walk["loss"], (1 - x) ** 2 + 100 * (y - x**2) ** 2, rtol=1e-12)


def test_gradient_descent_on_the_bowl_shrinks_each_error_by_one_minus_eta_lambda():
    oracle = load("optimisers")
    t, eta = np.arange(201)[:, None], oracle["gd/bowl/lr"]
    theory = oracle["gd/bowl/start"] * (1 - eta * oracle["bowl/eigenvalues"]) ** t
    np.testing.assert_allclose(oracle["gd/bowl/path"], theory, atol=1e-14)


def test_adam_without_decay_is_adamw_without_decay_but_not_with_it():
    oracle = load("optimisers")
    np.testing.assert_allclose(oracle["adam/bowl/path"], oracle["adamw/bowl/path"], atol=1e-14)
    assert abs(oracle["adam_decay/bowl/path"] - oracle["adamw_decay/bowl/path"]).max() > 1e-3


@pytest.mark.parametrize("name", NETWORKS)
def test_blame_times_activity_summed_over_samples_is_the_gradient(name):
    net = under(load("mlp"), name)
    a, layers = net["X"], len(net["sizes"]) - 1
    for l in range(1, layers + 1):
        assert net[f"W_{l}"].shape == (net["sizes"][l], net["sizes"][l - 1])
        np.testing.assert_allclose(net[f"z_{l}"], a @ net[f"W_{l}"].T + net[f"b_{l}"], atol=1e-14)
        np.testing.assert_allclose(net[f"dW_{l}"], net[f"delta_{l}"].T @ a, atol=1e-14)
        np.testing.assert_allclose(net[f"db_{l}"], net[f"delta_{l}"].sum(0), atol=1e-14)
        a = net[f"a_{l}"]
    np.testing.assert_allclose(net["dX"], net["delta_1"] @ net["W_1"], atol=1e-14)
    if net["loss_kind"] == "squared":
        np.testing.assert_allclose(net["loss"], 0.5 * ((a - net["Y"]) ** 2).sum(-1).mean(), rtol=1e-13)
    else:
        np.testing.assert_allclose(a.sum(-1), 1.0, rtol=1e-13)
        np.testing.assert_allclose(net["loss"], -(net["Y"] * np.log(a)).sum(-1).mean(), rtol=1e-13)
        np.testing.assert_allclose(net[f"delta_{layers}"], (a - net["Y"]) / len(a), atol=1e-15)


@pytest.mark.parametrize("name", ATTENTIONS)
def test_attention_weights_are_the_masked_softmax_and_blend_the_values(name):
    case = under(load("attention"), name)
    heads, tokens = int(case["heads"]), case["X"].shape[1]
    for which in "qkv":
        split = np.split(case["X"] @ case[f"W_{which.upper()}"], heads, axis=-1)
        np.testing.assert_allclose(case[which], np.stack(split, axis=1), atol=1e-13)
    scores = case["q"] @ np.swapaxes(case["k"], -1, -2) / np.sqrt(case["q"].shape[-1])
    if case["causal"]:
        scores = np.where(np.tri(tokens, dtype=bool), scores, -np.inf)
    weights = np.exp(scores) / np.exp(scores).sum(-1, keepdims=True)
    np.testing.assert_allclose(case["weights"], weights, atol=1e-14)
    blended = np.concatenate(list(np.moveaxis(weights @ case["v"], 1, 0)), axis=-1)
    np.testing.assert_allclose(case["output"], blended, atol=1e-13)
    np.testing.assert_allclose(case["loss"], (case["output"] * case["G"]).sum(), rtol=1e-12)


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru", "cho"])
def test_every_state_of_a_cell_follows_from_the_readmes_equation(cell):
    c = under(load("recurrent"), cell)
    h_before = np.concatenate([c["h_0"][:, None], c["h_all"][:, :-1]], axis=1)
    x, h = c["x"], h_before
    if cell == "cho":
        z, r = (sigma(x @ c[f"W_{g}"].T + h @ c[f"U_{g}"].T + c[f"b_{g}"]) for g in "zr")
        h_tilde = np.tanh(x @ c["W"].T + (r * h) @ c["U"].T + c["b"])
        expected = (1 - z) * h + z * h_tilde
        np.testing.assert_allclose(c["z"], z, atol=1e-14)
    else:
        from_x, from_h = x @ c["weight_ih"].T + c["bias_ih"], h @ c["weight_hh"].T + c["bias_hh"]
        if cell == "rnn":
            expected = np.tanh(from_x + from_h)
        elif cell == "gru":
            (x_r, x_z, x_n), (h_r, h_z, h_n) = np.split(from_x, 3, -1), np.split(from_h, 3, -1)
            z = sigma(x_z + h_z)
            expected = (1 - z) * np.tanh(x_n + sigma(x_r + h_r) * h_n) + z * h
        else:
            i, f, g, o = np.split(from_x + from_h, 4, -1)
            c_before = np.concatenate([c["c_0"][:, None], c["c_all"][:, :-1]], axis=1)
            cell_state = sigma(f) * c_before + sigma(i) * np.tanh(g)
            np.testing.assert_allclose(c["c_all"], cell_state, atol=1e-14)
            expected = sigma(o) * np.tanh(cell_state)
    np.testing.assert_allclose(c["h_all"], expected, atol=1e-14)


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru", "cho"])
def test_jacobians_end_at_the_identity_and_have_the_stored_norms(cell):
    c = under(load("recurrent"), cell)
    assert c["jacobian"].shape == (8, 5, 5)
    np.testing.assert_array_equal(c["jacobian"][-1], np.eye(5))
    for name, order in (("spectral_norm", 2), ("frobenius_norm", "fro")):
        np.testing.assert_allclose(c[name], np.linalg.norm(c["jacobian"], order, axis=(1, 2)), rtol=1e-12)


def test_the_rnns_jacobian_is_the_product_of_its_one_step_jacobians():
    c = under(load("recurrent"), "rnn")
    J = np.eye(5)
    for t in range(6, -1, -1):
        J = J @ ((1 - c["h_all"][0, t] ** 2)[:, None] * c["weight_hh"])
        np.testing.assert_allclose(c["jacobian"][t], J, atol=1e-14)


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru", "cho"])
def test_every_input_of_a_cell_has_a_gradient_of_its_own_shape(cell):
    c = under(load("recurrent"), cell)
    gradients = {key for key in c if f"d{key}" in c}
    weights = (
        {"weight_ih", "weight_hh", "bias_ih", "bias_hh"}
        if cell != "cho"
        else {"W_z", "U_z", "b_z", "W_r", "U_r", "b_r", "W", "U", "b"}
    )
    assert gradients == weights | {"x", "h_0"} | ({"c_0"} if cell == "lstm" else set())
    for name in gradients:
        assert c[f"d{name}"].shape == c[name].shape
        assert abs(c[f"d{name}"]).max() > 1e-3


@pytest.mark.parametrize("name", FILES)
def test_torch_asked_again_answers_the_same(name):
    pytest.importorskip("torch")
    spec = importlib.util.spec_from_file_location("make_oracles", FOLDER / "make_oracles.py")
    make_oracles = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(make_oracles)
    frozen, live = load(name), make_oracles.make(name)
    assert frozen.keys() == live.keys()
    for key in frozen.keys() - {"torch_version", "numpy_version"}:
        if frozen[key].dtype.kind == "f":
            np.testing.assert_allclose(live[key], frozen[key], rtol=1e-13, atol=1e-13, err_msg=key)
        else:
            np.testing.assert_array_equal(live[key], frozen[key], err_msg=key)
