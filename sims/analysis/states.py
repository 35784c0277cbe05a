"""What a network's memory looks like from inside: its main directions, and which words it keeps together.

The states of a recurrent network or of a layer are points in a space of as many dimensions as it has units.
`pca` turns that space so that the first axes show most of it; `mean_states` and `hierarchy` tell which words
it has come to treat alike, as Elman did to find nouns and verbs in a network that was told of neither.
"""

from collections.abc import Iterable

import numpy as np
import xarray as xr

from sims.analysis._labels import Array, labelled, located, meaning_of, names, require, symbol_of, units_of

METHODS = ("single", "complete", "average", "weighted", "centroid", "median", "ward")
EUCLIDEAN = ("centroid", "median", "ward")  # whose clusters have a centre


def pca(
    states: xr.DataArray, over: str | Iterable[str], dim: str = "unit", components: int | None = None
) -> xr.Dataset:
    """Principal components of states: the axes along which they differ most.

        X = states - mean,   X = U S Vᵀ,   scores = X V,   variance of component k = S_k²/(n - 1)

    `over` names the dimensions that count the points (("sequence", "token") of a GRU's `h`), `dim` the one
    whose space they lie in. Every further dimension (step, seed) has components of its own; name it in
    `over` too where all shall be seen along the same axes. `components` is how many are kept, all unless
    given. An axis points to where its largest entry is positive.

    Returns `score` (component and the dimensions in `over`), `direction` (component and `dim`), `centre`
    (`dim`), `variance` and `explained`, its share of the whole (component); each along the further
    dimensions. Raises ValueError for a dimension that is not there, for less than two points and where a
    state is not finite.

    Source: Jolliffe 2002, Principal Component Analysis, 2nd ed., §3.5.
    """
    over = names(over)
    require(states, *over, dim)
    if dim in over:
        raise ValueError(f"{dim!r} is the space of the points and cannot count them; over is {over}")
    ordered = states.transpose(..., *over, dim)
    further = ordered.dims[: -1 - len(over)]
    X = ordered.values.reshape(*(states.sizes[d] for d in further), -1, states.sizes[dim]).astype(float)
    if X.shape[-2] < 2:
        raise ValueError(f"components need two points or more along {', '.join(over)}; got {X.shape[-2]}")
    if not np.isfinite(X).all():
        raise ValueError(f"{meaning_of(states)} must be finite; select the points that are")
    most = min(X.shape[-2:])
    kept = most if components is None else components
    if not 1 <= kept <= most:
        raise ValueError(f"components must be >= 1 and <= {most}; got {components}")

    mean = X.mean(-2, keepdims=True)
    _, S, Vt = np.linalg.svd(X - mean, full_matrices=False)
    largest = np.take_along_axis(Vt, np.abs(Vt).argmax(-1)[..., None], -1)
    Vt = Vt * np.where(largest < 0, -1.0, 1.0)
    variance = S**2 / (X.shape[-2] - 1)
    whole = variance.sum(-1, keepdims=True)
    rounding = (X.shape[-2] * np.finfo(float).eps * np.abs(X).max((-2, -1))[..., None]) ** 2
    explained = np.divide(variance, whole, out=np.zeros_like(variance), where=whole > rounding)
    scores = ((X - mean) @ Vt.mT)[..., :kept]
    scores = scores.reshape(*ordered.shape[:-1], kept)

    what, symbol, units = meaning_of(states), symbol_of(states), units_of(states)
    squared = f"({units})²" if units else ""
    first = (*further, "component")
    result = xr.Dataset(
        {
            "score": labelled(
                (*ordered.dims[:-1], "component"), scores, f"{what}, principal component", "PC", units
            ),
            "direction": labelled((*first, dim), Vt[..., :kept, :], f"principal direction of {what}", "v"),
            "centre": labelled((*further, dim), mean[..., 0, :], f"mean of {what}", symbol, units),
            "variance": labelled(first, variance[..., :kept], "variance along the component", "λ", squared),
            "explained": labelled(first, explained[..., :kept], "share of the variance explained", "λ/Σλ"),
            "component": labelled("component", np.arange(1, kept + 1), "principal component", "PC"),
        }
    )
    return located(result, states)


