"""Two trajectories, or two sweeps, in one figure: curves over each other, maps as their difference."""

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from numpy.typing import NDArray

from sims import _sweep_page
from sims._compare import Comparison, shared
from sims._discover import UnknownName
from sims._file import write_whole
from sims._labels import FEW, Words, about_mean, dimension, label, note
from sims._look import Style, dressed, look
from sims._page import Page, Panel, compose
from sims._panels import (
    FROM_MEAN,
    Draw,
    edges,
    half_turns,
    kind_of,
    lead_of,
    matrix,
    phases,
    plane,
    points,
    settled,
)
from sims._piece import Piece, finite
from sims._plot import drawable, metadata
from sims._sweep_panels import axis_label, curves, spaced_log
from sims._swings import SWINGS, broken, from_mean, swings_of, whole_turns

MOST_PANELS = 15
DIFFERENCE = ", difference"
Two = tuple[xr.DataArray, xr.DataArray]


def draw(
    a: xr.Dataset,
    b: xr.Dataset,
    found: Comparison,
    path: Path,
    names: tuple[str, str],
    style: Style = "journal",
) -> Path:
    """Write the figure of both; raises OSError as `write_whole`."""
    kind = path.suffix[1:].lower()
    with dressed(style):
        drawn = page(a, b, found, names)
    return write_whole(path, drawn.written(kind, metadata(a, kind)))


def page(a: xr.Dataset, b: xr.Dataset, found: Comparison, names: Sequence[str] = ("a", "b")) -> Page:
    """A panel for each variable that can be drawn of both and that differs; all, where none does."""
    order = _sweep_page.drawable(a) if "over" in a.attrs else list(drawable(a))
    differing = [name for name in order if name in {d.name for d in found.differences}]
    panels: list[Panel] = []
    alike: list[str] = []
    left: list[str] = []
    for name in order:
        if name not in b.data_vars:
            continue
        if differing and name not in differing:
            alike.append(name)
            continue
        more = list(panels_of(a, b, name, names))
        if not more or len(panels) + len(more) > MOST_PANELS:
            left.append(name)
            continue
        panels += more
    if not panels:
        raise UnknownName("nothing in both can be drawn")
    said = [("the same", alike), ("not drawn", left)]
    said += [(f"only in {names[0]}", found.only_a), (f"only in {names[1]}", found.only_b)]
    subtracted = any(panel.title.endswith(DIFFERENCE) for panel in panels)
    foot = [f"differences: {names[1]} - {names[0]}"] if subtracted else []
    foot += [f"{what}: {', '.join(which)}" for what, which in said if which]
    titles = dict.fromkeys(str(each.attrs["title"]).rstrip(".") for each in (a, b))
    return compose(panels, f"{' | '.join(titles)}  ·  {names[0]} and {names[1]}", foot)


def panels_of(a: xr.Dataset, b: xr.Dataset, name: str, names: Sequence[str]) -> Iterator[Panel]:
    """The panels of one variable: over each other where they are curves, else b - a where that can be had."""
    title = str(a[name].attrs["long_name"])
    if "over" in a.attrs and "over" in b.attrs:
        yield from _swept(a, b, name, names)
        return
    kinds = [kind_of(each[name]) for each in (a, b)]
    leads = [lead_of(settled(each[name])) for each in (a, b)]
    if None in kinds or leads[0] != leads[1]:
        return
    maps: tuple[Draw, ...] = (matrix, plane)
    if not set(kinds) & set(maps) and all(settled(each[name]).ndim <= 2 or leads[0] for each in (a, b)):
        draw: Any = points_over if kinds == [points, points] else lines_over
        if points not in kinds or kinds == [points, points]:
            turned = draw is lines_over and any(whole_turns(settled(each[name])) for each in (a, b))
            title = about_mean(title) if turned else title
            yield Panel(title, partial(draw, two=(settled(a[name]), settled(b[name])), names=names))
        return
    apart = between(a[name], b[name])
    if apart is not None and (kind := kind_of(apart)) and kind not in (phases, plane):
        yield Panel(f"{title}{DIFFERENCE}", partial(_mapped, kind, apart, a))


def between(a: xr.DataArray, b: xr.DataArray) -> xr.DataArray | None:
    """b - a, where they share places and numbers."""
    if a.dims != b.dims or not {a.dtype.kind, b.dtype.kind} <= set("fiub"):
        return None
    a, b = shared(a, b)
    if not a.size or a.shape != b.shape:
        return None
    one, other = (v.values.astype(float) for v in (a, b))
    with np.errstate(invalid="ignore"):
        values = np.where(one == other, 0.0, other - one)
    # whose is infinite is no number that could be drawn
    values = np.where(np.isinf(values), np.inf, values)
    return a.copy(data=values).assign_attrs(a.attrs | {"symbol": f"Δ{a.attrs.get('symbol', '')}"})


def _mapped(kind: Draw, v: xr.DataArray, trajectory: xr.Dataset, axes: Axes) -> int:
    return kind(axes, v, trajectory)


def _legend(names: Sequence[str], more: str = "") -> list[Words]:
    words: Words = [(name, look().cycle[i]) for i, name in enumerate(names)]
    return [words, [(more, look().muted)] if more else []]


