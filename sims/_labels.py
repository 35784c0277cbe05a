"""The words of a figure: labels with symbol and unit, titles, names of entries, notes under a title."""

import re
from collections.abc import Hashable, Iterator, Sequence
from itertools import product
from pathlib import Path
from shlex import quote as quoted
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.offsetbox import AnchoredOffsetbox, HPacker, TextArea, VPacker

from sims._look import look

FEW = 6
Words = list[tuple[str, Any]]  # words, each with its colour


def label(v: xr.DataArray) -> str:
    """Symbol and unit of a variable: `θ (rad)`; its name where it has no symbol."""
    unit = f" ({v.attrs['units']})" if v.attrs.get("units") else ""
    return (set_low(v.attrs.get("symbol", "")) or str(v.name).replace("_", " ")) + unit


def mark(v: xr.DataArray) -> str:
    """Symbol and unit alone, for a colour bar: what has no symbol is named by the panel's title."""
    return label(v) if v.attrs.get("symbol") else str(v.attrs.get("units", ""))


def set_low(symbol: str) -> str:
    """A symbol whose index is set low: `W_q` as matplotlib takes it."""
    return re.sub(r"_(\w+)", r"$_{\\mathrm{\1}}$", symbol)


def about_mean(name: str) -> str:
    """What a phase is, without where it is counted from: that is its mean when it is drawn about it."""
    return re.split(r"[,;:]", name)[0]


def dimension(v: xr.DataArray, dim: str) -> str:
    """What stands along an axis: `time t (s)`, or the dimension's name alone."""
    name = dim.replace("_", " ")
    symbol, unit = (v[dim].attrs.get(key, "") if dim in v.coords else "" for key in ("symbol", "units"))
    sign = set_low(symbol) if symbol != name else ""
    return " ".join(filter(None, (name, sign, f"({unit})" if unit else "")))


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
    together = sum(len(word) + 1 for word, _ in whole) + 2 * (len(lines) - 1) <= across
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


def names(v: xr.DataArray, trajectory: xr.Dataset, colours: list[Any]) -> Words:
    """The members by name, in their colours; only the first and the last where there are many."""
    words = list(zip(members(v, v.dims[1:], trajectory), colours))
    return [
        (f"{' × '.join(map(str, v.dims[1:]))}:", look().muted),
        *(words if len(words) <= FEW else [words[0], ("to", look().muted), words[-1]]),
    ]


def members(v: xr.DataArray, dims: Sequence[Hashable], trajectory: xr.Dataset) -> list[str]:
    """A name for each place along several dimensions: `0, river`."""
    each = [entries(v, str(dim), trajectory) or list(map(str, range(v.sizes[dim]))) for dim in dims]
    return [", ".join(words) for words in product(*each)]


def entries(v: xr.DataArray, dim: str, trajectory: xr.Dataset) -> list[str] | None:
    """The names of a dimension's entries, where the trajectory has them.

    They are its coordinate's values, or what each entry alone stands for, as a sequence does for the one
    answer that is its `target`.
    """
    if dim in trajectory.coords:
        at = trajectory[dim]
        return [f"{name:g}" if at.dtype.kind in "fiu" else str(name) for name in at.values]
    for other in trajectory.data_vars.values():
        if other.ndim != 2 or other.dims[0] != dim or other.dtype.kind not in "fiub":
            continue
        of = str(other.dims[1])
        if of in trajectory.coords and trajectory[of].dtype.kind in "UO":
            one = other.values
            chosen = one.argmax(1)
            if set(np.unique(one)) <= {0, 1} and (one.sum(1) == 1).all() and len({*chosen}) == len(one):
                return [str(trajectory[of].values[i]) for i in chosen]
    return None


def not_drawn(keys: Sequence[str], data: xr.Dataset, unknown: str) -> str:
    """What a page has no room for, and how to see it, from the file it was loaded from if that is known."""
    file = Path(str(data.encoding.get("source", ""))).name or unknown
    said = f"sims plot {quoted(file)} {quoted(keys[0])}"
    return f"not drawn: {', '.join(keys)}; to draw one, name it: {said}"