def mean_states(
    states: xr.DataArray, label: xr.DataArray, dim: str = "unit", name: str = "word"
) -> xr.Dataset:
    """The mean state at every label: what a network holds at a word, over all places where the word stands.

    `label` says what stands at each place, such as the word along ("sequence", "token"); its dimensions
    must be those of `states` that are averaged over, and its coordinates theirs. Returns `state` (further
    dimensions, `name`, `dim`), NaN for a word of which a state is, and `places` (`name`), how many there are,
    with the labels, sorted, as coordinate `name`. Raises ValueError where label and states do not stand at
    the same places.

    Source: Elman 1990, Cognitive Science 14, 179, figure 7.
    """
    require(states, dim, *label.dims)
    if dim in label.dims:
        raise ValueError(f"label must not have the dimension {dim!r}, the space of the states")
    try:
        xr.align(states, label, join="exact")
    except ValueError as error:
        raise ValueError(f"label and states must stand at the same places: {error}") from None
    points = states.transpose(..., *label.dims, dim)
    further = points.dims[: -1 - label.ndim]
    found, index, count = np.unique(label.values.ravel(), return_inverse=True, return_counts=True)
    X = points.values.reshape(*(states.sizes[d] for d in further), -1, states.sizes[dim])
    # word by word: in a product with zeros and ones what is missing would go into all
    by_word, begin = np.argsort(index, kind="stable"), np.cumsum(count) - count
    mean = np.add.reduceat(X[..., by_word, :], begin, axis=-2) / count[:, None]
    result = xr.Dataset(
        {
            "state": labelled(
                (*further, name, dim),
                mean,
                f"{meaning_of(states)}, mean at each {name}",
                symbol_of(states),
                units_of(states),
            ),
            "places": labelled(name, count, f"how often each {name} stands there", "n"),
            name: labelled(name, found, name),
        }
    )
    return located(result, states)


def hierarchy(
    points: xr.DataArray,
    of: str = "word",
    dim: str = "unit",
    method: str = "average",
    metric: str = "euclidean",
) -> xr.Dataset:
    """Hierarchical clustering of points: the tree that joins the two nearest clusters again and again.

    `of` names the dimension that counts the points, `dim` the one whose space they lie in, such as
    `mean_states(...).state` has them; every further dimension has a tree of its own. `method` says how far
    apart two clusters are (single, complete, average, weighted, centroid, median, ward), `metric` how far
    two points are (any of scipy.spatial.distance.pdist).

    Returns for n points along `merge` (n - 1): `left` and `right`, the clusters joined, numbered as in
    scipy (0 to n - 1 the points, n + i the one made by merge i), `height`, their distance, and `points`,
    how many are joined; along `leaf`: `leaf_order`, the order of the points in which no branches cross and
    neighbours are alike, and `leaf_label`, who they are; and for drawing, along `merge` and `corner` (4):
    `branch_x`, `branch_y`, the corners of every bracket, leaves at x = 0, 1, 2, ... `cut` reads clusters
    off the tree.

    Raises ValueError for a dimension that is not there, fewer than two points, an unknown method, and where a
    point is not finite.

    Sources: Sokal & Michener 1958, Univ. Kansas Sci. Bull. 38, 1409 (average linkage); Bar-Joseph,
    Gifford & Jaakkola 2001, Bioinformatics 17, S22 (order of the leaves).
    """
    require(points, of, dim)
    if method not in METHODS:
        raise ValueError(f"method must be one of {', '.join(METHODS)}; got {method!r}")
    if method in EUCLIDEAN and metric != "euclidean":
        raise ValueError(f"method {method} goes with metric euclidean; got {metric!r}")
    n = points.sizes[of]
    if n < 2:
        raise ValueError(f"a tree needs two points or more along {of}; got {n}")
    if not np.isfinite(points).all():
        raise ValueError(f"{meaning_of(points)} must be finite; select the points that are")
    ordered = points.transpose(..., of, dim)
    further = ordered.dims[:-2]
    shape = tuple(points.sizes[d] for d in further)
    trees = [_tree(X, method, metric) for X in ordered.values.reshape(-1, n, points.sizes[dim])]
    Z, order, x, y = (np.stack(parts).reshape(*shape, *parts[0].shape) for parts in zip(*trees))
    label = points[of].values if of in points.coords else np.arange(n)
    apart = f"distance at which they are joined ({method} linkage, {metric})"
    units = units_of(points)
    result = xr.Dataset(
        {
            "left": labelled((*further, "merge"), Z[..., 0].astype(int), "first cluster joined"),
            "right": labelled((*further, "merge"), Z[..., 1].astype(int), "second cluster joined"),
            "height": labelled((*further, "merge"), Z[..., 2], apart, "d", units),
            "points": labelled((*further, "merge"), Z[..., 3].astype(int), "points in the cluster made", "n"),
            "leaf_order": labelled((*further, "leaf"), order, "which point stands at the leaf"),
            "leaf_label": labelled((*further, "leaf"), label[order], of),
            "branch_x": labelled((*further, "merge", "corner"), x, of),
            "branch_y": labelled((*further, "merge", "corner"), y, apart, "d", units),
        },
        attrs={"of": of, "method": method, "metric": metric},
    )
    return located(result.assign_coords({of: (of, label)}), points)


