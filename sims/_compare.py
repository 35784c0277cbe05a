"""Two trajectories or two sweeps side by side: are they the same, and if not, by how much do they differ?"""

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from sims._trajectory import digest

# what computed a run, rather than what was computed: other versions may well give the same numbers
MAKING = ("versions", "revision")
LONGEST = 40  # letters of a value that is shown
LABELS = ("long_name", "symbol", "units")


@dataclass(frozen=True)
class Difference:
    """How far one variable of b lies from that of a.

    `absolute` is the largest |a - b| and `where` its place; `relative` the largest |a - b| / max(|a|, |b|).
    `told` says what else differs, such as shapes, labels, or entries that only one of them has.
    """

    name: str
    absolute: float = np.nan
    relative: float = np.nan
    where: str = ""
    told: str = ""


@dataclass(frozen=True)
class Comparison:
    """What `compare` found. `same` disregards the versions and the revision that computed it."""

    same: bool
    digests: tuple[str, str]
    attributes: dict[str, tuple[str, str]]
    differences: list[Difference]
    alike: list[str]
    only_a: list[str]
    only_b: list[str]

    def __str__(self) -> str:
        return "\n".join(self.lines("a", "b"))

    def lines(self, a: str, b: str) -> Iterator[str]:
        """The findings in words, with names for the two."""
        one, other = self.digests
        if one == other:
            yield f"{a} and {b} are the same: SHA-256 {one}"
            return
        verdict = "hold the same; only what made them differs" if self.same else "differ"
        yield f"{a} and {b} {verdict}"
        if self.attributes:
            yield ""
            yield from _table([("", a, b), *((key, *_brief(*pair)) for key, pair in self.attributes.items())])
        if self.differences:
            head = ("variable", "most apart", "relative", "where")
            rows = [(d.name, _short(d.absolute), _short(d.relative), d.where) for d in self.differences]
            yield ""
            yield from _table([head, *rows], [d.told for d in self.differences])
        for said, names in (
            ("the same", self.alike),
            (f"only in {a}", self.only_a),
            (f"only in {b}", self.only_b),
        ):
            if names:
                yield ""
                yield f"{said}: {', '.join(names)}"


def _short(value: float) -> str:
    return "" if np.isnan(value) else f"{value:.3g}"


def _table(rows: list[tuple[str, ...]], told: list[str] | None = None) -> Iterator[str]:
    """Rows in columns, the first a head; under a row what is told of it."""
    widths = [max(map(len, column)) + 2 for column in zip(*rows, strict=True)]
    for row, more in zip(rows, ["", *(told or [""] * len(rows))], strict=False):
        yield "".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        if more:
            yield f"    {more}"


def compare(a: xr.Dataset, b: xr.Dataset) -> Comparison:
    """Compare two trajectories or sweeps: provenance, and every variable number by number.

    Numbers that are missing (NaN) in both are equal. Where sizes differ, what the coordinates share is
    compared. The differences come largest first, by `relative`.
    """
    attributes = {
        key: (one.get(key, "none"), other.get(key, "none"))
        for one, other in [(_flat(a.attrs), _flat(b.attrs))]
        for key in dict.fromkeys([*one, *other])
        if one.get(key) != other.get(key)
    }
    names = [str(name) for name in a.variables if name in b.variables]
    found = [(name, difference(a[name], b[name])) for name in names]
    differences = [each for _, each in found if each]
    only_a = [str(name) for name in a.variables if name not in b.variables]
    only_b = [str(name) for name in b.variables if name not in a.variables]
    content = [key for key in attributes if not key.startswith(MAKING)]
    return Comparison(
        same=not (content or differences or only_a or only_b),
        digests=(digest(a), digest(b)),
        attributes=attributes,
        differences=sorted(differences, key=lambda d: -np.nan_to_num(d.relative, nan=np.inf)),
        alike=[name for name, each in found if not each],
        only_a=only_a,
        only_b=only_b,
    )


def _flat(attrs: dict[Any, Any]) -> dict[str, str]:
    """Attributes as words, the entries of those that are JSON one by one: `parameters K`."""
    flat: dict[str, str] = {}
    for key, value in attrs.items():
        plain = value.tolist() if isinstance(value, (np.ndarray, np.generic)) else value
        if key in ("parameters", *MAKING) and isinstance(plain, str):
            with suppress(ValueError):
                plain = json.loads(plain)
        if isinstance(plain, dict):
            flat |= {f"{key} {name}": _word(entry) for name, entry in plain.items()}
        else:
            flat[str(key)] = _word(plain)
    return flat


