"""Lines that swing, or turn: how often, between which edges, and how far from those beside them."""

import numpy as np
import xarray as xr
from numpy.typing import NDArray

# full swings in a panel beyond which lines would run into a filled band
SWINGS = 40
# points of an edge beyond which a panel has no room for them
POINTS = 500
# and what is left of them where they follow no course
STRETCHES = 40

Array = NDArray[np.float64]
Edge = tuple[Array, Array]  # places along the axis, and values there


def swings_of(values: Array) -> float:
    """How many full swings a line makes on average: its whole way, up and down, in heights of the panel."""
    if np.ptp(values) <= 1e-12 * np.max(np.abs(values)):
        return 0.0  # what stays the same but for its rounding
    way = np.abs(np.diff(values, axis=0)).sum(0)
    return float(np.mean(way) / (2 * np.ptp(values) or 1))


def envelope(x: NDArray[np.generic], y: Array) -> tuple[Edge, Edge]:
    """The edges, lower and upper, between which y(x) swings: through its turning points, one each a swing.

    Where the turns of noise follow no course, the edges go through the highest and lowest of many of them.
    A turn is taken at the vertex of the parabola through the highest of its samples and their neighbours,
    so that few samples in a swing do not beat with it. Before the first turn and after the last the edge
    stays as it is there, unless the line goes beyond it.
    """
    lower, upper = _edge(np.asarray(x, dtype=float), -y), _edge(np.asarray(x, dtype=float), y)
    return (lower[0], -lower[1]), upper


def _edge(x: Array, y: Array) -> Edge:
    """The upper edge of y(x)."""
    moves = np.flatnonzero(np.diff(y))
    up = np.diff(y)[moves] > 0
    tops = moves[:-1][up[:-1] & ~up[1:]] + 1
    if not tops.size:
        return x, y
    before, at, after = y[tops - 1], y[tops], y[tops + 1]
    bend = before - 2 * at + after
    off = np.where(bend < 0, (before - after) / (2 * np.where(bend < 0, bend, -1)), 0)
    # half a step at most, whatever the rounding
    off = np.clip(off, -0.5, 0.5)
    heights = at - (before - after) * off / 4
    places = x[tops] + off * (x[tops + 1] - x[tops - 1]) / 2
    first, last = max(heights[0], y[: tops[0]].max()), max(heights[-1], y[tops[-1] :].max())
    places = np.concatenate([x[:1], places, x[-1:]])
    heights = np.concatenate([[first], heights, [last]])
    # noise has turns, too, but an edge through all of them would be as rough as the line
    rough = np.abs(np.diff(heights)).sum() > 0.3 * np.abs(np.diff(y)).sum() / 2
    many = -(-len(heights) // (STRETCHES if rough else POINTS))
    if many > 1:  # the highest of so many at a time
        starts = np.arange(0, len(heights) - many + 1, many)  # the last of them to the end
        highest = np.maximum.reduceat(heights, starts)
        places, heights = places[np.minimum(starts + many // 2, len(places) - 1)], highest
        places[0], places[-1] = x[0], x[-1]
    return places, heights


def whole_turns(v: xr.DataArray) -> bool:
    """Whether several phases of a run (time, …) lie so far apart that whole turns hide which agree."""
    if v.attrs.get("units") != "rad" or v.ndim < 2 or v[0].size < 2:
        return False
    return bool(np.ptp(v.values) > 2 * np.pi)


def from_mean(phases: Array) -> Array:
    """Phases (time, member) less their mean phase, the argument of Σ e^{iθ}, without whole turns: in (-π, π].

    Who agrees is drawn together, however many turns one has made more than the other.
    """
    mean = np.angle(np.exp(1j * phases).mean(1, keepdims=True))
    return np.asarray(np.pi - np.mod(np.pi - (phases - mean), 2 * np.pi))


def broken(x: NDArray[np.generic], phases: Array) -> Edge:
    """A phase (time,) as a line that is broken where it leaves at one side and comes in at the other."""
    jumps = np.flatnonzero(np.abs(np.diff(phases)) > np.pi) + 1
    return np.insert(np.asarray(x, dtype=float), jumps, np.nan), np.insert(phases, jumps, np.nan)


def overlaps(x: NDArray[np.generic], values: Array) -> list[tuple[int, int]]:
    """Of each line (place, line): the how manieth it is of how many that lie on one another.

    They do where they are apart by less than 1 % of the panel's height, along nine tenths of the axis.
    """
    share = np.abs(np.gradient(np.asarray(x, dtype=float))) if len(x) > 1 else np.ones(len(x))
    count, room = values.shape[1], 0.01 * np.nanmax([np.ptp(values), np.finfo(float).tiny])
    groups: list[list[int]] = []
    for i in range(count):
        on = (
            g for g in groups if share @ (np.abs(values[:, g[0]] - values[:, i]) <= room) >= 0.9 * share.sum()
        )
        group = next(on, None)
        if group is None:
            groups.append([i])
        else:
            group.append(i)
    where = {i: (k, len(group)) for group in groups for k, i in enumerate(group)}
    return [where[i] for i in range(count)]


def dash(place: int, of: int) -> str | tuple[float, tuple[float, float]]:
    """How the `place`-th of several lines on one another is drawn, so that every one of them is seen."""
    return "-" if place == 0 else (-4.0 * place, (4.0, 4.0 * (of - 1)))
