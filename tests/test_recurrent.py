"""SRN, GRU and LSTM: their equations and gradients against PyTorch, the complex step and theory."""

import importlib.util
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit

from sims import GRU, LSTM, SRN, Batch, Diverged, gru, lstm, srn
from sims._layer import sigmoid
from sims._recurrent import Cell, answer, gradient, gradient_left, loss_of, trace_of, train

ORACLES = Path(__file__).parent / "oracles"
FROZEN = np.load(ORACLES / "recurrent.npz")
CELLS = ("rnn", "lstm", "gru", "cho")
ENDINGS = {
    "srn": ("",),
    "cho": ("_z", "_r", "_h"),
    "torch": ("_z", "_r", "_h"),
    "lstm": ("_i", "_f", "_g", "_o"),
}
CLOSE = {"rtol": 1e-12, "atol": 1e-12}


def frozen(cell):
    """The answers of one of PyTorch's cells by their short names."""
    return {key.split("/")[1]: value for key, value in FROZEN.items() if key.startswith(f"{cell}/")}


def by_gate(cell, o, prefix=""):
    """PyTorch's weights, or with prefix "d" their gradients, cut into gates; its second bias is c."""
    if cell == "cho":
        return {f"{k}_{g}": o[prefix + (k if g == "h" else f"{k}_{g}")] for k in "WUb" for g in "zrh"}
    endings = {"rnn": ("",), "lstm": ("_i", "_f", "_g", "_o"), "gru": ("_r", "_z", "_h")}[cell]
    names = {"W": "weight_ih", "U": "weight_hh", "b": "bias_ih", "c": "bias_hh"}
    cut = {k: np.split(o[prefix + name], len(endings)) for k, name in names.items()}
    return {f"{k}{end}": cut[k][i] for k in cut for i, end in enumerate(endings)}


def ours_of(cell, o):
    """PyTorch's weights as ours: its two biases are one wherever they are only added."""
    w = by_gate(cell, o)
    for k in [k for k in w if k[0] == "c" and k != "c_h"]:
        w["b" + k[1:]] = w["b" + k[1:]] + w.pop(k)
    return w


def run(cell, x, w, h_0=None, c_0=None):
    if cell in ("rnn", "srn"):
        return srn.forward(x, w, h_0)
    if cell == "lstm":
        return lstm.forward(x, w, h_0, c_0)
    return gru.forward(x, w, "cho" if cell == "cho" else "torch", h_0)


def blame(cell, w, s, dh, dc=None):
    if cell in ("rnn", "srn"):
        return srn.deltas(w, s, dh)
    if cell == "lstm":
        return lstm.deltas(w, s, dh, dc)
    return gru.deltas(w, s, dh, "cho" if cell == "cho" else "torch")


def backward(cell, x, w, s, dh):
    if cell in ("rnn", "srn"):
        return srn.backward(x, w, s, dh)
    if cell == "lstm":
        return lstm.backward(x, w, s, dh)
    return gru.backward(x, w, s, dh, "cho" if cell == "cho" else "torch")


def random_weights(cell, rng, n=3, m=4, lead=()):
    w = {}
    for k in ENDINGS[cell]:
        w |= {f"W{k}": rng.normal(size=(*lead, n, m)), f"U{k}": rng.normal(size=(*lead, n, n))}
        w[f"b{k}"] = rng.normal(size=(*lead, n))
    return w | ({"c_h": rng.normal(size=(*lead, n))} if cell == "torch" else {})


def agrees_with_torch(cell, o):
    w = ours_of(cell, o)
    s = run(cell, o["x"], w, o["h_0"], o.get("c_0"))
    names = {"h": "h_all", "c": "c_all", "z": "z", "r": "r", "h_tilde": "h_tilde"}
    for name, theirs in names.items():
        if theirs in o:
            np.testing.assert_allclose(s[name], o[theirs], err_msg=name, **CLOSE)
    theirs = by_gate(cell, o, "d")
    for name, value in backward(cell, o["x"], w, s, o["G"]).items():
        np.testing.assert_allclose(value, theirs[name], err_msg=f"d{name}", **CLOSE)
    d = blame(cell, w, s, o["G"])
    for name in ("h_0", "c_0"):
        if name in o:
            np.testing.assert_allclose(d[name], o[f"d{name}"], err_msg=f"d{name}", **CLOSE)
    gates = {"rnn": {"": "a"}, "lstm": {f"_{k}": k for k in "ifgo"}}
    names = gates.get(cell, {"_z": "z", "_r": "r", "_h": "h_tilde"})
    dx = sum(d[delta] @ w[f"W{k}"] for k, delta in names.items())
    np.testing.assert_allclose(dx, o["dx"], err_msg="dx", **CLOSE)