def _word(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _brief(one: str, other: str) -> tuple[str, str]:
    """Two long words from shortly before the place where they begin to differ."""
    if max(len(one), len(other)) <= LONGEST:
        return one, other
    same = next((i for i, (a, b) in enumerate(zip(one, other)) if a != b), min(len(one), len(other)))
    start = max(0, same - 12)
    cut = (f"{'… ' * bool(start)}{text[start:]}" for text in (one, other))
    first, second = (text if len(text) <= LONGEST else f"{text[: LONGEST - 2]} …" for text in cut)
    return first, second


def difference(a: xr.DataArray, b: xr.DataArray) -> Difference | None:
    """How far two variables of one name differ; None where they do not, labels and type included."""
    name = str(a.name)
    said = [
        f"{label}: {a.attrs.get(label, 'none')} | {b.attrs.get(label, 'none')}"
        for label in LABELS
        if a.attrs.get(label) != b.attrs.get(label)
    ]
    if a.dims != b.dims:
        said.append(f"dimensions: {', '.join(map(str, a.dims))} | {', '.join(map(str, b.dims))}")
        return Difference(name, told="; ".join(said))
    unlike = [dim for dim in a.dims if not _alike(a, b, str(dim))]
    if unlike:
        if a.shape != b.shape:
            said.append(f"sizes: {' × '.join(map(str, a.shape))} | {' × '.join(map(str, b.shape))}")
        one, other = shared(a, b)
        if one.size:
            a, b = one, other
            said.append(f"compared where both have the same {', '.join(map(str, unlike))}")
        elif a.shape != b.shape:
            return Difference(name, told="; ".join(said))
        else:
            said.append(f"compared place by place, as they share no {', '.join(map(str, unlike))}")
    if "U" in (_kind(a), _kind(b)):
        return _words(a, b, said)
    if a.dtype != b.dtype:
        said.append(f"type: {a.dtype} | {b.dtype}")
    found = _numbers(a, b, said)
    return found if found or not said else Difference(name, 0.0, 0.0, told="; ".join(said))


def _words(a: xr.DataArray, b: xr.DataArray, said: list[str]) -> Difference | None:
    """How many entries differ, and the first of them; None where none does."""
    unequal = np.asarray(a.values.astype(str) != b.values.astype(str))
    where = ""
    if unequal.any():
        place = np.unravel_index(unequal.argmax(), a.shape)
        one, other = _brief(*(str(v.values[place]) for v in (a, b)))
        said.append(f"{unequal.sum():,} of {unequal.size:,} words, the first {one!r} | {other!r}")
        where = _place(a, place)
    return Difference(str(a.name), where=where, told="; ".join(said)) if said else None


def _kind(v: xr.DataArray) -> str:
    return v.dtype.kind if v.dtype.kind in "fiubc" else "U"


def _alike(a: xr.DataArray, b: xr.DataArray, dim: str) -> bool:
    """Whether two variables stand at the same places along a dimension."""
    if dim == a.name or not (dim in a.indexes and dim in b.indexes):
        return a.sizes[dim] == b.sizes[dim]
    return bool(a.indexes[dim].equals(b.indexes[dim]))


def shared(a: xr.DataArray, b: xr.DataArray) -> tuple[xr.DataArray, xr.DataArray]:
    """The parts of two variables at equal coordinates; empty where there are none."""
    for dim in [dim for dim in a.dims if not _alike(a, b, str(dim))]:
        if dim not in a.indexes or dim not in b.indexes:
            return a.isel({dim: slice(0)}), b.isel({dim: slice(0)})
        both = a.indexes[dim].intersection(b.indexes[dim])
        a, b = a.sel({dim: both}), b.sel({dim: both})
    return a, b


def _numbers(a: xr.DataArray, b: xr.DataArray, said: list[str]) -> Difference | None:
    """The largest differences; None where there are none."""
    x, y = a.values, b.values
    gone = np.isnan(x.astype(float)), np.isnan(y.astype(float))
    unequal = (x != y) & ~(gone[0] & gone[1])
    if not unequal.any():
        return None
    for here, there, which in ((*gone, "a"), (*gone[::-1], "b")):
        if (here & ~there).any():
            said.append(f"missing (NaN) in {which} alone: {(here & ~there).sum():,}")
    with np.errstate(invalid="ignore", over="ignore"):
        apart: NDArray[np.float64] = np.where(unequal, abs(x.astype(float) - y.astype(float)), 0.0)
        size = np.maximum(abs(x.astype(float)), abs(y.astype(float)))
        relative = np.divide(apart, size, out=np.zeros_like(apart), where=(size > 0) & np.isfinite(size))
    relative = np.where(np.isinf(apart), 1.0, relative)
    both = ~(gone[0] | gone[1])
    told = "; ".join(said)
    if not both.any() or not (unequal & both).any():
        place = np.unravel_index(unequal.argmax(), a.shape)
        return Difference(str(a.name), where=_place(a, place), told=told)
    apart = np.where(both, apart, -1.0)
    place = np.unravel_index(apart.argmax(), a.shape)
    return Difference(str(a.name), float(apart[place]), float(relative[both].max()), _place(a, place), told)


def _place(v: xr.DataArray, place: tuple[Any, ...]) -> str:
    """Where an entry stands: `time = 3.2, oscillator 7`."""
    said = []
    for dim, i in zip(v.dims, place, strict=True):
        if dim in v.coords:
            at = v[dim].values[i]
            said.append(f"{dim} = {at:.6g}" if v[dim].dtype.kind == "f" else f"{dim} = {at}")
        else:
            said.append(f"{dim} {i}")
    return ", ".join(said)
