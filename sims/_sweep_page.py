"""The page of a sweep: which of its dimensions is an axis, which a colour, which a panel of its own.

One swept number is an axis, and seeds are a band about the curve; two numbers are a map, or a few curves
where one of them has few values. Words, such as the names of optimisers, are curves of their own, or rows of
dots. What is left over are small multiples. A random design is scattered dots, and a course in time a curve
for each value of the parameter.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product
from math import prod

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from sims._discover import UnknownName, nearest
from sims._labels import FEW, not_drawn
from sims._page import Page, Panel, compose
from sims._panels import lead_of
from sims._piece import Piece, finite_of
from sims._sweep_panels import cloud, curves, dots, heat, is_number, name_of, number, plane, steep

MOST_PANELS, MOST_FACETS = 18, 12
SHARES = re.compile(r"r\b|order parameter\b|share of|part of|probability|accuracy")
CURVES = 5  # a number with so many values is a colour beside one with more; with more of them, a map


@dataclass(frozen=True)
class Roles:
    """What the dimensions of a variable are for. `points` are the parameters of a random design."""

    draw: Callable[..., int]
    x: str = ""
    y: str = ""
    hue: str = ""
    facets: tuple[str, ...] = ()
    again: tuple[str, ...] = ()
    points: tuple[str, ...] = ()


def page(sweep: xr.Dataset, variables: Sequence[str] = ()) -> Page:
    """A panel, or a set of small multiples, for each variable. Raises UnknownName for what can't be drawn."""
    known = drawable(sweep)
    for name in variables:
        if name not in known:
            there = "has nothing to draw" if name in sweep.variables else "is not in this sweep"
            raise UnknownName(f"{name} {there}: {nearest(name, known)}")
    if not known:
        raise UnknownName("this sweep has nothing to draw")
    panels: list[Panel] = []
    left: list[str] = []
    widest = 1
    for name in variables or known:
        more = list(panels_of(sweep[name], sweep))
        if panels and not variables and len(panels) + len(more) > MOST_PANELS:
            left.append(name)
            continue
        panels += more
        widest = max(widest, len(more))
    # neighbours that are compared stand in one row as long as they can be read
    columns = 0 if widest == 1 else 2 if widest in (2, 4) else 3
    return compose(panels, heading(sweep), list(foot(sweep, left)), columns)


def heading(sweep: xr.Dataset) -> str:
    """`N phase oscillators, each coupled to all  ·  kuramoto over K (41) and seed (32)`."""
    over = [
        f"{', '.join(names)}\u00a0({sweep[names[0]].size:,})"
        for names in json.loads(sweep.attrs["over"])
        if names[0] in sweep.coords
    ]
    *first, last = over or ["one point"]
    along = f"{', '.join(first)} and {last}" if first else last
    return f"{str(sweep.attrs['title']).rstrip('.')}  ·  {sweep.attrs['simulation']} over {along}"


def foot(sweep: xr.Dataset, left: Sequence[str]) -> Iterator[str]:
    """What the page does not show: points that failed, and variables there was no room for."""
    reasons = Counter(str(reason) for reason in failed(sweep).values.ravel() if reason)
    if reasons:
        # the same reason may name other numbers at each point, such as the step at which it failed
        alike: dict[str, list[str]] = {}
        for reason in reasons.elements():
            alike.setdefault(re.sub(r"\d+", "0", reason), []).append(reason)
        kinds = sorted(alike.values(), key=len, reverse=True)
        told = [f"{kind[0]} ({len(kind):,})" if len(kinds) > 1 else kind[0] for kind in kinds[:2]]
        instance = ", for instance" if any(len(set(kind)) > 1 for kind in kinds[:2]) else ""
        rest = sum(map(len, kinds[2:]))
        told += [f"something else ({rest:,})"] if rest else []
        said = f"{reasons.total():,} of {failed(sweep).size:,} points failed{instance}: {'; or '.join(told)}"
        yield f"{said}. Crosses and slanting lines: nothing came out."
    if left:
        yield not_drawn(left, sweep, "sweep.nc")