@pytest.mark.parametrize("cell", CELLS)
def test_states_and_gradients_are_those_of_torch(cell):
    agrees_with_torch(cell, frozen(cell))


@pytest.mark.skipif(not importlib.util.find_spec("torch"), reason="PyTorch is not installed")
@pytest.mark.parametrize("cell", CELLS)
def test_live_torch_agrees_on_longer_sequences(cell):
    sys.path.insert(0, str(ORACLES))
    from make_oracles import cell_shapes, recurrent

    rng = np.random.default_rng(4)
    weights = {k: rng.uniform(-0.7, 0.7, size=shape) for k, shape in cell_shapes(cell, 3, 6).items()}
    given = {
        "x": rng.normal(size=(4, 13, 3)),
        "G": rng.normal(size=(4, 13, 6)),
        "h_0": rng.normal(size=(4, 6)),
    }
    if cell == "lstm":
        given["c_0"] = rng.normal(size=(4, 6))
    agrees_with_torch(cell, weights | given | recurrent(cell, weights, **given))


@pytest.mark.parametrize("cell", CELLS)
def test_jacobians_and_gradient_left_are_those_of_torch(cell):
    o = frozen(cell)
    w, n = ours_of(cell, o), o["h_0"].shape[-1]
    s = run(cell, o["x"], w, o["h_0"], o.get("c_0"))
    ones = np.zeros((n, *s["h"].shape))
    ones[np.arange(n), ..., -1, np.arange(n)] = 1
    d = blame(cell, w, s, ones)
    jacobian = np.concatenate([d["h_0"][:, :1], d["h"][:, 0]], 1).swapaxes(0, 1)
    np.testing.assert_allclose(jacobian, o["jacobian"], **CLOSE)
    left = gradient_left(lambda dh: blame(cell, w, s, dh)["h"], s["h"])
    np.testing.assert_allclose(left[0], o["frobenius_norm"][1:] / np.sqrt(n), **CLOSE)
    assert (left[:, -1] == 1).all()


def test_gradient_left_in_the_lstms_memory_runs_through_the_cell_and_through_what_it_shows():
    o = frozen("lstm")
    w, n = ours_of("lstm", o), 5
    s = lstm.forward(o["x"], w, o["h_0"], o["c_0"])
    left = gradient_left(lambda dc: lstm.deltas(w, s, np.zeros_like(dc), dc)["c"], s["c"])
    J = o["state_jacobian"][1:]
    shown = s["o"][0] / np.cosh(s["c"][0]) ** 2
    through_both = J[:, n:, n:] + J[:, n:, :n] * shown[:, None, :]
    np.testing.assert_allclose(left[0], np.sqrt((through_both**2).sum((1, 2)) / n), **CLOSE)


@pytest.mark.parametrize("lead", [(), (2,)])
@pytest.mark.parametrize("cell", ENDINGS)
def test_every_gradient_agrees_with_the_complex_step(cell, lead):
    rng = np.random.default_rng(3)
    w = random_weights(cell, rng, lead=lead)
    x, dh = rng.normal(size=(*lead, 5, 6, 4)), rng.normal(size=(*lead, 5, 6, 3))
    g = backward(cell, x, w, run(cell, x, w), dh)
    assert g.keys() == w.keys()
    for name, values in w.items():
        stepped = np.zeros_like(values)
        for i in np.ndindex(values.shape):
            nudged = values.astype(complex)
            nudged[i] += 1e-30j
            stepped[i] = (run(cell, x, w | {name: nudged})["h"] * dh).sum().imag / 1e-30
        assert abs(g[name] - stepped).max() < 1e-12 * abs(stepped).max(), name


@pytest.mark.parametrize("outputs", [1, 4], ids=["a number", "one of four"])
@pytest.mark.parametrize("cell", ENDINGS)
def test_the_gradient_of_the_loss_agrees_with_the_complex_step(cell, outputs):
    rng = np.random.default_rng(5)
    w = random_weights(cell, rng) | {"W_y": rng.normal(size=(outputs, 3)), "b_y": rng.normal(size=outputs)}
    x = rng.normal(size=(7, 6, 4))
    target = rng.normal(size=(7, 1)) if outputs == 1 else np.eye(4)[rng.integers(4, size=7)]
    whole = Cell((), partial(run, cell), partial(backward, cell), {})
    for name, value in gradient(whole, w, x, target).items():
        i = tuple(rng.integers(value.shape))
        nudged = w[name].astype(complex)
        nudged[i] += 1e-30j
        v = w | {name: nudged}
        y = answer_plainly(run(cell, x, v)["h"][:, -1], v)
        told = -np.log((y * target).sum(-1)) if outputs > 1 else ((y - target) ** 2).sum(-1) / 2
        assert abs(value[i] - told.mean().imag / 1e-30) < 1e-12 * abs(value).max(), name