def cut(tree: xr.Dataset, clusters: int) -> xr.DataArray:
    """The tree of `hierarchy` cut so that `clusters` are left: which one each point is in.

    Fewer are left at ties, and where centroid or median linkage joins two nearer than what it joined before.
    Clusters are numbered from 1 along the leaves of the tree. Raises ValueError for a number below 1 or
    above that of the points, or one that is not whole.
    """
    from scipy.cluster.hierarchy import fcluster

    require(tree, "merge", "leaf")
    of = tree.attrs["of"]
    n = tree.sizes["leaf"]
    if not 1 <= clusters <= n or clusters != int(clusters):
        raise ValueError(f"clusters must be whole, >= 1 and <= {n}, the number of {of}s; got {clusters}")
    further = tree.left.dims[:-1]
    Z = np.stack([tree[k].values.astype(float) for k in ("left", "right", "height", "points")], axis=-1)
    order = tree.leaf_order.values.reshape(-1, n)
    found = [fcluster(z, clusters, "maxclust") for z in Z.reshape(-1, n - 1, 4)]
    along = []
    for number, leaves in zip(found, order):
        _, first, index = np.unique(number[leaves], return_index=True, return_inverse=True)
        rank = np.argsort(np.argsort(first)) + 1
        renumbered = np.empty(n, int)
        renumbered[leaves] = rank[index]
        along.append(renumbered)
    values = np.stack(along).reshape(*(tree.sizes[d] for d in further), n)
    cluster = labelled((*further, of), values, f"cluster of each {of}, of {clusters}")
    return located(xr.Dataset({"cluster": cluster}), tree)["cluster"].rename(None)


def _tree(X: Array, method: str, metric: str) -> tuple[Array, Array, Array, Array]:
    """Linkage matrix of points X (point, unit), order of the leaves, and the corners of the brackets."""
    from scipy.cluster.hierarchy import leaves_list, linkage, optimal_leaf_ordering
    from scipy.spatial.distance import pdist

    apart = pdist(X, metric)
    Z = optimal_leaf_ordering(linkage(apart, method), apart)
    order = leaves_list(Z)
    centre, top = np.empty(2 * len(X) - 1), np.zeros(2 * len(X) - 1)
    centre[order] = np.arange(len(X))
    x, y = np.empty((len(Z), 4)), np.empty((len(Z), 4))
    for i, (left, right) in enumerate(Z[:, :2].astype(int)):
        x[i] = centre[left], centre[left], centre[right], centre[right]
        y[i] = top[left], Z[i, 2], Z[i, 2], top[right]
        centre[len(X) + i], top[len(X) + i] = (centre[left] + centre[right]) / 2, Z[i, 2]
    return Z, order, x, y