def failed(sweep: xr.Dataset) -> xr.DataArray:
    """Why each point has no values."""
    return sweep["failure"] if "failure" in sweep else xr.DataArray("")


def drawable(sweep: xr.Dataset) -> list[str]:
    """Variables that are numbers and change with a parameter."""
    dims = {dim for _, dim in swept(sweep)}
    return [
        str(name)
        for name, v in sweep.data_vars.items()
        if v.dtype.kind in "fiub" and any(v.sizes.get(dim, 1) > 1 for dim in dims)
    ]


def swept(sweep: xr.Dataset) -> list[tuple[list[str], str]]:
    """The names of the parameters along each dimension that is there still."""
    over: list[list[str]] = json.loads(sweep.attrs["over"])
    there = [[name for name in names if name in sweep.coords and sweep[name].ndim == 1] for names in over]
    return [(names, str(sweep[names[0]].dims[0])) for names in there if names]


def roles_of(v: xr.DataArray, sweep: xr.Dataset) -> Roles:
    """What each dimension of a variable is for."""
    numbers: list[str] = []
    words: list[str] = []
    again: list[str] = []
    points: tuple[str, ...] = ()
    cloud_dim = ""
    for names, dim in swept(sweep):
        if dim not in v.dims:
            continue
        if names == ["seed"]:
            again.append(dim)
        elif len(names) == 1:
            (numbers if is_number(sweep[names[0]]) else words).append(dim)
        else:
            changing = [
                n for n in names if n != "seed" and is_number(sweep[n]) and np.ptp(sweep[n].values) > 0
            ]
            points, cloud_dim = tuple(changing), dim
    lead = lead_of(v.drop_vars(set(v.coords) - set(v.dims)))
    own = [str(dim) for dim in v.dims if dim not in (*numbers, *words, *again, cloud_dim, lead)]
    if len(own) == 1 and v.sizes[own[0]] <= FEW:
        words += own
    else:
        again += own
    if lead:
        return _course(v, lead, numbers, words, [*again, *filter(None, [cloud_dim])])
    if points and walked(sweep, points):
        few = [dim for dim in words if v.sizes[dim] <= 2 * FEW]
        hue = (numbers + few)[:1]
        facets = [dim for dim in (*numbers, *words) if dim not in hue]
        return Roles(curves, cloud_dim, "", "".join(hue), tuple(facets), tuple(again), points)
    if points:
        draw = plane if len(points) == 2 else cloud
        hue = words[:1] if draw is cloud else []
        facets = [*numbers, *words[len(hue) :]]
        return Roles(draw, cloud_dim, "", "".join(hue), tuple(facets), tuple(again), points)
    return _grid(v, numbers, words, [*again, *filter(None, [cloud_dim])])


def walked(sweep: xr.Dataset, points: Sequence[str]) -> bool:
    """Whether parameters that change together only rise or only fall, so that one tells all others."""
    steps = [np.sign(np.diff(sweep[name].values)) for name in points]
    return all(each.size and each[0] and (each == each[0]).all() for each in steps)


def _course(v: xr.DataArray, lead: str, numbers: list[str], words: list[str], again: list[str]) -> Roles:
    """Curves in time: a colour for each value of the first parameter."""
    few = [dim for dim in words if v.sizes[dim] <= 2 * FEW]
    hue = (numbers + few)[:1]
    facets = [dim for dim in (*numbers, *words) if dim not in hue]
    return Roles(curves, lead, "", "".join(hue), tuple(facets), tuple(again))


