"""The panels of a figure: how one variable of a trajectory is drawn, by its dimensions alone."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.colors import BoundaryNorm, LogNorm
from matplotlib.image import AxesImage
from matplotlib.offsetbox import AnchoredOffsetbox, HPacker, TextArea, VPacker
from matplotlib.ticker import MaxNLocator, NullLocator
from numpy.typing import NDArray

from sims._look import look

LEADS = ("time", "step", "epoch")
WORDS = ("token", "query", "key")
FEW, MATRIX, MANY, BLOCKS = 6, 30, 80, 4
# full swings in a panel beyond which lines would run into a filled band
SWINGS = 40

Array = NDArray[np.float64]
Words = list[tuple[str, Any]]  # words, each with its colour
# draws a variable, given its trajectory; says how many lines of note it leaves between title and axes
Draw = Callable[[Axes, xr.DataArray, xr.Dataset], int]


def lead_of(v: xr.DataArray) -> str | None:
    """The dimension along which a variable changes."""
    return next((name for name in LEADS if name in v.dims), None)


def settled(v: xr.DataArray) -> xr.DataArray:
    """A variable without dimensions of one entry, and without time where it stays the same."""
    v = v.squeeze(drop=True)
    lead = lead_of(v)
    if lead and v.dtype.kind in "fiub" and bool((v == v.isel({lead: 0})).all()):
        v = v.isel({lead: 0}, drop=True)
    return v


def kind_of(v: xr.DataArray) -> Draw | None:
    """How a variable is drawn; None for words, single numbers and what has too many dimensions."""
    v = settled(v)
    lead = lead_of(v)
    if v.dtype.kind not in "fiub" or v.ndim == 0 or v.size == 0:
        return None
    if v.dims[1:] == ("end",) and v.dtype.kind in "iu":
        return links
    if lead is None:
        return {1: points, 2: plane if set(v.dims) <= set(v.coords) else matrix}.get(v.ndim)
    members = v.size // v.sizes[lead]
    if v.ndim == 2:
        if v.attrs["units"] == "rad" and members > FEW:
            return phases
        return lines if members <= MANY else bands
    return lines if members <= MATRIX else matrix


def label(v: xr.DataArray) -> str:
    """Symbol and unit of a variable: `θ (rad)`; its name where it has no symbol."""
    unit = f" ({v.attrs['units']})" if v.attrs.get("units") else ""
    return (set_low(v.attrs.get("symbol", "")) or str(v.name).replace("_", " ")) + unit


def set_low(symbol: str) -> str:
    """A symbol whose index is set low: `W_q` as matplotlib takes it."""
    return re.sub(r"_(\w+)", r"$_{\\mathrm{\1}}$", symbol)


def dimension(v: xr.DataArray, dim: str) -> str:
    """What stands along an axis: `time t (s)`, or the dimension's name alone."""
    name = dim.replace("_", " ")
    symbol, unit = (v[dim].attrs.get(key, "") if dim in v.coords else "" for key in ("symbol", "units"))
    mark = set_low(symbol) if symbol != name else ""
    return " ".join(filter(None, (name, mark, f"({unit})" if unit else "")))


def note(axes: Axes, *lines: Words, foot: Words | None = None) -> int:
    """Words between title and axes, each in its colour: in one line where they fit, else in several.

    `foot` is a line of its own under them, as the small multiples have; those stand in a row, and so the
    others may reach beyond the first of them. Returns how many lines they take.
    """
    figure = axes.get_figure(root=True)
    # they may reach into the margin at the right
    across = (axes.get_position().width * figure.get_figwidth() + 0.35) * 72 / (6 * 0.53) if figure else 60
    across *= 2 if foot else 1
    whole = [word for words in lines for word in words]
    together = sum(len(word) + 1 for word, _ in whole) <= across
    if together:
        apart: Words = [("·", look().muted)]
        lines = ([word for words in lines if words for word in apart + words][1:],)
    broken = [row for words in (*lines, foot or []) for row in _broken(words, across)]
    rows: list[Artist] = []
    for row in broken:
        areas: list[Artist] = [TextArea(word, textprops={"color": c, "size": 6}) for word, c in row]
        rows.append(HPacker(children=areas, pad=0, sep=3))
    line = AnchoredOffsetbox(
        "lower left", child=VPacker(children=rows, pad=0, sep=2), pad=0, borderpad=0, frameon=False,
        bbox_to_anchor=(0, 1.02), bbox_transform=axes.transAxes,
    )  # fmt: skip
    if rows:
        axes.add_artist(line)
    return len(rows)


