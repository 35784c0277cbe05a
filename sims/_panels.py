"""The panels of a figure: how one variable of a trajectory is drawn, by its dimensions alone."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.colors import BoundaryNorm, LogNorm
from matplotlib.image import AxesImage
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator, NullLocator
from numpy.typing import NDArray

from sims._labels import FEW, Words, dimension, entries, label, mark, members, names, note
from sims._look import look
from sims._swings import SWINGS, broken, dash, envelope, from_mean, overlaps, swings_of, whole_turns

LEADS = ("time", "step", "epoch")
WORDS = ("token", "query", "key")
MATRIX, MANY, BLOCKS = 30, 80, 4

FROM_MEAN = "less the mean phase, without whole turns"

Array = NDArray[np.float64]
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
        if v.attrs.get("units") == "rad" and members > FEW:
            return phases
        return lines if members <= MANY else bands
    return lines if members <= MATRIX else matrix


def lines(axes: Axes, v: xr.DataArray, trajectory: xr.Dataset) -> int:
    """A line for each member; a few in colours of their own, more shaded in their order."""
    v = settled(v)
    lead = str(lead_of(v))
    v = v.transpose(lead, ...)
    values: Array = v.values.reshape(len(v), -1).astype(float)
    words: Words = []
    turned = whole_turns(v)
    if turned:
        values = from_mean(values)
        words.append((FROM_MEAN, look().muted))
    count = values.shape[1]
    swings = swings_of(values)
    if count > FEW and swings * count > 2 * SWINGS:
        return bands(axes, v, trajectory)
    colours = [look().cycle[i] if count <= FEW else look().ordered(i / (count - 1)) for i in range(count)]
    dashes = [dash(*place) for place in overlaps(v[lead].values, values)] if count <= FEW else ["-"] * count
    if swings > SWINGS and not turned:
        words.append(("envelopes" if count > 1 else "envelope of the swings", look().muted))
        for line, colour, how in zip(values.T, colours, dashes):
            edges(axes, v[lead].values, line, colour, how, filled=count == 1)
    else:
        width = 1.0 if count <= FEW else max(0.4, 0.9 - count / 150)
        for line, colour, how in zip(values.T, colours, dashes):
            x, y = broken(v[lead].values, line) if turned else (v[lead].values, line)
            axes.plot(x, y, color=colour, ls=how, lw=width, rasterized=values.size > 100_000)
    if turned:
        half_turns(axes)
    if count == 1 and values.min() > 0 and values.max() > 30 * np.median(values):
        axes.set_yscale("log")
    axes.set_xlim(v[lead].values[0], v[lead].values[-1])
    axes.set_xlabel(dimension(v, lead))
    axes.set_ylabel(label(v))
    return note(axes, words, names(v, trajectory, colours) if count > 1 else [])


def half_turns(axes: Axes) -> None:
    """Marks at half turns, where the lines come near them."""
    if axes.dataLim.height > np.pi:
        axes.set_yticks([-np.pi, 0, np.pi], ["−π", "0", "π"])


def edges(
    axes: Axes, x: NDArray[Any], y: Array, colour: Any, how: Any = "-", lw: float = 1.0, filled: bool = False
) -> None:
    """The edges between which a line swings."""
    low, high = envelope(x, y)
    for edge in (low, high):
        axes.plot(*edge, color=colour, ls=how, lw=lw)
    if filled:
        places = np.union1d(low[0], high[0])
        axes.fill_between(
            places, np.interp(places, *low), np.interp(places, *high), color=colour, alpha=0.15, lw=0
        )


def bands(axes: Axes, v: xr.DataArray, trajectory: xr.Dataset) -> int:
    """Median, middle half and nine tenths of many members."""
    v = settled(v)
    lead = str(lead_of(v))
    v = v.transpose(lead, ...)
    values: Array = v.values.reshape(len(v), -1).astype(float)
    turned = whole_turns(v)
    values = from_mean(values) if turned else values
    low, q1, q2, q3, high = np.quantile(values, [0.05, 0.25, 0.5, 0.75, 0.95], axis=1)
    axes.fill_between(v[lead], low, high, color=look().cycle[0], alpha=0.12, lw=0)
    axes.fill_between(v[lead], q1, q3, color=look().cycle[0], alpha=0.3, lw=0)
    axes.plot(v[lead], q2, color=look().cycle[0])
    axes.set_xlim(v[lead].values[0], v[lead].values[-1])
    axes.set_xlabel(dimension(v, lead))
    axes.set_ylabel(label(v))
    many = " × ".join(f"{dim} ({v.sizes[dim]:,})" for dim in v.dims[1:])
    words: Words = [(FROM_MEAN, look().muted)] if turned else []
    return note(axes, words, [(f"{many}: median, half, nine tenths", look().muted)])


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
    """A matrix, or several side by side, each in a frame; of one that changes, its last state."""
    v = settled(v)
    said, lead = "", lead_of(v)
    if lead:
        said = f"at {lead} {v[lead].values[-1]:g}"
        v = v.isel({lead: -1}, drop=True)
    if v.dims[-2] in WORDS and v.dims[-1] not in WORDS:
        v = v.transpose(..., v.dims[-1], v.dims[-2])
    rows, columns = (v[dim] for dim in v.dims[-2:])
    blocks = v.values.reshape(-1, *v.shape[-2:]).astype(float)
    count, of = min(len(blocks), BLOCKS), v.dims[:-2]
    read = _read(v, columns, trajectory)[:count]
    if len(blocks) > 1:
        said += f", by {' × '.join(map(str, of))}"
        said += f", {count} of {len(blocks)}" if len(blocks) > count else ""
    gap = np.full((len(rows), max(1, len(columns) // 8)), np.nan)
    wide = np.hstack([part for block in blocks[:count] for part in (block, gap)][:-1])
    first = float(columns[0]) if count == 1 and columns.dtype.kind in "iu" else 0.0
    bar(axes, _image(axes, wide, first), mark(v))
    starts = [i * (len(columns) + gap.shape[1]) for i in range(count)]
    axes.xaxis.set_major_locator(MaxNLocator(integer=True) if count == 1 else NullLocator())
    if count > 1:
        _frames(axes, starts, len(columns), len(rows))
    if count > 1 and not read:
        middles = [start + (len(columns) - 1) / 2 for start in starts]
        axes.set_xticks(middles, members(v, of, trajectory)[:count])
        axes.tick_params(axis="x", length=0)
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    down = entries(v, str(rows.name), trajectory)
    if down and len(down) <= 12:
        axes.set_yticks(range(len(down)), down)
    _ticks(axes, read, starts)
    if count > 1 and not read:
        axes.set_xlabel(f"{columns.name} {_end(columns, 0)} to {_end(columns, -1)} of each")
    else:
        axes.set_xlabel(dimension(v, str(columns.name)))
    axes.set_ylabel(dimension(v, str(rows.name)))
    return note(axes, [(said.removeprefix(", "), look().muted)] if said else [])


def _end(dim: xr.DataArray, i: int) -> str:
    """The first or last place along a dimension."""
    return str(dim.values[i]) if dim.dtype.kind in "iuUO" else str(i % len(dim))


def _frames(axes: Axes, starts: list[int], across: int, down: int) -> None:
    """A thin frame about each block, as the space between them may have the colour of a value."""
    for start in starts:
        frame = Rectangle((start - 0.5, -0.5), across, down, fill=False, ec=look().muted, lw=0.5)
        frame.set_clip_on(False)
        axes.add_patch(frame)
    for spine in axes.spines.values():
        spine.set_visible(False)


def _read(v: xr.DataArray, columns: xr.DataArray, trajectory: xr.Dataset) -> list[list[str]]:
    """The words that stand over the columns of each block, where the trajectory has them."""
    blocks, count = v.dims[:-2], int(np.prod(v.shape[:-2]))
    for words in trajectory.data_vars.values() if columns.name in WORDS else ():
        ours = words.dtype.kind in "UO" and words.sizes.get("token") == len(columns)
        if ours and set(words.dims) <= {*blocks, "token"}:
            spread = words.broadcast_like(v.isel({dim: 0 for dim in v.dims[-2:]}))
            return [list(line) for line in spread.transpose(*blocks, "token").values.reshape(count, -1)]
    named = entries(v, str(columns.name), trajectory) if columns.dtype.kind not in "fiu" else None
    return [named] * count if named else []


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
        bar(axes, image, mark(v), ticks=round_ones(steps[::6]))
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


def round_ones(values: Array) -> Array:
    """Values of one digit near those given, and within them."""
    size = 10.0 ** np.floor(np.log10(np.where(values == 0, 1, np.abs(values))))
    near: Array = np.unique(np.round(values / size) * size)
    inner: Array = near[(near >= values.min()) & (near <= values.max())]
    return inner


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
        drawn.ax.yaxis.set_major_formatter("{x:.6g}")
    drawn.ax.tick_params(labelsize=6, length=2)
    drawn.ax.minorticks_off()
    drawn.ax.set_title(text, size=6, loc="left", pad=5, color=look().muted)
    return drawn
