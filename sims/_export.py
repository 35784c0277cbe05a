"""A trajectory or a sweep in the forms that other tools read: CSV, Parquet, JSON, npz.

csv, parquet    tidy tables. Variables along the same dimensions are the columns of one table, with a row for
                each place; the first columns are the coordinates, or the number of the place (from 0) along
                a dimension that has none. One table is run.csv; several are run.time.csv,
                run.time.oscillator.csv, … by their dimensions, and run.value.csv for single values. Beside
                them run.labels.json tells what every column is (meaning, symbol, unit) and where it all came
                from; a Parquet file has the same in itself (`DataFrame.attrs`).
json            one file, which `xarray.Dataset.from_dict` reads. What is missing (NaN) is null,
                what has no entries is left out.
npz             one file: an array for every variable and coordinate, no pickle; the labels as JSON in the
                array `__labels__`.
"""

import json
import os
import shutil
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from typing import Any, Literal

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from sims._discover import UnknownName, nearest
from sims._file import check_writable, write_whole
from sims._simulation import ParameterError

Format = Literal["csv", "parquet", "json", "npz"]
EPOCH = (1980, 1, 1, 0, 0, 0)  # of files in an archive, which else would tell when it was written


def export(
    data: xr.Dataset, path: str | os.PathLike[str], to: Format, variables: tuple[str, ...] = ()
) -> list[Path]:
    """Write a trajectory or a sweep, or only the named variables of it, in the form `to`.

    Returns the files, which are written all of them or none. Raises UnknownName for a variable that is not
    there, ParameterError for Parquet without pyarrow, OSError where a file can't be written.
    """
    path = Path(path)
    for name in variables:
        if name not in data.variables:
            raise UnknownName(f"{name} is not in this file: {nearest(name, list(map(str, data.variables)))}")
    if variables:
        data = data[list(variables)]
        if not data.data_vars:
            raise UnknownName(f"{variables[0]} comes with whatever lies along it; name a variable")
    if to == "json":
        files = {path.name: as_json(data).encode()}
    elif to == "npz":
        files = {path.name: as_npz(data)}
    else:
        files = dict(as_tables(data, path, to))
    return _together(path.parent, files)


def tables(data: xr.Dataset) -> dict[tuple[str, ...], list[str]]:
    """The variables of each tidy table, by the dimensions that count its rows."""
    found: dict[tuple[str, ...], list[str]] = {}
    for name, v in data.data_vars.items():
        dims = next((dims for dims in found if set(dims) == set(v.dims)), tuple(map(str, v.dims)))
        found.setdefault(dims, []).append(str(name))
    return found


def as_tables(data: xr.Dataset, path: Path, to: Literal["csv", "parquet"]) -> Iterator[tuple[str, bytes]]:
    """File names and contents of the tables, and of their labels."""
    if to == "parquet" and not find_spec("pyarrow"):
        raise ParameterError("parquet needs pyarrow: pip install '.[parquet]' where the project lies")
    found = tables(data)
    for dims, names in found.items():
        part = data[names]
        apart = f".{'.'.join(dims) or 'value'}" if len(found) > 1 else ""
        # a table of single values has one row, which pandas counts by nothing
        table = part.expand_dims("row").to_dataframe() if not dims else part.to_dataframe(dim_order=dims)
        table = table.reset_index(drop=not dims)
        table = table[[column for column in table if column not in names] + names]
        page = BytesIO()
        if to == "csv":
            table.to_csv(page, index=False, lineterminator="\n")
        else:
            table.attrs = labels(part)
            table.to_parquet(page, engine="pyarrow", index=False)
        yield f"{path.stem}{apart}{path.suffix}", page.getvalue()
    yield f"{path.stem}.labels.json", f"{json.dumps(labels(data), indent=1, ensure_ascii=False)}\n".encode()


def labels(data: xr.Dataset) -> dict[str, Any]:
    """What the variables are and where they came from, as plain values."""
    return {
        "attributes": {str(key): _unpacked(value) for key, value in data.attrs.items()},
        "variables": {
            str(name): {"dimensions": list(map(str, v.dims))}
            | {str(k): _plain(a) for k, a in v.attrs.items()}
            for name, v in data.variables.items()
        },
    }


def _plain(value: Any) -> Any:
    return value.tolist() if isinstance(value, (np.ndarray, np.generic)) else value


def _unpacked(value: Any) -> Any:
    """An attribute; one that is JSON as what it says."""
    if isinstance(value, str) and value[:1] in ("{", "["):
        with suppress(ValueError):
            return json.loads(value)
    return _plain(value)


def as_json(data: xr.Dataset) -> str:
    """The Dataset as `xarray.Dataset.from_dict` reads it, in JSON that every reader takes.

    What has no entries is left out, as lists could not tell its shape.
    """
    data = data.drop_vars([name for name, v in data.variables.items() if not v.size])
    parts = {
        "coords": _object({str(name): _variable(v) for name, v in data.coords.items()}),
        "data_vars": _object({str(name): _variable(v) for name, v in data.data_vars.items()}),
        "dims": json.dumps({str(dim): size for dim, size in data.sizes.items()}),
        "attrs": _dumped({str(key): _plain(value) for key, value in data.attrs.items()}),
    }
    return f"{_object(parts)}\n"


def _object(entries: Mapping[str, str]) -> str:
    inner = ",\n".join(f"{_dumped(key)}: {text}" for key, text in entries.items())
    return f"{{\n{inner}\n}}"


def _dumped(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _variable(v: xr.DataArray) -> str:
    values = _array(v)
    data = json.dumps(values.tolist(), ensure_ascii=False)
    if values.dtype.kind == "f":
        # JSON has no word for these; a number too large for a float is read as infinite
        data = data.replace("NaN", "null").replace("Infinity", "1e999")
    attrs = _dumped({str(key): _plain(value) for key, value in v.attrs.items()})
    dims = json.dumps(list(map(str, v.dims)))
    return f'{{"dims": {dims}, "attrs": {attrs}, "dtype": "{values.dtype}",\n"data": {data}}}'


def _array(v: xr.DataArray | xr.Variable) -> NDArray[Any]:
    """The values, words as numpy's own strings."""
    values: NDArray[Any] = v.values
    return values if values.dtype.kind in "fiubc" else values.astype(str)


def as_npz(data: xr.Dataset) -> bytes:
    """The variables and coordinates as `numpy.load` reads them."""
    arrays = {str(name): _array(v) for name, v in data.variables.items()}
    arrays["__labels__"] = np.array(json.dumps(labels(data), ensure_ascii=False))
    page = BytesIO()
    with zipfile.ZipFile(page, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, values in arrays.items():
            file = BytesIO()
            np.lib.format.write_array(file, np.asarray(values, order="C"), allow_pickle=False)
            entry = zipfile.ZipInfo(f"{name}.npy", EPOCH)
            archive.writestr(entry, file.getvalue(), zipfile.ZIP_DEFLATED)
    return page.getvalue()


def _together(folder: Path, files: Mapping[str, bytes]) -> list[Path]:
    """Write several files into a folder, whole and all of them, or none."""
    for name in files:
        check_writable(folder / name)
    beside = Path(tempfile.mkdtemp(dir=folder, prefix=".export."))
    try:
        for name, content in files.items():
            write_whole(beside / name, content)
        return [(beside / name).replace(folder / name) for name in files]
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise OSError(error.errno, f"cannot write {folder / next(iter(files))}: {reason}") from None
    finally:
        shutil.rmtree(beside, ignore_errors=True)
