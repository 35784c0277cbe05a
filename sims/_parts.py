"""What a sweep recorded, gathered from its parts; values stay in these until they are read.

So a sweep larger than memory can be written, a slab at a time.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr
from xarray.backends import BackendArray
from xarray.core.indexing import IndexingSupport, LazilyIndexedArray, explicit_indexing_adapter

from sims._journal import Part
from sims._trajectory import slabs

NOWHERE = -1  # the part of a point that failed
WIDENED = "widened"  # what may have been whole numbers before some were missing


class Rows(BackendArray):
    """One variable (*points, …), whose rows lie in others (batch, …); NaN where none has the row."""

    def __init__(self, parts: Sequence[xr.Variable | None], part: np.ndarray, row: np.ndarray) -> None:
        there = [v for v in parts if v is not None]
        whole = len(there) == len(parts) and bool((part != NOWHERE).all())
        exact = [v for v in there if not v.encoding.get(WIDENED)] or there
        kind = np.result_type(*(v.dtype for v in exact))
        if not all(holds(kind, v) for v in there):
            kind = np.result_type(*(v.dtype for v in there))
        self.parts = parts
        self.part, self.row = part, row  # (*points): the part of each, and which of its rows
        self.shape = (*part.shape, *there[0].shape[1:])
        self.dtype = kind if whole or kind.kind == "f" else np.dtype(float)  # only floats can be missing

    def __getitem__(self, key: Any) -> Any:
        return explicit_indexing_adapter(key, self.shape, IndexingSupport.BASIC, self._read)

    def _read(self, key: tuple[Any, ...]) -> np.ndarray:
        points, beyond = key[: self.part.ndim], key[self.part.ndim :]
        part, row = np.ravel(self.part[points]), np.ravel(self.row[points])
        rest = np.broadcast_to(False, self.shape[self.part.ndim :])[beyond].shape
        values = np.full((len(part), *rest), np.nan if self.dtype.kind == "f" else 0, self.dtype)
        order = np.argsort(part, kind="stable")
        for here in np.split(order, np.flatnonzero(np.diff(part[order])) + 1):
            v = self.parts[part[here[0]]] if len(here) and part[here[0]] != NOWHERE else None
            if v is not None:
                values[here] = v[(row[here], *beyond)].values
        return values.reshape(np.shape(self.part[points]) + rest)


def holds(kind: np.dtype[Any], v: xr.Variable) -> bool:
    """Whether every value of a variable is one of this type, too."""
    return np.can_cast(v.dtype, kind) or all(
        np.array_equal(values, values.astype(kind))
        for values in (v[place].values for place in slabs(v.shape, v.dtype.itemsize))
    )


class Saved(BackendArray):
    """Rows (batch, …) of a variable (*points, …) that lies in a file: those of some points."""

    def __init__(self, v: xr.Variable, points: np.ndarray, shape: tuple[int, ...]) -> None:
        self.v, self.points, self.grid = v, points, shape
        self.shape, self.dtype = (len(points), *v.shape[len(shape) :]), v.dtype

    def __getitem__(self, key: Any) -> Any:
        return explicit_indexing_adapter(key, self.shape, IndexingSupport.OUTER, self._read)

    def _read(self, key: tuple[Any, ...]) -> np.ndarray:
        points, beyond = self.points[key[0]], key[1:]
        if not np.size(points):
            return np.empty((0, *np.broadcast_to(False, self.shape[1:])[beyond].shape), self.dtype)
        at = np.unravel_index(points, self.grid)
        low, sizes = [int(np.min(i)) for i in at], [int(np.ptp(i)) + 1 for i in at]
        # the least block that holds all of them is read, and they are taken from it
        block = self.v[(*(slice(i, i + n) for i, n in zip(low, sizes)), *beyond)].values
        inside = np.ravel_multi_index([i - first for i, first in zip(at, low)], sizes)
        found: np.ndarray = block.reshape(-1, *block.shape[len(sizes) :])[inside]
        return found


def gathered(parts: Sequence[Part], dims: Sequence[str], shape: tuple[int, ...]) -> xr.Dataset:
    """What a sweep's parts hold, in any order, along its dimensions; `failure` says why a point failed."""
    count = int(np.prod(shape))
    failure = np.full(count, "", dtype=object)
    part, row = np.full(count, NOWHERE), np.zeros(count, int)
    kept: dict[str, list[xr.Variable | None]] = {}
    first: dict[str, xr.Variable] = {}
    dataset = xr.Dataset()
    for i, (points, reasons, found) in enumerate(parts):
        failed = np.array(reasons, dtype=object) != ""
        failure[points[failed]] = np.array(reasons, dtype=object)[failed]
        part[points[~failed]], row[points[~failed]] = i, np.arange(np.sum(~failed))
        for name, v in found.variables.items():
            if name not in found.coords:
                first.setdefault(str(name), v)
                kept.setdefault(str(name), [None] * len(parts))[i] = v
            elif name not in dataset:
                dataset = dataset.assign_coords({name: v})
    part, row = part.reshape(shape), row.reshape(shape)
    for name, variables in kept.items():
        v = first[name]
        rows = LazilyIndexedArray(Rows(variables, part, row))
        dataset[name] = xr.Variable((*dims, *v.dims[1:]), rows, v.attrs)
    told = {"long_name": "why a point has no values", "symbol": "", "units": ""}
    dataset["failure"] = (dims, failure.astype(str).reshape(shape), told)
    return dataset


def saved_part(sweep: xr.Dataset, dims: Sequence[str]) -> Part:
    """The points of a finished sweep that did not fail, as a part of another; they stay in their file."""
    fine = np.flatnonzero(sweep.failure.values.ravel() == "")
    shape = sweep.failure.shape
    kept = {}
    for name, v in sweep.data_vars.items():
        if name != "failure":
            rows = LazilyIndexedArray(Saved(v.variable, fine, shape))
            widened = v.dtype.kind == "f" and len(fine) < sweep.failure.size
            encoding = {WIDENED: True} if widened else {}
            kept[name] = xr.Variable(("batch", *v.dims[len(dims) :]), rows, v.attrs, encoding)
    along = {name: c.variable for name, c in sweep.coords.items() if not {*dims} & {*c.dims}}
    return Part(fine, [""] * len(fine), xr.Dataset(kept, along))
