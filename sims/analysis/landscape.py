"""The loss around a training path: a plane through the space of all weights, and the loss on it.

A path of thousands of weights can't be drawn; its shadow on a plane can. `path_plane` takes the plane that
shows most of the path and says how much that is, `random_plane` one that knows nothing of the path, and
`loss_on_plane` evaluates the loss there, which is not the loss on the path: both are given.
"""

import json
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from sims import backprop
from sims.analysis._labels import Array, labelled, located, require
from sims.analysis.states import pca

Loss = Callable[[Array], Array]
"""L of flat weights w (..., weight), in shape (...)."""


class Network(NamedTuple):
    """What `sims.backprop` trained: its data and its functions of flat weights w (..., weight)."""

    sizes: tuple[int, ...]
    activation: str
    output: str
    x: Array
    y: Array

    def loss(self, w: Array) -> Array:
        """Mean loss of the samples trained on, (...)."""
        W, b = backprop.layers(w, self.sizes)
        z, a = backprop.forward(W, b, self.x, self.activation, self.output)
        L = len(self.sizes) - 1
        return np.asarray(backprop.loss(z[L], a[L], self.y, self.output).mean(-1))

    def gradient(self, w: Array) -> Array:
        """∂L/∂w of the mean loss, (..., weight)."""
        return backprop.gradient(w, self.x, self.y, self.sizes, self.activation, self.output)

    def gradients(self, w: Array) -> Array:
        """∂L/∂w of each sample's own loss, (..., sample, weight)."""
        one_by_one = self.x[:, None, :], self.y[:, None, :]
        return backprop.gradient(w[..., None, :], *one_by_one, self.sizes, self.activation, self.output)

    def filters(self) -> NDArray[np.int_]:
        """The unit each weight leads into, numbered through all layers, (weight,); -1 for a bias."""
        units = np.cumsum((0, *self.sizes[1:]))
        W = {
            l: np.repeat(np.arange(units[l - 1], units[l]), self.sizes[l - 1]).reshape(-1, self.sizes[l - 1])
            for l in range(1, len(self.sizes))
        }
        biases = {l: np.full(self.sizes[l], -1) for l in W}
        number: NDArray[np.int_] = np.concatenate([part.ravel() for l in W for part in (W[l], biases[l])])
        return number


def network(trajectory: xr.Dataset) -> Network:
    """The network of a backprop trajectory, to be asked for its loss and gradients at any weights.

    Raises ValueError where the trajectory is not one of backprop or holds several runs.
    """
    lacking = [name for name in ("W_1", "data_input", "data_target", "held_out") if name not in trajectory]
    if trajectory.attrs.get("simulation") != "backprop" or lacking:
        raise ValueError(
            "network takes a trajectory of backprop with its data; this is one of"
            f" {trajectory.attrs.get('simulation', 'unknown origin')},"
            f" lacking {', '.join(lacking) or 'nothing'}"
        )
    if trajectory.data_input.ndim != 2:
        several = ", ".join(map(str, trajectory.data_input.dims[:-2]))
        raise ValueError(f"network takes one run; select one along {several} with .isel")
    trained = ~trajectory.held_out.values
    parameters = json.loads(trajectory.attrs["parameters"])
    sizes = [trajectory.sizes["unit_0"]]
    while f"W_{len(sizes)}" in trajectory:
        sizes.append(trajectory.sizes[f"unit_{len(sizes)}"])
    return Network(
        tuple(sizes),
        parameters["activation"],
        parameters["output_activation"],
        trajectory.data_input.values[trained],
        trajectory.data_target.values[trained],
    )