def _broken(words: Words, across: float) -> Iterator[Words]:
    """Words in rows of about so many letters."""
    row: Words = []
    for word, colour in words:
        if row and sum(len(w) + 1 for w, _ in row) + len(word) > across:
            yield row
            row = []
        row.append((word, colour))
    if row:
        yield row


def lines(axes: Axes, v: xr.DataArray, trajectory: xr.Dataset) -> int:
    """A line for each member; a few in colours of their own, more shaded in their order."""
    v = settled(v)
    lead = str(lead_of(v))
    v = v.transpose(lead, ...)
    values: Array = v.values.reshape(len(v), -1).astype(float)
    words: Words = []
    if v.attrs["units"] == "rad" and values.shape[1] > 1 and np.ptp(values) > 4 * np.pi:
        values = values - values.mean(1, keepdims=True)
        words.append(("less their mean", look().muted))
    count = values.shape[1]
    swings = swings_of(values)
    if count > FEW and swings * count > 2 * SWINGS:
        return bands(axes, v, trajectory)
    colours = [look().cycle[i] if count <= FEW else look().ordered(i / (count - 1)) for i in range(count)]
    if swings > SWINGS:
        words.append(("envelopes" if count > 1 else "envelope of the swings", look().muted))
        _envelopes(axes, v[lead].values, values, colours)
    else:
        width = 1.0 if count <= FEW else max(0.4, 0.9 - count / 150)
        for line, colour in zip(values.T, colours):
            axes.plot(v[lead], line, color=colour, lw=width, rasterized=values.size > 100_000)
    if count == 1 and values.min() > 0 and values.max() > 30 * np.median(values):
        axes.set_yscale("log")
    axes.set_xlim(v[lead].values[0], v[lead].values[-1])
    axes.set_xlabel(dimension(v, lead))
    axes.set_ylabel(label(v))
    return note(axes, words, names(v, trajectory, colours) if count > 1 else [])


def names(v: xr.DataArray, trajectory: xr.Dataset, colours: list[Any]) -> Words:
    """The members by name, in their colours; only the first and the last where there are many."""
    named = " × ".join(map(str, v.dims[1:]))
    known = [",".join(map(str, place)) for place in np.ndindex(*v.shape[1:])]
    if v.ndim == 2:
        known = entries(v[v.dims[1]], trajectory) or known
    words = list(zip(known, colours))
    return [
        (f"{named}:", look().muted),
        *(words if len(words) <= FEW else [words[0], ("to", look().muted), words[-1]]),
    ]


def entries(dim: xr.DataArray, trajectory: xr.Dataset) -> list[str] | None:
    """The names of a dimension's entries, where the trajectory has them."""
    if dim.name in trajectory.coords:
        return [f"{name:g}" if dim.dtype.kind in "fiu" else str(name) for name in dim.values]
    return None


def swings_of(values: Array) -> float:
    """How many full swings a line makes on average: its whole way, up and down, in heights of the panel."""
    way = np.abs(np.diff(values, axis=0)).sum(0)
    return float(np.mean(way) / (2 * np.ptp(values) or 1))


