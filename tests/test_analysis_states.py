"""Principal components and trees of hidden states against scikit-learn, known point sets and definitions."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.decomposition import PCA

from sims import GRU
from sims.analysis import cut, hierarchy, mean_states, pca


def states(shape=(3, 4, 5, 6), seed=0):
    values = np.random.default_rng(seed).normal(size=shape) * np.arange(1, shape[-1] + 1)
    attrs = {"long_name": "memory after each token", "symbol": "h", "units": ""}
    return xr.DataArray(values, dims=("step", "sequence", "token", "unit"), attrs=attrs, name="h")


def points(*rows):
    return xr.DataArray(np.array(rows, dtype=float), dims=("word", "unit"))


# Principal components


def test_components_are_those_of_scikit_learn():
    h = states()[0]
    found = pca(h, ("sequence", "token"))
    X = h.values.reshape(-1, 6)
    known = PCA().fit(X)
    np.testing.assert_allclose(found.explained, known.explained_variance_ratio_, rtol=1e-12)
    np.testing.assert_allclose(found.variance, known.explained_variance_, rtol=1e-12)
    np.testing.assert_allclose(np.abs(found.direction), np.abs(known.components_), atol=1e-12)
    flat = found.score.values.reshape(-1, 6)
    np.testing.assert_allclose(np.abs(flat), np.abs(known.transform(X)), atol=1e-11)


def test_points_on_a_line_have_one_component_which_is_the_line():
    along = np.array([3.0, -4.0, 0.0]) / 5
    t = np.linspace(-1, 2, 7)
    h = xr.DataArray(1 + t[:, None] * along, dims=("token", "unit"))
    found = pca(h, "token", components=1)
    np.testing.assert_allclose(found.explained, [1], rtol=1e-14)
    np.testing.assert_allclose(
        found.direction[0], -along, atol=1e-14
    )  # to where the largest entry is positive
    np.testing.assert_allclose(found.score[:, 0], -(t - t.mean()), atol=1e-14)
    np.testing.assert_allclose(found.centre, 1 + t.mean() * along, atol=1e-14)


def test_scores_and_directions_make_the_states_again():
    h = states()
    found = pca(h, ("sequence", "token"))
    again = found.centre + (found.score * found.direction).sum("component")
    np.testing.assert_allclose(again.transpose(*h.dims), h, atol=1e-12)


def test_each_step_has_components_of_its_own_unless_they_are_seen_together():
    h = states()
    each = pca(h, ("sequence", "token"))
    assert each.direction.dims == ("step", "component", "unit")
    for step in range(3):
        alone = pca(h.isel(step=step), ("sequence", "token"))
        np.testing.assert_allclose(each.score.isel(step=step), alone.score, atol=1e-12)
    together = pca(h, ("step", "sequence", "token"), components=2)
    assert together.direction.dims == ("component", "unit")
    assert together.score.dims == ("step", "sequence", "token", "component")


def test_states_that_are_all_the_same_explain_nothing():
    found = pca(xr.DataArray(np.ones((5, 3)), dims=("token", "unit")), "token")
    assert (found.explained == 0).all()
    assert (found.score == 0).all()


def test_the_memories_of_a_trained_gru_lie_along_few_directions():
    run = GRU(length=6, steps=60, record_every=60, hidden=6).run()
    found = pca(run.h, ("sequence", "token"))
    assert found.score.dims == ("step", "sequence", "token", "component")
    assert list(found.step) == [0, 60]
    np.testing.assert_allclose(found.explained.sum("component"), 1, rtol=1e-12)
    assert "memory after each token" in found.score.long_name


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"over": "word"}, "h has no dimension 'word'; its dimensions are step, sequence, token, unit"),
        ({"over": "token", "dim": "cell"}, "h has no dimension 'cell'"),
        ({"over": ("token", "unit")}, "'unit' is the space of the points and cannot count them"),
        ({"over": "token", "components": 9}, "components must be >= 1 and <= 5; got 9"),
    ],
)
def test_what_is_wrong_with_components_is_told(wrong, message):
    with pytest.raises(ValueError, match=message):
        pca(states(), **wrong)


def test_a_state_that_is_not_finite_is_refused():
    with pytest.raises(
        ValueError, match="memory after each token must be finite; select the points that are"
    ):
        pca(states().where(states() < 5), ("step", "sequence", "token"))


# Mean states


def test_the_mean_state_at_a_word_is_the_mean_over_all_its_places():
    h = states()
    words = np.array([["the", "boy", "ate", "the", "fish"]] * 4)
    words[2, 1] = "girl"
    label = xr.DataArray(words, dims=("sequence", "token"))
    found = mean_states(h, label)
    assert list(found.word) == ["ate", "boy", "fish", "girl", "the"]
    assert list(found.places) == [4, 3, 4, 1, 8]
    assert found.state.dims == ("step", "word", "unit")
    the = h.values[:, words == "the"].mean(1)
    np.testing.assert_allclose(found.state.sel(word="the"), the, rtol=1e-13)
    np.testing.assert_allclose(found.state.sel(word="girl"), h[:, 2, 1], rtol=1e-13)


def test_a_label_along_the_units_is_refused():
    label = xr.DataArray([0] * 6, dims="unit")
    with pytest.raises(ValueError, match="label must not have the dimension 'unit'"):
        mean_states(states(), label)


# Trees


def test_points_on_a_line_are_joined_at_the_distances_that_can_be_seen():
    tree = hierarchy(points([0], [12], [1], [10]))
    # {0, 1} at 1, {10, 12} at 2, both at the mean of 10, 12, 9, 11
    np.testing.assert_allclose(tree.height, [1, 2, 10.5])
    assert list(tree.points) == [2, 2, 4]
    assert {frozenset((int(a), int(b))) for a, b in zip(tree.left[:2], tree.right[:2])} == {
        frozenset({0, 2}),
        frozenset({1, 3}),
    }


@pytest.mark.parametrize(("method", "last"), [("single", 9), ("complete", 12), ("average", 10.5)])
def test_the_method_says_how_far_apart_clusters_are(method, last):
    np.testing.assert_allclose(hierarchy(points([0], [12], [1], [10]), method=method).height[-1], last)


@settings(max_examples=30)
@given(st.integers(2, 12), st.integers(0, 100))
def test_average_linkage_is_what_its_definition_says(n, seed):
    X = np.random.default_rng(seed).normal(size=(n, 3))
    distance = np.linalg.norm(X[:, None] - X, axis=-1)
    clusters, heights = [[i] for i in range(n)], []
    while len(clusters) > 1:
        pairs = [(i, j) for i in range(len(clusters)) for j in range(i)]
        apart = [distance[np.ix_(clusters[i], clusters[j])].mean() for i, j in pairs]
        i, j = pairs[int(np.argmin(apart))]
        heights.append(min(apart))
        clusters[j] += clusters.pop(i)
    tree = hierarchy(points(*X))
    np.testing.assert_allclose(tree.height, heights, rtol=1e-12)


@settings(max_examples=30)
@given(st.integers(2, 15), st.integers(0, 100))
def test_every_bracket_stands_on_its_two_branches_and_none_cross(n, seed):
    tree = hierarchy(points(*np.random.default_rng(seed).normal(size=(n, 2))))
    leaves = [{int(np.flatnonzero(tree.leaf_order == i)[0])} for i in range(n)]
    feet = [(float(min(leaf)), 0.0) for leaf in leaves]
    for i in range(n - 1):
        left, right = int(tree.left[i]), int(tree.right[i])
        x, y = tree.branch_x[i].values, tree.branch_y[i].values
        assert [(x[0], y[0]), (x[3], y[3])] == [feet[left], feet[right]]
        assert x[0] == x[1] < x[2] == x[3]
        assert y[1] == y[2] == tree.height[i]
        both = leaves[left] | leaves[right]
        assert max(both) - min(both) == len(both) - 1  # neighbours: no branch of another lies between
        leaves.append(both)
        feet.append(((x[1] + x[2]) / 2, y[1]))


def test_nouns_and_verbs_fall_apart_and_the_cut_finds_them():
    rng = np.random.default_rng(0)
    word = ["boy", "break", "cat", "chase", "dog", "eat"]
    noun = np.array([1, 0, 1, 0, 1, 0])
    X = 3 * noun[:, None] + rng.normal(size=(6, 20)) * 0.3
    h = xr.DataArray(X, dims=("word", "unit"), coords={"word": word})
    tree = hierarchy(h)
    found = cut(tree, 2)
    assert set(found.sel(word=["boy", "cat", "dog"]).values) != set(
        found.sel(word=["break", "chase", "eat"]).values
    )
    assert len(set(found.values[noun == 1])) == len(set(found.values[noun == 0])) == 1
    halves = {frozenset(tree.leaf_label.values[:3]), frozenset(tree.leaf_label.values[3:])}
    assert halves == {frozenset({"boy", "cat", "dog"}), frozenset({"break", "chase", "eat"})}


def test_clusters_are_numbered_along_the_leaves():
    tree = hierarchy(points([0], [12], [1], [10], [40]))
    for count in range(1, 6):
        along = cut(tree, count).values[tree.leaf_order]
        assert along[0] == 1
        assert set(np.diff(along)) <= {0, 1}
        assert along[-1] == count


def test_every_step_has_a_tree_of_its_own():
    h = xr.DataArray(
        np.random.default_rng(0).normal(size=(3, 5, 4)),
        dims=("step", "word", "unit"),
        coords={"step": [0, 5, 9]},
    )
    trees = hierarchy(h)
    assert trees.height.dims == ("step", "merge")
    assert cut(trees, 2).dims == ("step", "word")
    for step in h.step:
        alone = hierarchy(h.sel(step=step))
        np.testing.assert_array_equal(trees.height.sel(step=step), alone.height)
        np.testing.assert_array_equal(cut(trees, 3).sel(step=step), cut(alone, 3))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"of": "token"}, "the data has no dimension 'token'; its dimensions are word, unit"),
        ({"method": "nearest"}, "method must be one of single, .*; got 'nearest'"),
        ({"method": "ward", "metric": "cosine"}, "method ward goes with metric euclidean; got 'cosine'"),
    ],
)
def test_what_is_wrong_with_a_tree_is_told(wrong, message):
    with pytest.raises(ValueError, match=message):
        hierarchy(points([0], [1]), **wrong)


def test_too_few_points_or_too_many_clusters_are_refused():
    with pytest.raises(ValueError, match="a tree needs two points or more along word; got 1"):
        hierarchy(points([0]))
    with pytest.raises(ValueError, match="clusters must be whole, >= 1 and <= 2, the number of words; got 3"):
        cut(hierarchy(points([0], [1])), 3)


# What is not there, and what stands elsewhere


def test_a_state_that_is_missing_is_missing_in_its_own_words_mean_alone():
    h = points([0, 1], [2, 3], [4, 5], [np.nan, np.inf]).rename(word="token")
    found = mean_states(h, xr.DataArray([*"abab"], dims="token")).state
    np.testing.assert_array_equal(found, [[2, 3], [np.nan, np.inf]])


def test_labels_are_held_to_the_places_of_their_states():
    h = points(*np.arange(8.0).reshape(4, 2)).rename(word="token").assign_coords(token=range(4))
    label = xr.DataArray([*"aabb"], dims="token", coords={"token": range(4)})
    with pytest.raises(ValueError, match="same places"):
        mean_states(h, label[::-1])
    with pytest.raises(ValueError, match="same places"):
        mean_states(h, label[:3])


def test_a_tree_and_its_cut_refuse_what_they_cannot_use():
    with pytest.raises(ValueError, match="must be finite"):
        hierarchy(points([0, 1], [2, np.nan], [4, 5]))
    with pytest.raises(ValueError, match="whole"):
        cut(hierarchy(points([0, 1], [2, 0], [4, 5])), 2.5)


@pytest.mark.parametrize("value", [0.0, 0.1, 1.0, 1e8 + 0.1])
def test_what_never_changes_has_no_main_direction(value):
    constant = xr.DataArray(np.full((7, 3), value), dims=("token", "unit"))
    np.testing.assert_array_equal(pca(constant, "token").explained, 0)
