"""What all of these functions share: dimensions asked for by name, and results that say what they are."""

from collections.abc import Hashable, Iterable
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]
Data = xr.Dataset | xr.DataArray


def require(array: Data, *dims: Hashable) -> None:
    """Raise ValueError unless `array` has something along each of these dimensions; says which there are."""
    for dim in dims:
        own = array.name if isinstance(array, xr.DataArray) and array.name else "the data"
        if dim not in array.dims:
            there = ", ".join(map(str, array.dims)) or "none, it is one number"
            raise ValueError(f"{own} has no dimension {dim!r}; its dimensions are {there}")
        if not array.sizes[dim]:
            raise ValueError(f"{own} has nothing along {dim!r}")


def pick(data: Data, variable: str) -> xr.DataArray:
    """The variable of a Dataset; a DataArray is taken as it is."""
    if isinstance(data, xr.DataArray):
        return data
    if variable not in data:
        there = ", ".join(map(str, data.data_vars)) or "none"
        raise ValueError(f"there is no variable {variable!r}; variables are {there}")
    return data[variable]


def located(result: xr.Dataset, source: Data) -> xr.Dataset:
    """The result with every coordinate of `source` that lies along its dimensions: where a point had what."""
    coords = {name: c for name, c in source.coords.items() if set(c.dims) <= set(result.dims)}
    return result.assign_coords({name: c for name, c in coords.items() if name not in result.variables})


def names(dims: str | Iterable[str]) -> list[str]:
    """One name, or several, as a list."""
    return [dims] if isinstance(dims, str) else list(dims)


def share(value: float, name: str) -> float:
    """`value` if it lies between 0 and 1, both excluded; else ValueError."""
    if not 0 < value < 1:
        raise ValueError(f"{name} must lie between 0 and 1; got {value!r}")
    return value


def labelled(
    dims: str | Iterable[Hashable], values: ArrayLike, meaning: str, symbol: str = "", units: str = ""
) -> xr.Variable:
    """A variable with what a plot of it needs to label itself."""
    attrs = said(meaning, symbol, units)
    return xr.Variable(dims if isinstance(dims, str) else tuple(dims), np.asarray(values), attrs)


def said(meaning: str, symbol: str = "", units: str = "") -> dict[str, str]:
    """The attributes of a label; xarray's own plots would write an empty unit as `[]`."""
    return {"long_name": meaning, "symbol": symbol} | ({"units": units} if units else {})


def without_empty_units(data: xr.Dataset) -> xr.Dataset:
    """The same, where a unit is named only if there is one, as `said` has it."""
    data = data.copy()
    for v in data.variables.values():
        v.attrs = {key: word for key, word in v.attrs.items() if key != "units" or word}
    return data


def relabel(array: xr.DataArray, meaning: str, symbol: str = "", units: str = "") -> xr.DataArray:
    """The same array under another label."""
    bare = array.copy(deep=False)
    bare.attrs = {key: word for key, word in array.attrs.items() if key != "units"}
    return bare.assign_attrs(said(meaning, symbol, units))


def symbol_of(array: xr.DataArray) -> str:
    """How the array is written in a formula: its symbol, else its name."""
    return str(array.attrs.get("symbol") or array.name or "y")


def meaning_of(array: xr.DataArray) -> str:
    """What the array is in words: its long_name, else its name."""
    return str(array.attrs.get("long_name") or array.name or "value")


def units_of(array: xr.DataArray, dim: Hashable | None = None) -> str:
    """The unit of the array, or of its coordinate along `dim`."""
    attrs: dict[Any, Any] = array.attrs if dim is None else array[dim].attrs
    return str(attrs.get("units", ""))