def weights(trajectory: xr.Dataset) -> xr.DataArray:
    """All weights and biases of a backprop trajectory as flat vectors, along (..., step, weight).

    In the order of `sims.backprop.layers`: W¹, b¹, W², b², ... Raises ValueError where there are none.
    """
    if "W_1" not in trajectory:
        raise ValueError("there is no variable 'W_1'; weights takes a trajectory of backprop")
    W, b, l = {}, {}, 1
    while f"W_{l}" in trajectory:
        if f"b_{l}" not in trajectory:
            raise ValueError(f"there is W_{l} but no b_{l}; weights takes all of a network's")
        own = (f"unit_{l}", f"unit_{l - 1}")
        W[l] = trajectory[f"W_{l}"].transpose(..., "step", *own)
        b[l] = trajectory[f"b_{l}"].transpose(..., "step", own[0]).values
        l += 1
    dims = W[1].dims[:-2]
    flat = backprop.flat({l: part.values for l, part in W.items()}, b)
    result = xr.Dataset({"w": labelled((*dims, "weight"), flat, "weights and biases", "w")})
    return located(result, trajectory)["w"]


def path_plane(path: xr.DataArray, along: str = "step", dim: str = "weight") -> xr.Dataset:
    """The plane through a path's end that shows most of it: its two first principal components.

    `path` has the dimensions `along` and `dim`; each further one (seed) has a plane of its own. Returns
    `origin`, the end of the path (`dim`), `direction`, two unit vectors (`axis`, `dim`), `explained`, the
    share of the path's variance along each (`axis`), `position` of the path on the plane (`along`, `axis`)
    and `distance`, how far off the plane it runs (`along`). Raises ValueError where a dimension is missing
    or the path has fewer than three points.

    Source: Li, Xu, Taylor, Studer & Goldstein 2018, arXiv:1712.09913, §7.
    """
    require(path, along, dim)
    if path.sizes[along] < 3 or path.sizes[dim] < 2:
        raise ValueError(
            f"a plane needs three points along {along} in two dimensions or more;"
            f" got {path.sizes[along]} in {path.sizes[dim]}"
        )
    if along in path.coords:
        path = path.sortby(along)
    main = pca(path, along, dim, components=2).rename(component="axis")
    end = path.isel({along: -1}, drop=True).transpose(..., dim)
    further = end.dims[:-1]
    away = path.transpose(*further, along, dim).values - end.values[..., None, :]
    d = main.direction.transpose(*further, "axis", dim).values
    position = away @ d.mT
    distance = np.linalg.norm(away - position @ d, axis=-1)
    result = xr.Dataset(
        {
            "origin": labelled(end.dims, end.values, "weights at the end of the path", "w"),
            "direction": labelled((*further, "axis", dim), d, "principal direction of the path", "d"),
            "explained": main.explained,
            "position": labelled((*further, along, "axis"), position, "path on the plane", "x"),
            "distance": labelled(
                (*further, along), distance, "distance of the path from the plane", "|w - x|"
            ),
            "axis": labelled("axis", [1, 2], "axis of the plane"),
        }
    )
    return result.assign_coords({k: v for k, v in path.coords.items() if set(v.dims) <= set(result.dims)})


def random_plane(
    w: xr.DataArray, filters: Array | None = None, *, dim: str = "weight", seed: int = 0
) -> xr.Dataset:
    """A plane through the weights w along two random directions, normalised filter by filter:

        d_f ← d_f |w_f| / |d_f|

    for the weights of every filter f, so that planes of networks of different scale can be compared.
    `filters` gives each weight's filter by number, negative for those that are left alone (`network(...)
    .filters()`: the incoming weights of each unit, without the biases); all weights are one unless given.
    The directions are random, not made orthogonal: nearly so among many weights. Returns `origin` and
    `direction` as `path_plane` does. Raises ValueError where `dim` is missing or filters are of another size.

    Source: Li, Xu, Taylor, Studer & Goldstein 2018, arXiv:1712.09913, §4.
    """
    require(w, dim)
    P = w.sizes[dim]
    number = np.zeros(P, int) if filters is None else np.asarray(filters)
    if number.shape != (P,):
        raise ValueError(f"filters must number each of the {P} weights; got shape {number.shape}")
    origin = w.transpose(..., dim)
    at = origin.values.astype(float)
    random = np.random.default_rng(seed).normal(size=(*at.shape[:-1], 2, P))
    direction = np.zeros_like(random)
    for f in np.unique(number[number >= 0]):
        own = number == f
        d = random[..., own]
        size = np.linalg.norm(at[..., own], axis=-1)[..., None, None]
        direction[..., own] = d * size / np.linalg.norm(d, axis=-1, keepdims=True)
    result = xr.Dataset(
        {
            "origin": labelled(origin.dims, at, "weights in the middle of the plane", "w"),
            "direction": labelled((*origin.dims[:-1], "axis", dim), direction, "random direction", "d"),
        }
    )
    return located(result, w)