def _grid(v: xr.DataArray, numbers: list[str], words: list[str], again: list[str]) -> Roles:
    """One value at each place of a grid."""
    by_size = sorted(numbers, key=lambda dim: -v.sizes[dim])
    few = [dim for dim in words if v.sizes[dim] <= 2 * FEW]
    if not numbers and not words:
        return Roles(cloud, again[0], again=tuple(again[1:]))
    if not numbers:
        rows, hue = words[0], [dim for dim in few if dim != words[0]][:1]
        if len(words) > 1 and not (hue and v.sizes[hue[0]] <= FEW):
            return Roles(heat, words[1], rows, facets=tuple(words[2:]), again=tuple(again))
        facets = [dim for dim in words if dim not in (rows, *hue)]
        return Roles(dots, "", rows, "".join(hue), tuple(facets), tuple(again))
    if len(numbers) >= 2:
        least = v.sizes[by_size[1]] if len(numbers) == 2 else 0
        if len(numbers) == 2 and least <= CURVES and v.sizes[by_size[0]] >= 2 * least:
            return Roles(curves, by_size[0], "", by_size[1], tuple(words), tuple(again))
        x, y = [dim for dim in numbers if dim in by_size[:2]]
        facets = [dim for dim in (*numbers, *words) if dim not in (x, y)]
        return Roles(heat, x, y, "", tuple(facets), tuple(again))
    hue = few[:1]
    return Roles(curves, numbers[0], "", "".join(hue), tuple(d for d in words if d not in hue), tuple(again))


def panels_of(v: xr.DataArray, sweep: xr.Dataset) -> Iterator[Panel]:
    """The panels of one variable: one, or small multiples that share their axes and colours."""
    pieces = list(pieces_of(v, sweep))
    for i, (piece, roles) in enumerate(pieces):
        title = str(v.attrs["long_name"]) if i == 0 else ""
        begins = i == 0 and len(pieces) > 1
        yield Panel(title, partial(roles.draw, piece=piece), begins, joins=i > 0)


def pieces_of(v: xr.DataArray, sweep: xr.Dataset) -> Iterator[tuple[Piece, Roles]]:
    """What each of its panels shows."""
    v = v.squeeze(drop=True)
    bad = (failed(sweep) != "").squeeze(drop=True)
    bad = bad.isel({dim: 0 for dim in bad.dims if dim not in v.dims}, drop=True)
    roles = roles_of(v, sweep)
    never = never_of(v)
    centre = v.median if never else v.mean
    span, log = extent(centre(roles.again) if roles.draw in (heat, plane) else v)
    span = (0.0, 1.0) if roles.draw in (heat, plane) and is_share(v) and not log else span
    places, every = facets(v, roles)
    axes_of: dict[Callable[..., int], list[tuple[str, ...]]] = {
        plane: [roles.points],
        cloud: [(name,) for name in roles.points or [roles.x]],
        curves: [roles.points[:1] or (roles.x, roles.y)],
    }
    with_it = beside(sweep, roles.points) if roles.draw is curves and roles.points else ""
    first = True
    for place in places:
        some = dict(zip(roles.facets, place, strict=True))
        of = ", ".join(filter(None, [*(value(v, dim, i) for dim, i in some.items()), with_it]))
        if len(places) < every and first:
            of += f"  ({len(places)} of {every} are shown)"
        part, gone = v.isel(some), bad.isel({dim: i for dim, i in some.items() if dim in bad.dims})
        for along in axes_of.get(roles.draw, [(roles.x, roles.y)]):
            yield cut(part, gone, roles, sweep, along, of, first, span, log, never), roles
            first = False


def facets(v: xr.DataArray, roles: Roles) -> tuple[list[tuple[int, ...]], int]:
    """The places with a panel of their own, evenly chosen where they are many; and how many there are."""
    sizes = [v.sizes[dim] for dim in roles.facets]
    counts = list(sizes)
    while prod(counts) > MOST_FACETS:
        counts[max(range(len(counts)), key=lambda i: (counts[i], sizes[i]))] -= 1
    chosen = (np.linspace(0, size - 1, n).round().astype(int) for size, n in zip(sizes, counts, strict=True))
    return list(product(*(map(int, each) for each in chosen))), prod(sizes)


def extent(v: xr.DataArray) -> tuple[tuple[float, float], bool]:
    """Least and most of the values, and whether they are read by their logarithms."""
    finite = finite_of(v.values).astype(float, copy=False)
    log = steep(finite)
    shown = finite[finite > 0] if log else finite
    low, high = (float(shown.min()), float(shown.max())) if shown.size else (0.0, 1.0)
    if low == high:  # zero tells more of its size than its own decimals do
        low, high = (min(low, 0.0), max(high, 0.0)) if low and not log else (low - 0.5, high + 0.5)
    return (low, high), log