def stretches(x: NDArray[Any], values: Array) -> tuple[NDArray[Any], Array]:
    """Swinging lines (x, line) in stretches of three swings: their middles, and values (stretch, x, line)."""
    length = max(2, int(3 * len(values) / swings_of(values)))
    whole = len(values) // length * length
    return x[:whole].reshape(-1, length)[:, length // 2], values[:whole].reshape(-1, length, values.shape[1])


def _envelopes(axes: Axes, x: NDArray[Any], values: Array, colours: list[Any]) -> None:
    """Highest and lowest of every stretch."""
    centres, pieces = stretches(x, values)
    for low, high, colour in zip(pieces.min(1).T, pieces.max(1).T, colours):
        for edge in (low, high):
            axes.plot(centres, edge, color=colour)
        if len(colours) == 1:
            axes.fill_between(centres, low, high, color=colour, alpha=0.15, lw=0)


def bands(axes: Axes, v: xr.DataArray, trajectory: xr.Dataset) -> int:
    """Median, middle half and nine tenths of many members."""
    v = settled(v)
    lead = str(lead_of(v))
    v = v.transpose(lead, ...)
    values: Array = v.values.reshape(len(v), -1).astype(float)
    low, q1, q2, q3, high = np.quantile(values, [0.05, 0.25, 0.5, 0.75, 0.95], axis=1)
    axes.fill_between(v[lead], low, high, color=look().cycle[0], alpha=0.12, lw=0)
    axes.fill_between(v[lead], q1, q3, color=look().cycle[0], alpha=0.3, lw=0)
    axes.plot(v[lead], q2, color=look().cycle[0])
    axes.set_xlim(v[lead].values[0], v[lead].values[-1])
    axes.set_xlabel(dimension(v, lead))
    axes.set_ylabel(label(v))
    many = " × ".join(f"{dim} ({v.sizes[dim]:,})" for dim in v.dims[1:])
    return note(axes, [(f"{many}: median, half, nine tenths", look().muted)])


def phases(axes: Axes, v: xr.DataArray, trajectory: xr.Dataset) -> int:
    """Many phases modulo 2π, on a colour circle."""
    v = settled(v)
    lead = str(lead_of(v))
    v = v.transpose(lead, ...).isel({lead: slice(None, None, -(-v.sizes[lead] // 1500))})
    x = v[lead].values
    image = axes.imshow(
        np.mod(v.values.T, 2 * np.pi),
        aspect="auto",
        extent=(float(x[0]), float(x[-1]), v.shape[1] - 0.5, -0.5),
        cmap=look().turn,
        vmin=0,
        vmax=2 * np.pi,
        interpolation="nearest",
    )
    circle = bar(axes, image, f"{label(v).split(' (')[0]} mod 2π")
    circle.set_ticks([0, np.pi, 2 * np.pi], labels=["0", "π", "2π"])
    axes.set_xlabel(dimension(v, lead))
    axes.set_ylabel(dimension(v, str(v.dims[1])))
    return 0


def points(axes: Axes, v: xr.DataArray, trajectory: xr.Dataset) -> int:
    """What does not change, one value for each member."""
    v = settled(v)
    dim = v[v.dims[0]]
    x = dim.values if dim.dtype.kind in "fiu" else np.arange(len(v))
    axes.axhline(0, color=look().faint, lw=0.8, zorder=0)
    axes.plot(x, v.values.astype(float), "o", ms=3 if len(v) <= 60 else 1.5, mew=0)
    axes.xaxis.set_major_locator(MaxNLocator(integer=dim.dtype.kind != "f", min_n_ticks=1))
    if dim.dtype.kind not in "fiu":
        _ticks(axes, [[str(name) for name in dim.values]], [0])
    axes.set_xlabel(dimension(v, str(dim.name)))
    axes.set_ylabel(label(v))
    return 0


def links(axes: Axes, v: xr.DataArray, trajectory: xr.Dataset) -> int:
    """The edges of a graph: a dot for each pair of nodes that are joined."""
    one, other = settled(v).values.T
    axes.plot(
        [*one, *other], [*other, *one], "o", ms=1.5 if len(one) <= 1000 else 0.5, mew=0, rasterized=True
    )
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(integer=True))
    axes.invert_yaxis()
    axes.set_xlabel("one end")
    axes.set_ylabel("other end")
    return 0


def matrix(axes: Axes, v: xr.DataArray, trajectory: xr.Dataset) -> int:
    """A matrix, or several side by side; of one that changes, its last state."""
    v = settled(v)
    said, lead = "", lead_of(v)
    if lead:
        said = f"at {lead} {v[lead].values[-1]:g}"
        v = v.isel({lead: -1}, drop=True)
    if v.dims[-2] in WORDS and v.dims[-1] not in WORDS:
        v = v.transpose(..., v.dims[-1], v.dims[-2])
    rows, columns = (v[dim] for dim in v.dims[-2:])
    blocks = v.values.reshape(-1, *v.shape[-2:]).astype(float)
    count = min(len(blocks), BLOCKS)
    if len(blocks) > 1:
        said += f", by {' × '.join(map(str, v.dims[:-2]))}"
        said += f", {count} of {len(blocks)}" if len(blocks) > count else ""
    gap = np.full((len(rows), max(1, len(columns) // 8)), np.nan)
    wide = np.hstack([part for block in blocks[:count] for part in (block, gap)][:-1])
    first = float(columns[0]) if count == 1 and columns.dtype.kind in "iu" else 0.0
    image = _image(axes, wide, first)
    bar(axes, image, label(v))
    starts = [i * (len(columns) + gap.shape[1]) for i in range(count)]
    axes.xaxis.set_major_locator(MaxNLocator(integer=True) if count == 1 else NullLocator())
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    _ticks(axes, _read(v, columns, trajectory)[:count], starts)
    axes.set_xlabel(dimension(v, str(columns.name)))
    axes.set_ylabel(dimension(v, str(rows.name)))
    return note(axes, [(said.removeprefix(", "), look().muted)] if said else [])


def _read(v: xr.DataArray, columns: xr.DataArray, trajectory: xr.Dataset) -> list[list[str]]:
    """The words that stand over the columns of each block, where the trajectory has them."""
    blocks, count = v.dims[:-2], int(np.prod(v.shape[:-2]))
    for words in trajectory.data_vars.values() if columns.name in WORDS else ():
        ours = words.dtype.kind in "UO" and words.sizes.get("token") == len(columns)
        if ours and set(words.dims) <= {*blocks, "token"}:
            spread = words.broadcast_like(v.isel({dim: 0 for dim in v.dims[-2:]}))
            return [list(line) for line in spread.transpose(*blocks, "token").values.reshape(count, -1)]
    names = entries(columns, trajectory) if columns.dtype.kind not in "fiu" else None
    return [names] * count if names else []


def _ticks(axes: Axes, names: list[list[str]], starts: list[int]) -> None:
    """Names under the columns of each block, as long as they can be read."""
    flat = [name for block in names for name in block]
    if flat and len(flat) <= 24:
        places = [start + i for start, block in zip(starts, names) for i in range(len(block))]
        axes.set_xticks(places, flat, rotation=90 if max(map(len, flat)) > 2 else 0, size=5)
    elif flat:
        axes.set_xticks([])


def plane(axes: Axes, v: xr.DataArray, trajectory: xr.Dataset) -> int:
    """A surface over two coordinates, with the paths and points of the trajectory that lie in it."""
    v = settled(v)
    rows, columns = (str(dim) for dim in v.dims)
    values: Array = v.values.astype(float)
    # steps of equal area: a steep wall takes no more colours than a flat valley
    steps = np.unique(np.quantile(values, np.linspace(0, 1, 25)))
    if len(steps) > 2:
        norm = BoundaryNorm(steps, 256)
        image = axes.contourf(v[columns], v[rows], values, levels=steps, cmap=look().levels, norm=norm)
        bar(axes, image, label(v), ticks=steps[::6])
    for name in paths(v, trajectory):
        path = trajectory[name]
        if lead_of(path):
            axes.plot(*path.values.T, "-o", color=look().cycle[1], lw=0.7, ms=1.5, mew=0)
        else:
            axes.plot(*path.values.T, "*", color=look().ink, ms=5, mew=0)
    axes.set_xlim(float(v[columns][0]), float(v[columns][-1]))
    axes.set_ylim(float(v[rows][0]), float(v[rows][-1]))
    axes.set_xlabel(label(v[columns]))
    axes.set_ylabel(label(v[rows]))
    return 0


def paths(v: xr.DataArray, trajectory: xr.Dataset) -> Iterator[str]:
    """Variables whose points lie in the plane of `v`: pairs of coordinates with the symbol of its axis."""
    if v.ndim != 2 or not set(v.dims) <= set(v.coords) or lead_of(v):
        return
    symbol = v[v.dims[1]].attrs.get("symbol", "")
    for name, other in trajectory.data_vars.items():
        pairs = other.ndim == 2 and other.dims[1] == "coordinate" and other.sizes["coordinate"] == 2
        if pairs and symbol and str(other.attrs["symbol"]).rstrip("*₀") == symbol:
            yield str(name)


def _image(axes: Axes, values: Array, first: float) -> AxesImage:
    """A heatmap; white is zero where there are both signs."""
    low, high = np.nanmin(values), np.nanmax(values)
    most = max(-low, high)
    signed = low < 0 < high
    return axes.imshow(
        values,
        aspect="auto",
        # what is missing shows the ground, which a viewer that smooths pictures does not darken
        cmap=(look().signed if signed else look().levels).with_extremes(bad=look().ground),
        vmin=-most if signed else low,
        vmax=most if signed else high,
        interpolation="nearest",
        extent=(first - 0.5, first + values.shape[1] - 0.5, len(values) - 0.5, -0.5),
    )


def bar(axes: Axes, image: Any, text: str, ticks: Any = None) -> Any:
    """A colour bar at a panel's right, with its label above."""
    drawn = axes.figure.colorbar(image, cax=axes.inset_axes((1.03, 0, 0.04, 1)), ticks=ticks)
    drawn.outline.set_visible(False)
    if not isinstance(image.norm, LogNorm):
        drawn.ax.yaxis.set_major_formatter("{x:.3g}")
    drawn.ax.tick_params(labelsize=6, length=2)
    drawn.ax.minorticks_off()
    drawn.ax.set_title(text, size=6, loc="left", pad=5, color=look().muted)
    return drawn
