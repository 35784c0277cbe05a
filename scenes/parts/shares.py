"""Shares of the blame as clocks that parts can follow: a nudge, and the factors of a chain one by one.

All functions take a trajectory of `backprop` with one sample selected, and only rearrange its numbers.
"""

import numpy as np
import xarray as xr

Weight = tuple[int, int, int]  # layer, unit it goes to, unit it comes from


def depth(run: xr.Dataset) -> int:
    """Number of layers of weights."""
    return sum(str(name).startswith("W_") for name in run)


def most_blamed(run: xr.Dataset, l: int) -> Weight:
    """The weight into layer l that has the largest share at step 0."""
    share = abs(run[f"dW_{l}"][0].values)
    j, i = np.unravel_index(share.argmax(), share.shape)
    return l, int(j), int(i)


def nudged(run: xr.Dataset, weight: Weight, h: float) -> tuple[xr.Dataset, xr.Dataset]:
    """One weight's nudge as a clock: weight and loss from -h to h, the outputs from 0 to h."""
    l, j, i = weight
    w, at_rest = float(run[f"W_{l}"][0, j, i]), run[f"a_{depth(run)}"][0].values
    losses = [float(v) for v in (run[f"loss_down_{l}"][j, i], run.loss[0], run[f"loss_up_{l}"][j, i])]
    around = xr.Dataset(
        {"weight": ("nudge", [w - h, w, w + h]), "loss": ("nudge", losses)}, {"nudge": [-h, 0.0, h]}
    )
    outputs = np.stack([at_rest, run[f"output_up_{l}"].values[j, i]])
    rows = {"output": (("nudge", "unit"), outputs), "moved": (("nudge", "unit"), outputs - at_rest)}
    return around, xr.Dataset(rows, {"nudge": [0.0, h]})


def chain_of(run: xr.Dataset, weight: Weight) -> xr.Dataset:
    """The partial products of one share, factor by factor: along each `path`, then where the paths meet."""
    l, j, i = weight
    error = run[f"a_{l + 1}"][0].values - run[f"y_{l + 1}"].values
    delta = run[f"delta_{l + 1}"][0].values
    sent = delta * run[f"W_{l + 1}"][0, :, j].values
    here, share = float(run[f"delta_{l}"][0, j]), float(run[f"dW_{l}"][0, j, i])
    return xr.Dataset(
        {
            "path": (("stage", "output"), np.stack([error, delta, sent, sent, sent])),
            "blame": ("stage", [0.0, 0.0, sent.sum(), here, share]),
        },
        {"stage": np.arange(5.0)},
    )


def pairs_of(run: xr.Dataset) -> xr.Dataset:
    """Every weight's share at step 0 as `nudged` and as `computed`, layer after layer."""
    layers = range(1, depth(run) + 1)
    nudges = [run[f"measured_dW_{l}"].values.ravel() for l in layers]
    computed = [run[f"dW_{l}"][0].values.ravel() for l in layers]
    return xr.Dataset(
        {"nudged": ("pair", np.concatenate(nudges)), "computed": ("pair", np.concatenate(computed))}
    )
