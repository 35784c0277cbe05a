"""Attention against torch, the complex step and itself; and the two banks over twelve seeds."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from sims import _attention_sentences as sentences
from sims import attention as A
from sims._file import load, save
from sims._simulation import ParameterError

ORACLES = Path(__file__).parent / "oracles"
CASES = [f"{heads}{mask}" for heads in ("one_head", "two_heads", "four_heads") for mask in ("", "_causal")]
MATRICES = ("W_Q", "W_K", "W_V")
SEEDS = range(12)


def worst(a, b):
    """Largest difference, relative to the largest entry."""
    return np.abs(a - b).max() / np.abs(b).max()


def complex_step(f, x, h=1e-30):
    """df/dx, entry by entry: Im f(x + ih)/h, exact to rounding."""
    grad = np.empty_like(x)
    for i in np.ndindex(x.shape):
        nudged = x.astype(complex)
        nudged[i] += 1j * h
        grad[i] = f(nudged).imag / h
    return grad


def ours(given, heads, causal):
    """Our answers under the names of the frozen file."""
    X, W, G = given["X"], [given[name] for name in MATRICES], given["G"]
    mask = np.tri(X.shape[-2], dtype=bool) if causal else None
    parts = A.attention(X, *W, heads=heads, mask=mask)
    grad = A.attention_backward(G, parts, X, *W)
    answers = {"q": parts.q, "k": parts.k, "v": parts.v, "weights": parts.weights, "output": parts.output}
    return answers | {f"d{name}": grad[name] for name in ("X", *MATRICES)}


# ------------------------------------------------------------------------------------------------ torch


@pytest.mark.parametrize("case", [*CASES, "oblong"])
def test_attention_and_its_gradients_are_those_of_torch(case):
    with np.load(ORACLES / "attention.npz") as file:
        frozen = {key.split("/")[1]: file[key] for key in file if key.startswith(f"{case}/")}
    for name, answer in ours(frozen, int(frozen["heads"]), bool(frozen["causal"])).items():
        assert worst(answer, frozen[name]) < 1e-12, name


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("heads", [1, 3])
def test_torch_asked_live_gives_the_same(heads, causal):
    pytest.importorskip("torch")
    spec = importlib.util.spec_from_file_location("make_oracles", ORACLES / "make_oracles.py")
    make_oracles = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(make_oracles)
    rng = np.random.default_rng(heads)
    given = {"X": rng.normal(size=(2, 7, 12)), "G": rng.normal(size=(2, 7, 12))}
    given |= {name: rng.normal(size=(12, 12)) for name in MATRICES}
    live = make_oracles.attention(**given, heads=heads, causal=causal)
    for name, answer in ours(given, heads, causal).items():
        assert worst(answer, live[name]) < 1e-12, name


# ------------------------------------------------------------------------------------------ complex step


@pytest.mark.parametrize("heads", [1, 2])
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("asked", [False, True])
def test_every_gradient_of_attention_is_that_of_the_complex_step(heads, masked, asked):
    rng = np.random.default_rng(5)
    d, c = 4, 6
    given = {"X": rng.normal(size=(3, 5, d)), "W_Q": rng.normal(size=(d, c)), "W_K": rng.normal(size=(d, c))}
    given |= {"W_V": rng.normal(size=(d, c)), "W_O": rng.normal(size=(c, d))}
    if asked:
        given["asking"] = rng.normal(size=(3, 2, d))
    m = 2 if asked else 5
    mask = rng.random((m, 5)) < 0.6
    mask[:, 0] = True
    G = rng.normal(size=(3, m, d))

    def weighed(**changed):
        return (A.attention(**given | changed, heads=heads, mask=mask if masked else None).output * G).sum()

    parts = A.attention(**given, heads=heads, mask=mask if masked else None)
    grad = A.attention_backward(G, parts, **given)
    assert set(grad) == set(given)
    for name, x in given.items():
        exact = complex_step(lambda value, name=name: weighed(**{name: value}), x)
        assert worst(grad[name], exact) < 1e-12, name


@pytest.mark.parametrize("heads", [1, 2])
def test_the_gradient_of_the_training_loss_is_that_of_the_complex_step(heads):
    d, rng = 4, np.random.default_rng(heads)
    tokens, labels = sentences.draw(rng, 12, "shared")
    words, wanted = np.eye(len(sentences.VOCABULARY))[tokens], np.eye(3)[labels]
    w = rng.normal(size=sum(np.prod(shape) for shape in A.shapes(d, heads).values()))
    L, _, grad = A.loss_backward(w, words, wanted, d, heads)
    exact = complex_step(lambda value: A.loss(value, words, wanted, d, heads), w)
    assert A.loss(w, words, wanted, d, heads) == L
    for name, part in A.unpack(grad, d, heads).items():
        assert worst(part, A.unpack(exact, d, heads)[name]) < 1e-12, name


# ------------------------------------------------------------------------------------------ the equations


@pytest.fixture
def layer():
    rng = np.random.default_rng(1)
    return rng.normal(size=(2, 6, 8)), *(rng.normal(size=(8, 8)) for _ in MATRICES)


def test_weights_are_positive_and_sum_to_one(layer):
    weights = A.attention(*layer, heads=2).weights
    assert (weights > 0).all()
    np.testing.assert_allclose(weights.sum(-1), 1, rtol=1e-14)


def test_softmax_survives_huge_scores_and_ignores_a_common_shift():
    z = np.array([2.0, 1.0, 0.5, -0.5])
    np.testing.assert_allclose(A.softmax(z + 1e3), A.softmax(z), rtol=1e-12)
    np.testing.assert_array_equal(A.softmax(np.array([1e308, 0.0])), [1, 0])


def test_without_positions_shuffled_words_give_the_same_outputs_shuffled(layer):
    X, *W = layer
    order = np.random.default_rng(2).permutation(6)
    moved = A.attention(X[:, order], *W, heads=2).output
    np.testing.assert_allclose(moved, A.attention(X, *W, heads=2).output[:, order], rtol=0, atol=1e-12)


def test_a_masked_word_has_no_weight_and_no_say(layer):
    X, *W = layer
    mask = np.ones((6, 6), dtype=bool)
    mask[:, 3] = False
    parts = A.attention(X, *W, mask=mask)
    assert (parts.weights[..., 3] == 0).all()
    louder = X.copy()
    louder[:, 3] = 100
    others = np.arange(6) != 3
    heard = A.attention(louder, *W, mask=mask).output
    np.testing.assert_array_equal(heard[:, others], parts.output[:, others])


def test_a_causal_mask_equals_all_prefixes_one_by_one(layer):
    X, *W = layer
    together = A.attention(X, *W, heads=2, mask=np.tri(6, dtype=bool)).output
    for n in range(1, 7):
        prefix = A.attention(X[:, :n], *W, heads=2).output[:, -1]
        np.testing.assert_allclose(together[:, n - 1], prefix, rtol=0, atol=1e-12)


def test_a_query_that_may_look_nowhere_is_refused(layer):
    with pytest.raises(ValueError, match="every query look at one key"):
        A.attention(*layer, mask=np.zeros((6, 6), dtype=bool))


def test_one_word_asking_equals_its_row_of_all_asking(layer):
    X, *W = layer
    one = A.attention(X, *W, heads=2, asking=X[:, -1:]).output
    np.testing.assert_allclose(one, A.attention(X, *W, heads=2).output[:, -1:], rtol=0, atol=1e-12)


@pytest.mark.parametrize("residual", [True, False])
def test_the_parts_of_a_blend_add_up_tip_to_tail_to_its_output(layer, residual):
    X, *W = layer
    parts = A.blend(X[:, -1], X, *W, residual=residual)
    whole = A.attention(X, *W)
    np.testing.assert_allclose(parts.weights, whole.weights[:, 0, -1], rtol=0, atol=1e-12)
    np.testing.assert_allclose(parts.dots / np.sqrt(8), parts.scores, rtol=1e-15)
    origin = X[:, -1] if residual else 0 * X[:, -1]
    np.testing.assert_array_equal(parts.path[:, 0], origin)
    np.testing.assert_allclose(np.diff(parts.path, axis=1), parts.arrows, rtol=0, atol=1e-12)
    np.testing.assert_allclose(parts.output, origin + whole.output[:, -1], rtol=0, atol=1e-12)


def test_a_word_blended_with_copies_of_itself_keeps_its_direction():
    x = np.random.default_rng(3).normal(size=8)
    parts = A.blend(x, np.tile(x, (5, 1)), np.eye(8), np.eye(8), np.eye(8))
    np.testing.assert_allclose(parts.weights, 0.2, rtol=1e-14)
    np.testing.assert_allclose(parts.output, 2 * x, rtol=1e-14)


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("words", [6, 130])
def test_single_precision_stays_single_and_double_double(words, masked):
    """Of 130 words some products are large enough to be taken in pieces."""
    rng = np.random.default_rng(4)
    X, G = rng.normal(size=(2, 2, words, 64))
    W = rng.normal(size=(4, 64, 64)) / 8
    mask = np.tri(words, dtype=bool) if masked else None
    answers = []
    for kind in ("f8", "f4"):
        given = [v.astype(kind) for v in (X, *W)]
        parts = A.attention(*given, heads=4, mask=mask)
        answers.append(parts._asdict() | A.attention_backward(G.astype(kind), parts, *given))
    for name, value in answers[1].items():
        assert (value.dtype, answers[0][name].dtype) == ("f4", "f8"), name
        np.testing.assert_allclose(value, answers[0][name], rtol=1e-4, atol=1e-4, err_msg=name)
    assert A.blend(*(v.astype("f4") for v in (X[:, -1], X, *W[:3]))).output.dtype == "f4"


@pytest.mark.parametrize("kind", ["f8", "f4"])
@pytest.mark.parametrize("axis", [-1, -2])
def test_softmax_far_beyond_the_range_of_numbers_is_that_of_the_shifted_scores(kind, axis):
    z = np.array([[300.0, 299, -1e4], [0, -700, 88], [-500, -501, -502]], dtype=kind)
    z = z if axis == -1 else z.T
    near = np.exp((z - z.max(axis, keepdims=True)).astype("f8"))
    np.testing.assert_allclose(
        A.softmax(z, axis), near / near.sum(axis, keepdims=True), rtol=1e-5, atol=1e-30
    )
    kept = z.copy()
    assert A.softmax(z, axis, out=z) is z
    np.testing.assert_array_equal(z, A.softmax(kept, axis))


# ------------------------------------------------------------------------------------------ the sentences


@pytest.mark.parametrize("grammar", ["shared", "naive"])
def test_the_lectures_sentences_are_never_trained_on(grammar):
    for seed in range(50):
        tokens, labels = sentences.draw(np.random.default_rng(seed), 150, grammar)
        assert tokens.shape == (150, 6)
        assert (tokens[:, -1] == sentences.ROW["bank"]).all()
        assert not (tokens[:, None] == sentences.two_banks()).all(-1).any()
        assert set(labels) == ({0, 1, 2} if grammar == "shared" else {0, 1})


def test_a_sentence_means_what_its_content_words_say():
    for seed in range(20):
        tokens, labels = sentences.draw(np.random.default_rng(seed), 150, "shared")
        said = sentences.senses()[tokens]
        for sense in (0, 1):
            np.testing.assert_array_equal((said == sense).any(-1), labels == sense)


def test_shared_function_words_tell_nothing_and_naive_ones_tell_all():
    told = {}
    for grammar in ("shared", "naive"):
        tokens, labels = sentences.draw(np.random.default_rng(0), 3000, grammar)
        by = (tokens == sentences.ROW["by"]).any(-1)
        told[grammar] = by[labels == 0].mean() - by[labels == 1].mean()
    assert abs(told["shared"]) < 0.06  # three standard errors
    assert told["naive"] == 1


# ---------------------------------------------------------------------------------------- the two banks


@pytest.fixture(scope="module")
def shared():
    return A.Attention.run_batch([A.Attention(seed=seed) for seed in SEEDS])


@pytest.fixture(scope="module")
def naive():
    return A.Attention.run_batch([A.Attention(seed=seed, grammar="naive") for seed in SEEDS])


def test_two_banks_look_at_content_words_for_twelve_of_twelve_seeds(shared):
    share = shared.content_share.isel(step=-1)
    assert share.shape == (12, 2)
    assert (share > 0.8).all(), share.values
    assert (shared.probability.isel(step=-1, sentence=0).sel(sense="river") > 0.9).all()
    assert (shared.probability.isel(step=-1, sentence=1).sel(sense="money") > 0.9).all()


def test_two_banks_end_up_apart_for_twelve_seeds(shared):
    assert (shared.cosine_before == 1).all()
    end = shared.cosine.isel(step=-1)
    assert end.min() > -0.52
    assert end.max() < 0.23


def test_naive_training_tells_the_senses_but_looks_at_the_wrong_words(naive):
    end = naive.isel(step=-1)
    assert (end.accuracy == 1).all()
    assert not (end.content_share > 0.8).all("sentence").any()
    function_words = end.weights.isel(head=0, query=-1, sentence=1, key=[1, 3, 4]).sum("key")
    assert (function_words > 0.5).sum() >= 11


def test_training_knows_nothing_of_where_to_look_at_first(shared):
    assert (shared.content_share.isel(step=0) < 0.8).all()
    assert (shared.loss.isel(step=-1) < 0.01 * shared.loss.isel(step=0)).all()


def test_weighted_values_added_tip_to_tail_move_bank_in_space_and_in_the_plane(shared):
    arrows = shared.arrows.sum(["head", "token"])
    np.testing.assert_allclose(shared.bank_before + arrows, shared.bank_after, rtol=0, atol=1e-12)
    vectors = [shared.bank_before, shared.arrows, shared.bank_after]
    before, each, after = (vector.dot(shared.plane, dim="feature") for vector in vectors)
    np.testing.assert_allclose(before + each.sum(["head", "token"]), after, rtol=0, atol=1e-12)


def test_river_words_lie_on_one_side_of_the_plane_and_money_words_on_the_other(shared):
    end = shared.isel(step=-1)
    across = end.embeddings.dot(end.plane.isel(axis=0), dim="feature").values
    banks = end.bank_after.dot(end.plane.isel(axis=0), dim="feature").values
    sense = sentences.senses()
    apart = across[:, sense == 0].max(-1) < across[:, sense == 1].min(-1)
    assert apart.all()
    assert (banks[:, 0] < across[:, 0]).all()
    assert (across[:, 0] < banks[:, 1]).all()


def test_the_read_out_sees_nothing_outside_the_plane(shared):
    end = shared.isel(step=-1)
    plane, U = end.plane.values, end.U.values
    np.testing.assert_allclose(plane @ plane.swapaxes(-1, -2), np.tile(np.eye(2), (12, 1, 1)), atol=1e-12)
    x = end.bank_after.values
    inside = x @ plane.swapaxes(-1, -2) @ plane
    logits = [z @ U + end.b.values[:, None] for z in (x, inside)]
    np.testing.assert_allclose(A.softmax(logits[0]), A.softmax(logits[1]), rtol=0, atol=1e-12)


@pytest.mark.parametrize("heads", [1, 2])
def test_a_trajectory_holds_all_that_is_needed_to_compute_it_again(heads):
    run = A.Attention(d=4, heads=heads, steps=20, first=2, every=7).run()
    np.testing.assert_array_equal(run.step, [0, 1, 2, 7, 14, 20])
    x = run.embeddings.values[:, run.token_rows.values]
    np.testing.assert_array_equal(run.word.values[run.token_rows], run.tokens)
    q, k, v = (np.einsum("skif,shfc->skhic", x, run[name].values) for name in MATRICES)
    z = np.einsum("skhic,skhjc->skhij", q, k) / np.sqrt(4 / heads)
    a = np.exp(z) / np.exp(z).sum(-1, keepdims=True)
    y = x + np.einsum("skhij,skhjc,shcf->skif", a, v, run.W_O.values)
    P = np.exp(y[:, :, -1] @ run.U.values + run.b.values[:, None])
    for name, value in {"q": q, "k": k, "v": v, "scores": z, "weights": a, "outputs": y}.items():
        np.testing.assert_allclose(run[name], value, rtol=0, atol=1e-12, err_msg=name)
    np.testing.assert_allclose(run.probability, P / P.sum(-1, keepdims=True), rtol=0, atol=1e-12)
    words = np.eye(len(sentences.VOCABULARY))[run.examples]
    said = [run[name].values for name in ("embeddings", *MATRICES, *(["W_O"] if heads > 1 else []), "U", "b")]
    said[1:4] = [np.concatenate(list(W.swapaxes(0, 1)), axis=-1) for W in said[1:4]]
    flat = np.concatenate([value.reshape(6, -1) for value in said], axis=-1)
    for w, L in zip(flat, run.loss.values):
        assert A.loss(w, words, np.eye(3)[run.labels], 4, heads) == pytest.approx(L, rel=1e-12)


@pytest.mark.parametrize("heads", [2, 4])
def test_several_heads_tell_the_banks_apart_too(heads):
    run = A.Attention(heads=heads).run()
    assert run.accuracy[-1] == 1
    told = run.probability.isel(step=-1).values
    assert min(told[0, 0], told[1, 1]) > 0.9


def test_a_batch_equals_its_members_run_one_by_one():
    sims = [A.Attention(steps=60, seed=seed, eta=eta) for seed, eta in ((0, 0.03), (1, 0.01), (2, 0.02))]
    batch = A.Attention.run_batch(sims)
    for i, sim in enumerate(sims):
        alone = sim.run()
        for name, value in alone.data_vars.items():
            if value.dtype.kind == "f":
                np.testing.assert_allclose(batch[name][i], value, rtol=0, atol=1e-12, err_msg=name)


def test_a_trajectory_with_its_words_is_saved_and_loaded_whole(tmp_path):
    run = A.Attention(steps=8).run()
    assert load(save(run, tmp_path / "banks.nc")).identical(run)


def test_heads_that_do_not_divide_the_vector_are_refused():
    with pytest.raises(ParameterError, match="heads must divide d = 8; got 3"):
        A.Attention(heads=3)


# ---------------------------------------------------- claim: eigenvectors of W_Q and W_K tend to be similar


def test_a_matrix_shares_all_eigenvectors_with_itself():
    M = np.random.default_rng(0).normal(size=(5, 8, 8))
    np.testing.assert_allclose(A.eigenvector_overlap(M, M), 1, rtol=1e-12)
    np.testing.assert_allclose(A.eigenvector_overlap(M, -2 * M)[0], 1, rtol=1e-12)


def test_the_leading_eigenvectors_of_trained_query_and_key_become_alike_the_others_do_not(shared):
    W_Q, W_K = (shared[name].isel(step=[0, -1], head=0).values for name in ("W_Q", "W_K"))
    beyond_chance = [
        (overlap > np.quantile(random, 0.95)).sum(0)
        for overlap, random in zip(A.eigenvector_overlap(W_Q, W_K), A.random_overlap(8))
    ]
    (leading_first, leading_end), (others_first, others_end) = beyond_chance
    assert leading_first <= 3
    assert leading_end >= 10
    assert others_first <= 3
    assert others_end <= 3


def test_eigenvectors_of_query_and_key_say_nothing_of_the_attention(shared):
    end = shared.isel(step=-1, head=0)
    W_Q, W_K = end.W_Q.values, end.W_K.values
    M = np.random.default_rng(0).normal(size=(12, 8, 8))
    Q, K = W_Q @ M, W_K @ np.linalg.inv(M).swapaxes(-1, -2)
    X = end.embeddings.values
    np.testing.assert_allclose(A.scores(X @ Q, X @ K), A.scores(X @ W_Q, X @ W_K), rtol=0, atol=1e-10)
    leading = [A.eigenvector_overlap(*pair)[0].mean() for pair in ((W_Q, W_K), (Q, K))]
    assert leading[1] < 0.5 < leading[0]