def answer_plainly(h, w):
    a = h @ w["W_y"].T + w["b_y"]
    return a if a.shape[-1] == 1 else np.exp(a) / np.exp(a).sum(-1, keepdims=True)


@pytest.mark.parametrize("cell", ENDINGS)
def test_a_sequence_is_its_steps_one_by_one(cell):
    rng = np.random.default_rng(1)
    w, x = random_weights(cell, rng), rng.normal(size=(5, 7, 4))
    whole = run(cell, x, w)
    h = c = np.zeros((5, 3))
    for t in range(7):
        np.testing.assert_array_equal(whole["h_before"][:, t], h)
        if cell == "srn":
            one = {"h": srn.step(x[:, t], h, w)}
        elif cell == "lstm":
            one = lstm.step(x[:, t], h, c, w)
            c = one["c"]
        else:
            one = gru.step(x[:, t], h, w, cell)
        h = whole["h"][:, t]
        for name, value in one.items():
            np.testing.assert_allclose(value, whole[name][:, t], rtol=0, atol=1e-14, err_msg=name)


def test_the_two_forms_of_the_gru_are_one_where_nothing_is_reset():
    rng = np.random.default_rng(2)
    w, x = random_weights("cho", rng), rng.normal(size=(5, 7, 4))
    w |= {"b_r": np.full(3, 800.0), "c_h": np.zeros(3)}
    mirrored = w | {f"{k}_z": -w[f"{k}_z"] for k in "WUb"}
    cho, torch = gru.forward(x, w, "cho"), gru.forward(x, mirrored, "torch")
    np.testing.assert_allclose(cho["h"], torch["h"], rtol=0, atol=1e-14)
    np.testing.assert_allclose(cho["z"], 1 - torch["z"], rtol=0, atol=1e-14)


@given(st.lists(st.floats(-1e300, 1e300), min_size=1, max_size=8))
def test_sigmoid_is_right_for_any_number_and_never_overflows(a):
    with np.errstate(all="raise", under="ignore"):
        np.testing.assert_allclose(sigmoid(np.array(a)), expit(a), rtol=0, atol=2e-16)


@given(st.floats(-300, 300))
def test_sigmoid_passes_a_complex_step(a):
    y = sigmoid(np.array([a + 1e-200j]))[0]
    assert y.imag / 1e-200 == pytest.approx(expit(a) * expit(-a), rel=1e-12, abs=1e-16)


@pytest.mark.parametrize("rho", [0.5, 0.9, 1.0, 1.1])
def test_a_linear_recurrence_keeps_rho_to_the_k(rho):
    rng = np.random.default_rng(6)
    U = rho * np.linalg.qr(rng.normal(size=(5, 5)))[0]
    w = {"W": np.zeros((5, 2)), "U": U, "b": np.zeros(5)}  # at h = 0 the tanh is the identity
    s = srn.forward(np.zeros((1, 13, 2)), w)
    left = gradient_left(lambda dh: srn.deltas(w, s, dh)["h"], s["h"])[0]
    np.testing.assert_allclose(left, rho ** np.arange(12, -1, -1), rtol=1e-13)


@pytest.mark.parametrize("bias", [0.0, 2.0])
def test_gates_that_only_have_a_bias_keep_their_share_at_every_word(bias):
    zeros = {f"{k}_{g}": np.zeros((4, 4)) for k in "WU" for g in "zrhifgo"}
    zeros |= {f"b_{g}": np.zeros(4) for g in "zrhifgo"}
    kept = expit(bias) ** np.arange(12, -1, -1)
    w = zeros | {"b_z": np.full(4, -bias)}
    s = gru.forward(np.zeros((1, 13, 4)), w)
    left = gradient_left(lambda dh: gru.deltas(w, s, dh)["h"], s["h"])[0]
    np.testing.assert_allclose(left, kept, rtol=1e-13)
    w = zeros | {"b_f": np.full(4, bias)}
    s = lstm.forward(np.zeros((1, 13, 4)), w)
    left = gradient_left(lambda dc: lstm.deltas(w, s, np.zeros_like(dc), dc)["c"], s["c"])[0]
    np.testing.assert_allclose(left, kept, rtol=1e-13)


