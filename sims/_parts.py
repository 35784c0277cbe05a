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

NOWHERE = -1  # the part of a point that failed


class Rows(BackendArray):
    """One variable (*points, …), whose rows lie in arrays (batch, …); NaN where no array has the row."""

    def __init__(self, arrays: Sequence[np.ndarray | None], part: np.ndarray, row: np.ndarray) -> None:
        there = [array for array in arrays if array is not None]
        whole = len(there) == len(arrays) and bool((part != NOWHERE).all())
        kind = np.result_type(*(array.dtype for array in there))
        self.arrays = arrays
        self.part, self.row = part, row  # (*points): the array of each, and which of its rows
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
            array = self.arrays[part[here[0]]] if len(here) and part[here[0]] != NOWHERE else None
            if array is not None:
                values[here] = array[(row[here], *beyond)]
        return values.reshape(np.shape(self.part[points]) + rest)


def gathered(parts: Sequence[Part], dims: Sequence[str], shape: tuple[int, ...]) -> xr.Dataset:
    """What a sweep's parts hold, in any order, along its dimensions; `failure` says why a point failed."""
    count = int(np.prod(shape))
    failure = np.full(count, "", dtype=object)
    part, row = np.full(count, NOWHERE), np.zeros(count, int)
    kept: dict[str, list[np.ndarray | None]] = {}
    first: dict[str, xr.Variable] = {}
    dataset = xr.Dataset()
    for i, (points, reasons, found) in enumerate(parts):
        failed = np.array(reasons, dtype=object) != ""
        failure[points[failed]] = np.array(reasons, dtype=object)[failed]
        part[points[~failed]], row[points[~failed]] = i, np.arange(np.sum(~failed))
        for name, v in found.variables.items():
            if name not in found.coords:
                first.setdefault(str(name), v)
                kept.setdefault(str(name), [None] * len(parts))[i] = v.values
            elif name not in dataset:
                dataset = dataset.assign_coords({name: v})
    part, row = part.reshape(shape), row.reshape(shape)
    for name, arrays in kept.items():
        v = first[name]
        rows = LazilyIndexedArray(Rows(arrays, part, row))
        dataset[name] = xr.Variable((*dims, *v.dims[1:]), rows, v.attrs)
    told = {"long_name": "why a point has no values", "symbol": "", "units": ""}
    dataset["failure"] = (dims, failure.astype(str).reshape(shape), told)
    return dataset


def part_without_failures(sweep: xr.Dataset, dims: Sequence[str]) -> Part:
    """The points of a finished sweep that did not fail, as a part of one that is to be."""
    fine = np.flatnonzero(sweep.failure.values.ravel() == "")
    n = len(dims)
    found = {
        name: (("batch", *v.dims[n:]), v.values.reshape(-1, *v.shape[n:])[fine], v.attrs)
        for name, v in sweep.data_vars.items()
        if name != "failure"
    }
    along = {name: c.variable for name, c in sweep.coords.items() if not {*dims} & {*c.dims}}
    return Part(fine, [""] * len(fine), xr.Dataset(found, along))