def lines_over(axes: Axes, two: Two, names: Sequence[str]) -> int:
    """Courses of both: lines where they are few, else the median and the middle half."""
    banded = max(v.size // v.sizes[str(lead_of(v))] for v in two) > FEW
    values = [_columns(v) for v in two]
    # of both alike: else the one would be drawn at another place for its whole turns alone
    turned = any(map(whole_turns, two))
    if turned:
        values = [from_mean(each) for each in values]
    dense = max(map(swings_of, values)) > SWINGS and not (banded or turned)
    dashed = max(map(swings_of, values)) < 3
    for v, each, colour, dash in zip(two, values, look().cycle, ("-", "--" if dashed else "-"), strict=False):
        x = v[str(lead_of(v))].values
        if banded:
            low, middle, high = np.quantile(each, [0.25, 0.5, 0.75], axis=1)
            axes.fill_between(x, low, high, color=colour, alpha=0.2, lw=0)
            axes.plot(x, middle, dash, color=colour)
        elif dense:
            for line in each.T:
                edges(axes, x, line, colour, dash, lw=0.8)
        elif turned:
            for line in each.T:
                axes.plot(*broken(x, line), dash, color=colour, lw=0.7)
        else:
            axes.plot(x, each, dash, color=colour, lw=1.0 if each.shape[1] == 1 else 0.7)
    if turned:
        half_turns(axes)
    every = np.concatenate([each.ravel() for each in values])
    if max(each.shape[1] for each in values) == 1 and every.min() > 0 and every.max() > 30 * np.median(every):
        axes.set_yscale("log")
    ends = [v[str(lead_of(v))].values[[0, -1]] for v in two]
    axes.set_xlim(np.min(ends), np.max(ends))
    axes.set_xlabel(dimension(two[0], str(lead_of(two[0]))))
    axes.set_ylabel(label(two[0]))
    members = " × ".join(map(str, two[0].dims[1:]))
    more = f"{members}: median, half" if banded else "envelopes" if dense else ""
    return note(axes, *_legend(names, more), [(FROM_MEAN, look().muted)] if turned else [])


def _columns(v: xr.DataArray) -> NDArray[np.float64]:
    values = v.transpose(lead_of(v), ...).values.astype(float)
    return values.reshape(len(values), -1)


def points_over(axes: Axes, two: Two, names: Sequence[str]) -> int:
    """What does not change: dots of one, rings of the other."""
    for v, colour, face in zip(two, look().cycle, (None, "none"), strict=False):
        dim = v[v.dims[0]]
        x = dim.values if dim.dtype.kind in "fiu" else np.arange(len(v))
        size, edge = (2, 0.0) if face is None else (4, 0.8)
        axes.plot(x, v.values.astype(float), "o", color=colour, ms=size, mew=edge, mfc=face or colour)
    axes.set_xlabel(dimension(two[0], str(two[0].dims[0])))
    axes.set_ylabel(label(two[0]))
    return note(axes, *_legend(names))


def _swept(a: xr.Dataset, b: xr.Dataset, name: str, names: Sequence[str]) -> Iterator[Panel]:
    """Of two sweeps: single curves over each other, all else as the difference."""
    if not all(name in _sweep_page.drawable(each) for each in (a, b)):
        return
    title = str(a[name].attrs["long_name"])
    roles = [_sweep_page.roles_of(each[name].squeeze(drop=True), each) for each in (a, b)]
    if all(role.draw is curves and not (role.hue or role.facets) and role.x == roles[0].x for role in roles):
        pieces = [next(_sweep_page.pieces_of(each[name], each))[0] for each in (a, b)]
        yield Panel(title, partial(curves_over, pieces=pieces, names=names))
        return
    apart = between(a[name], b[name])
    if apart is not None:
        labelled = apart.assign_attrs(long_name=f"{title}{DIFFERENCE}")
        # a failure in either is a gap in the difference
        yield from _sweep_page.panels_of(labelled, labelled.to_dataset(name=name).assign_attrs(a.attrs))


def curves_over(axes: Axes, pieces: Sequence[Piece], names: Sequence[str]) -> int:
    """A curve of each sweep, with the middle half of what is repeated."""
    for piece, colour, dash in zip(pieces, look().cycle, ("-", "--"), strict=False):
        assert piece.x is not None
        low, middle, high = (finite(piece.quantile(q)[:, 0, 0]) for q in (0.25, 0.5, 0.75))
        if piece.times > 1:
            axes.fill_between(piece.x, low, high, color=colour, alpha=0.2, lw=0)
        axes.plot(piece.x, middle, dash, color=colour)
    first = pieces[0]
    assert first.x is not None
    if spaced_log(first.x.values):
        axes.set_xscale("log")
    if all(piece.log for piece in pieces):
        axes.set_yscale("log", nonpositive="clip")
    axes.margins(x=0.03)
    axes.set_xlabel(axis_label(first.x))
    axes.set_ylabel(label(first.v))
    return note(axes, *_legend(names, f"{first.again}: median, half" if first.times > 1 else ""))