def test_elmans_copy_back_is_the_gradient_with_the_old_memory_taken_for_an_input():
    rng = np.random.default_rng(7)
    w, x, dh = random_weights("srn", rng), rng.normal(size=(5, 6, 4)), np.zeros((5, 6, 3))
    dh[:, -1] = rng.normal(size=(5, 3))
    s = srn.forward(x, w)
    copied, last = s["h_before"][:, -1], x[:, -1:]
    alone = srn.backward(last, w, srn.forward(last, w, copied), dh[:, -1:])
    for name, value in srn.backward(x, w, s, dh, reach=1).items():
        np.testing.assert_allclose(value, alone[name], rtol=1e-13, atol=1e-13, err_msg=name)
    for name, value in srn.backward(x, w, s, dh, reach=99).items():
        np.testing.assert_array_equal(value, srn.backward(x, w, s, dh)[name])


@given(st.floats(0, 1e3), st.floats(0, np.pi))
def test_the_trace_of_two_memories_depends_on_their_angle_alone_when_equally_long(length, angle):
    m = length * np.array([[[1.0, 0.0]], [[np.cos(angle), np.sin(angle)]]])
    expected = np.sin(angle / 2) if length > 1e-150 else 0
    if length > 1e-150 or length == 0:
        assert trace_of(m)[0] == pytest.approx(expected, abs=1e-12)


def test_answers_of_a_thousand_neither_overflow_nor_are_lost():
    w = {"W_y": np.array([[1000.0], [-1000.0]]), "b_y": np.zeros(2)}
    y = answer(np.array([[1.0], [-1.0]]), w)
    np.testing.assert_array_equal(y, np.eye(2))
    assert loss_of(y, np.eye(2)) == 0
    assert 700 < loss_of(y, np.eye(2)[::-1]) < np.inf


def test_a_gradient_that_is_not_finite_stops_the_run_and_says_when():
    def broken(x, w, s, dh):
        return {k: np.full_like(v, np.inf) for k, v in srn.backward(x, w, s, dh).items()}

    cell = Cell(("",), srn.forward, broken, {"gradient_left": lambda w, s, dh: srn.deltas(w, s, dh)["h"]})
    with pytest.raises(Diverged, match=r"the gradient diverged at step 0; try a smaller eta or clip"):
        train(Batch([SRN()]), cell)


@pytest.mark.parametrize("kind", [SRN, GRU, LSTM])
def test_a_batch_is_its_members_one_by_one(kind):
    varied = [{"seed": 3}, {"seed": 4, "eta": 0.02}, {"seed": 5, "clip": 0.1}]
    sims = [kind(task="alligator", steps=30, record_every=10, **v) for v in varied]
    together = kind.run_batch(sims)
    for i, sim in enumerate(sims):
        alone = sim.run()
        for name in kind.variables:
            ours = together[name].isel(batch=i) if "batch" in together[name].dims else together[name]
            if ours.dtype.kind == "f":
                np.testing.assert_allclose(ours, alone[name], rtol=0, atol=1e-12, err_msg=name)
            else:
                assert (ours == alone[name]).all()


@pytest.mark.parametrize("lead", [(), (2,)])
@pytest.mark.parametrize("cell", ENDINGS)
def test_single_precision_stays_single_and_double_double(cell, lead):
    rng = np.random.default_rng(8)
    w = random_weights(cell, rng, lead=lead)
    x, dh = rng.normal(size=(*lead, 5, 6, 4)), rng.normal(size=(*lead, 5, 6, 3))
    w_32, x_32, dh_32 = {k: v.astype("f4") for k, v in w.items()}, x.astype("f4"), dh.astype("f4")
    s, s_32 = run(cell, x, w), run(cell, x_32, w_32)
    pairs = [(s_32, s), (blame(cell, w_32, s_32, dh_32), blame(cell, w, s, dh))]
    pairs.append((backward(cell, x_32, w_32, s_32, dh_32), backward(cell, x, w, s, dh)))
    for single, double in pairs:
        for name, value in single.items():
            assert (value.dtype, double[name].dtype) == ("f4", "f8"), name
            np.testing.assert_allclose(value, double[name], rtol=1e-4, atol=1e-5, err_msg=name)
    assert gradient_left(lambda dh: blame(cell, w_32, s_32, dh)["h"], s_32["h"]).dtype == "f4"


def test_a_large_memory_is_that_of_its_steps_too():
    """Its products are large enough to be taken in pieces."""
    rng = np.random.default_rng(9)
    w, x = random_weights("torch", rng, n=256, m=3), rng.normal(size=(32, 3, 3))
    w |= {k: v / 16 for k, v in w.items() if k[0] == "U"}
    whole, h = gru.forward(x, w, "torch"), np.zeros((32, 256))
    for t in range(3):
        h = gru.step(x[:, t], h, w, "torch")["h"]
        np.testing.assert_allclose(whole["h"][:, t], h, rtol=0, atol=1e-13)