def loss_on_plane(
    plane: xr.Dataset, loss: Loss, *, points: int = 41, margin: float = 0.25, dim: str = "weight"
) -> xr.Dataset:
    """The loss at w + x d₁ + y d₂ over a plane, beside the plane itself.

    `loss`(w) takes flat weights (..., weight) to losses (...). The window holds the path and `margin` of its
    extent on each side, or -1 to 1 where there is no path. Returns the plane with `loss` (further
    dimensions, `y`, `x`) and, where it has a path, `shadow_loss`, the loss at the points of the plane below
    it (along the path): where that is far from the loss of the training itself, which `loss(path)` gives,
    the plane tells little of the path. Raises ValueError for a plane that lacks its parts, for points < 2,
    or where the loss is of another shape.

    Source: Li, Xu, Taylor, Studer & Goldstein 2018, arXiv:1712.09913.
    """
    lacking = [name for name in ("origin", "direction") if name not in plane]
    if lacking:
        raise ValueError(f"plane lacks {', '.join(lacking)}; make it with path_plane or random_plane")
    require(plane.direction, "axis", dim)
    if points < 2 or not margin >= 0:
        raise ValueError(f"points must be >= 2 and margin >= 0; got {points} and {margin}")
    further = plane.origin.transpose(..., dim).dims[:-1]
    origin = plane.origin.transpose(*further, dim).values
    d_1, d_2 = np.moveaxis(plane.direction.transpose(*further, "axis", dim).values, -2, 0)
    x, y = _window(plane, points, margin)

    def at(x: Array, y: Array) -> Array:
        w = origin[..., None, :] + x[..., None] * d_1[..., None, :] + y[..., None] * d_2[..., None, :]
        L = np.asarray(loss(w), dtype=float)
        if L.shape != w.shape[:-1]:
            raise ValueError(f"loss must give one number for each weights, {w.shape[:-1]}; got {L.shape}")
        return L

    rows = [at(x, np.full(points, height)) for height in y]
    result = plane.assign(
        loss=labelled((*further, "y", "x"), np.stack(rows, axis=-2), "loss on the plane", "L"),
        x=labelled("x", x, "along the first direction", "x"),
        y=labelled("y", y, "along the second direction", "y"),
    )
    if "position" in plane:
        position = plane.position.transpose(*further, ..., "axis")
        below = at(position.values[..., 0], position.values[..., 1])
        result["shadow_loss"] = labelled(position.dims[:-1], below, "loss on the plane below the path", "L")
    return result


def _window(plane: xr.Dataset, points: int, margin: float) -> tuple[Array, Array]:
    """Where the plane is looked at, along its two directions."""
    if "position" not in plane:
        return np.linspace(-1, 1, points), np.linspace(-1, 1, points)
    position = plane.position.transpose(..., "axis").values.reshape(-1, 2)
    low, high = position.min(0), position.max(0)
    wide = np.where(high > low, high - low, max((high - low).max(), 1e-12))
    low, high = low - margin * wide, high + margin * wide
    return np.linspace(low[0], high[0], points), np.linspace(low[1], high[1], points)