def never_of(v: xr.DataArray) -> str:
    """What infinity means, where a variable has it: of a time until something, that this never came."""
    if v.dtype.kind != "f" or not np.isposinf(v.values).any():
        return ""
    if str(v.attrs.get("symbol", "")).startswith("Δ"):
        return "infinite in one alone"
    return "never" if re.search(r"\b(until|time to)\b", str(v.attrs["long_name"])) else "infinite"


def is_share(v: xr.DataArray) -> bool:
    """Whether a variable lies between 0 and 1 by what it is, so that one scale of colours fits any sweep."""
    there = v.values[np.isfinite(v.values)]
    named = SHARES.match(str(v.attrs["long_name"])) and not str(v.attrs.get("symbol", "")).startswith("Δ")
    return bool(
        named and not v.attrs.get("units") and there.size and 0 <= there.min() <= there.max() <= 1 + 1e-9
    )


def value(v: xr.DataArray, dim: str, i: int) -> str:
    """One place along a dimension: `K = 2 rad/s`, `optimiser: adam`, `sentence 1`."""
    if dim not in v.coords:
        return f"{dim.replace('_', ' ')} {i}"
    axis = v[dim]
    if not is_number(axis):
        return f"{name_of(axis)}: {number(axis.values[i])}"
    return f"{name_of(axis)} = {number(axis.values[i])} {axis.attrs.get('units', '')}".rstrip()


def beside(sweep: xr.Dataset, points: Sequence[str]) -> str:
    """What parameters do as the first of them rises: `with it Δ from 0.5 to 2 rad/s`."""
    rising = sweep[points[0]].values[0] < sweep[points[0]].values[-1]
    told = []
    for name in points[1:]:
        axis = sweep[name]
        first, last = (number(axis.values[i]) for i in ((0, -1) if rising else (-1, 0)))
        told.append(f"{name_of(axis)} from {first} to {last} {axis.attrs.get('units', '')}".rstrip())
    return f"with it {', '.join(told)}" if told else ""


def cut(
    v: xr.DataArray,
    bad: xr.DataArray,
    roles: Roles,
    sweep: xr.Dataset,
    along: tuple[str, ...],
    of: str,
    first: bool,
    span: tuple[float, float],
    log: bool,
    never: str,
) -> Piece:
    """What one panel shows, numbers in their order."""
    dims = [roles.x, roles.y, roles.hue]
    x, y = (axis(v, sweep, name) for name in (*along, "", "")[:2])
    hue = axis(v, sweep, roles.hue)
    sizes = [v.sizes.get(dim, 1) for dim in dims]
    values = (
        v.transpose(*filter(None, dims), *roles.again).values.astype(float, copy=False).reshape(*sizes, -1)
    )
    flags = bad.transpose(*(dim for dim in dims if dim in bad.dims), ...).values
    flags = np.all(flags.reshape(*(bad.sizes.get(dim, 1) for dim in dims), -1), axis=-1)
    gone: NDArray[np.bool_] = np.broadcast_to(flags, sizes)
    if not roles.points:
        for place, each in ((0, x), (1, y)):
            if each is not None and is_number(each):
                order = np.argsort(each.values, kind="stable")
                values, gone = values.take(order, place), gone.take(order, place)
        x, y = (each.sortby(each) if each is not None and is_number(each) else each for each in (x, y))
    names = " × ".join(dim.replace("_", " ") for dim in roles.again)
    again = f"{names} ({' × '.join(f'{v.sizes[dim]:,}' for dim in roles.again)})"
    return Piece(v, values, gone, x, y, hue, again, of, first, span, log, never)


def axis(v: xr.DataArray, sweep: xr.Dataset, name: str) -> xr.DataArray | None:
    """The coordinate of that name, or the numbers of the places along a dimension that has none."""
    if not name:
        return None
    if name in v.coords or name in sweep.coords:
        found = v[name] if name in v.coords else sweep[name]
        return found.reset_coords(drop=True).astype(str) if found.dtype.kind not in "iuf" else found
    return xr.DataArray(np.arange(v.sizes[name]), dims=name, name=name)
