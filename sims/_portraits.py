"""Pictures of what belongs together: a phase portrait of a flow, a tree of the states of a memory."""

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from sims._labels import FEW, label, names, note
from sims._look import look
from sims._panels import Draw, lead_of, settled
from sims._swings import swings_of

Array = NDArray[np.float64]


def swings_about(trajectory: xr.Dataset, name: str) -> str | None:
    """The variable whose rate of change `name` is, where it swings so often that a portrait shows it best.

    `theta` for `theta_dot` of a pendulum; not for a first-order flow, whose drift is no state of its own.
    """
    of = name.removesuffix("_dot")
    if of == name or of not in trajectory.data_vars:
        return None
    q, rate = settled(trajectory[of]), settled(trajectory[name])
    if q.dims != rate.dims or lead_of(q) != "time" or q.ndim > 2 or q.sizes["time"] < 20:
        return None
    x, y = _columns(q), _columns(rate)
    slope = np.gradient(x, q["time"].values, axis=0)
    apart = np.sqrt(np.mean((slope - y) ** 2)) / (np.std(y) or 1)
    return of if swings_of(x) > 10 and apart < 0.2 else None


def pairs(x: xr.DataArray, y: xr.DataArray) -> bool:
    """Whether one can be drawn against the other: they change along the same dimension, member by member."""
    x, y = settled(x), settled(y)
    return x.dims == y.dims and lead_of(x) is not None and x.ndim <= 2


def portrait(of: str) -> Draw:
    """How a variable is drawn against another, `of`: the whole way, and its last swing in colour."""

    def draw(axes: Axes, v: xr.DataArray, trajectory: xr.Dataset) -> int:
        rate = settled(v).transpose(lead_of(settled(v)), ...)
        q = settled(trajectory[of]).transpose(*rate.dims)
        x, y = _columns(q), _columns(rate)
        count = x.shape[1]
        colours = [look().cycle[i] if count <= FEW else look().ordered(i / (count - 1)) for i in range(count)]
        # a swing has two turns, where the rate changes its sign
        turns = np.mean(np.count_nonzero(np.diff(np.sign(y), axis=0), axis=0))
        last = len(x) - int(2.1 * len(x) / turns) if turns > 6 else 0
        if last:
            axes.plot(x, y, color=look().muted, lw=0.25, alpha=0.35, rasterized=x.size > 10_000)
        for xs, ys, colour in zip(x.T, y.T, colours):
            axes.plot(xs[last:], ys[last:], color=colour, lw=1.0 if count <= FEW else 0.6)
            axes.plot(xs[-1], ys[-1], "o", color=colour, ms=3, mew=0)
        axes.xaxis.set_major_locator(MaxNLocator(5))
        axes.set_xlabel(label(q))
        axes.set_ylabel(label(rate))

        said = [("the last swing in colour" if last else "dot: the end", look().muted)]
        return note(axes, said, names(rate, trajectory, colours) if count > 1 else [])

    return draw


def _columns(v: xr.DataArray) -> Array:
    v = v.transpose(lead_of(v), ...)
    return v.values.reshape(len(v), -1).astype(float)


def symbols_of(v: xr.DataArray, trajectory: xr.Dataset) -> xr.DataArray | None:
    """Which input each state of a memory followed (…, token), where the inputs are single symbols."""
    shown = trajectory.get("x")
    if shown is None or not {"token", "unit"} <= set(v.dims) or "input" not in shown.dims:
        return None
    if not set(shown.dims) - {"input"} <= set(v.dims) or "input" not in trajectory.coords:
        return None
    single = bool(((shown == 0) | (shown == 1)).all()) and bool((shown.sum("input") == 1).all())
    return shown.argmax("input") if single else None


def tree(axes: Axes, v: xr.DataArray, trajectory: xr.Dataset) -> int:
    """The mean state after each input, those that are near each other joined first (Elman 1990)."""
    from sims.analysis.states import hierarchy, mean_states

    symbols = symbols_of(v, trajectory)
    if symbols is None:
        raise TypeError(f"{v.name} follows no single symbols")
    lead = lead_of(v)
    states = v.isel({lead: -1}) if lead else v
    drawn = hierarchy(mean_states(states, trajectory["input"][symbols], name="input").state, of="input")
    for up, along in zip(drawn.branch_x.values, drawn.branch_y.values):
        axes.plot(along, up, color=look().cycle[0], lw=0.8)
    leaves = drawn.leaf_label.values
    axes.set_yticks(range(len(leaves)), leaves, size=6 if len(leaves) <= 16 else 4.5)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.set_ylim(-0.5, len(leaves) - 0.5)
    axes.set_xlim(0, 1.02 * float(drawn.height.max()))
    axes.set_xlabel(f"distance of {label(v)}")
    words = f"{f'at {lead} {v[lead].values[-1]:g}, ' if lead else ''}means by input"
    return note(axes, [(words, look().muted)])
