"""Trajectories and sweeps on disk: saved whole or not at all, loaded checked.

What is large goes there a slab at a time, from wherever its values are, so that saving needs no memory of its
own; what is small is xarray's business.
"""

import io
import json
import os
import tempfile
import warnings
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from pathlib import Path
from threading import Event
from typing import Any

import h5py  # type: ignore[import-untyped]
import numpy as np
import xarray as xr

from sims._trajectory import SLAB, Place, TrajectoryError, check, digest, slab

SIGNATURES = {b"\x80": "a Python pickle, which is never opened", b"CDF": "NetCDF-3, not NetCDF-4"}
UNDONE = ".new"  # how the name of what is being written ends
GZIP = 4  # level
WORTH = 0.7  # of its size: what does not pack to this is written as it is, thirty times as fast


def save(
    trajectory: xr.Dataset, path: str | os.PathLike[str], wrote: Callable[[int], object] = lambda nbytes: None
) -> Path:
    """Write a trajectory as NetCDF-4, whole or not at all, always the same bytes, with gzip where it helps.

    A path that ends in .zarr becomes a Zarr store (format 2). `wrote` is told how many bytes each slab of a
    large variable has once it is written. Raises OSError where the path can't be written, naming it.
    """
    path, stop = Path(path), Event()

    def told(nbytes: int) -> None:
        if stop.is_set():
            raise CancelledError
        wrote(nbytes)

    # in a thread of its own, which Ctrl-C does not reach: HDF5 would not survive it
    with ThreadPoolExecutor(1) as thread:
        saved = thread.submit(_save, trajectory, path, told)
        try:
            saved.result()
        except BaseException:
            stop.set()
            raise
    return path


def _save(trajectory: xr.Dataset, path: Path, wrote: Callable[[int], object]) -> None:
    large = {
        str(key): v.variable
        for key, v in trajectory.data_vars.items()
        if v.nbytes > SLAB and v.dtype.kind in "fiu"
    }
    zarr = path.suffix == ".zarr"
    begun, again, added = (_new_store, _store, _array) if zarr else (_new_file, _file, _variable)
    with _beside(path) as new:
        order = json.dumps([*map(str, trajectory.coords), *map(str, trajectory.data_vars)])
        begun(trajectory.drop_vars(large).assign_attrs(order=order), new)
        with again(new) as (file, check_written):
            there: dict[str, Any] = {}

            def seen(key: str, place: Place, values: np.ndarray) -> None:
                if key in large:
                    if key not in there:
                        there[key] = added(file, key, large[key], values)
                    there[key][place] = values
                    check_written()
                    wrote(values.nbytes)

            file.attrs["digest"] = digest(trajectory, seen)


def _new_file(trajectory: xr.Dataset, path: Path) -> None:
    packed = {"zlib": True, "shuffle": True, "fletcher32": True}
    encoding = {
        str(key): packed for key, v in trajectory.variables.items() if v.dtype.kind in "fiub" and v.ndim
    }
    with _alone():
        path.write_bytes(trajectory.to_netcdf(engine="h5netcdf", encoding=encoding))


def _new_store(trajectory: xr.Dataset, path: Path) -> None:
    trajectory.to_zarr(path, zarr_format=2, consolidated=False)


def _alone() -> AbstractContextManager[Any]:
    """Write without the locks that xarray would ask of a Dask client, where there is one."""
    try:
        from dask import config
    except ImportError:
        return nullcontext()
    context: AbstractContextManager[Any] = config.set(scheduler="synchronous")
    return context


class _Disk(io.FileIO):
    """A file whose first failure is raised when it is asked for, and that takes no more after it.

    HDF5 cannot close a file whose writing fails: it would leave it open, and say so in pages of its own.
    """

    failure: OSError | None = None

    def write(self, data: Any) -> int:
        whole = memoryview(data).cast("B")
        left = whole
        try:
            while left and not self.failure:
                left = left[super().write(left) :]
        except OSError as error:
            self.failure = error
        return len(whole)

    def check(self) -> None:
        if self.failure:
            raise self.failure


@contextmanager
def _file(path: Path) -> Iterator[Any]:
    import h5netcdf

    with _Disk(path, "r+") as disk:
        with h5py.File(disk, "r+") as hdf5, h5netcdf.File(hdf5, "a") as file:
            yield file, disk.check
        disk.check()


@contextmanager
def _store(path: Path) -> Iterator[Any]:
    import zarr

    yield zarr.open_group(path, mode="a", use_consolidated=False), lambda: None
    zarr.consolidate_metadata(path)


def _variable(file: Any, key: str, v: xr.Variable, first: np.ndarray) -> Any:
    """A variable of which one slab after the other is written; gzip, where it packs the first well."""
    for dim, size in v.sizes.items():
        if dim not in file.dimensions:
            file.dimensions[dim] = size
    bytewise = np.ascontiguousarray(first).view(np.uint8).reshape(-1, first.itemsize).T  # as HDF5 shuffles
    packs = len(zlib.compress(bytewise.tobytes(), GZIP)) < WORTH * first.nbytes
    gzip = {"compression": "gzip", "compression_opts": GZIP, "shuffle": True} if packs else {}
    chunks = slab(v.shape, v.dtype.itemsize)
    made = file.create_variable(key, v.dims, v.dtype, chunks=chunks, fletcher32=True, **gzip)
    made.attrs.update(v.attrs)
    return made


def _array(store: Any, key: str, v: xr.Variable, _: np.ndarray) -> Any:
    return store.create_array(
        key,
        shape=v.shape,
        dtype=v.dtype,
        chunks=slab(v.shape, v.dtype.itemsize),
        fill_value=None,  # every value is written
        attributes={**v.attrs, "_ARRAY_DIMENSIONS": list(v.dims)},
    )


@contextmanager
def _beside(path: Path) -> Iterator[Path]:
    """A place for a file or folder that then becomes `path`: the old or the new, never half of one.

    Raises OSError, naming the path, where what is done there does.
    """
    if not path.is_dir():
        check_writable(path)
    final = path.resolve()
    try:
        with tempfile.TemporaryDirectory(
            dir=final.parent, prefix=f".{final.name}.", suffix=UNDONE, ignore_cleanup_errors=True
        ) as folder:
            new = Path(folder) / f"new{path.suffix}"
            yield new
            if path.is_dir() and new.is_dir():
                final.rename(Path(folder) / "old")
            new.rename(final)
    except OSError as error:
        raise OSError(error.errno, f"cannot write {path}: {error.strerror}") from None


def check_writable(path: str | os.PathLike[str]) -> None:
    """Raise OSError, naming the path and the cure, unless a file can be written there."""
    path = Path(path)
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder; give the name of a file in it")
    if path.exists() and not path.is_file():
        raise FileExistsError(f"{path} is not a file; give another name")
    folder = path.resolve().parent if path.is_symlink() else path.parent
    if not folder.exists():
        raise FileNotFoundError(f"the folder {folder} does not exist; make it or write elsewhere")
    if not folder.is_dir():
        raise NotADirectoryError(f"{folder} is not a folder; write elsewhere")
    try:
        tempfile.NamedTemporaryFile(dir=folder, prefix=f".{path.resolve().name}.", suffix=UNDONE).close()
    except OSError as error:
        raise OSError(error.errno, f"cannot write {path}: {error.strerror}") from None


def write_whole(path: str | os.PathLike[str], data: bytes) -> Path:
    """Write beside the final name, then rename: the old file or the new one, never half of one."""
    check_writable(path)
    path, final = Path(path), Path(path).resolve()
    beside = None
    try:
        with tempfile.NamedTemporaryFile(dir=final.parent, prefix=f".{final.name}.", delete=False) as file:
            beside = Path(file.name)
            file.write(data)
        beside.chmod(0o666 & ~_umask())
        beside.replace(final)
    except OSError as error:
        raise OSError(error.errno, f"cannot write {path}: {error.strerror}") from None
    finally:
        if beside:
            beside.unlink(missing_ok=True)
    return path


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def load(path: str | os.PathLike[str]) -> xr.Dataset:
    """Read a trajectory or a sweep into memory. Raises TrajectoryError unless it is one, whole and ours."""
    with ExitStack() as stack:
        return _checked(Path(path), lambda dataset: stack.enter_context(dataset).load())


def opened(path: Path) -> xr.Dataset:
    """The same, checked to the last byte, but with values that stay in the file until they are read."""
    return _checked(path, lambda dataset: dataset)


def _checked(path: Path, take: Callable[[xr.Dataset], xr.Dataset]) -> xr.Dataset:
    if not path.exists():
        raise FileNotFoundError(f"{path} does not exist")
    try:
        if path.is_dir():
            # what zarr warns of, a component that lacks its description, breaks the seal
            with warnings.catch_warnings(action="ignore"):
                return _sealed(take(_open_store(path)), path)
        return _sealed(take(_open_file(path)), path)
    except (TrajectoryError, IsADirectoryError):
        raise
    except (OSError, KeyError, ValueError, RuntimeError, AttributeError, TypeError) as error:
        said = (str(error).splitlines() or [type(error).__name__])[0]
        undone = ", or was not written to its end" if path.is_dir() else ""
        raise TrajectoryError(f"{path} is damaged{undone}: {said}") from None


def _open_file(path: Path) -> xr.Dataset:
    if not path.is_file():
        raise TrajectoryError(f"{path} is not a file")
    with path.open("rb") as file:
        head = file.read(8)
    if head != b"\x89HDF\r\n\x1a\n":
        what = next((what for mark, what in SIGNATURES.items() if head.startswith(mark)), "not NetCDF-4")
        raise TrajectoryError(f"{path} is not a trajectory: it is {what if head else 'empty'}")
    # what HDF5 cannot read must not reach h5netcdf, which would print a traceback on its own
    with h5py.File(path) as file:
        dict(file.attrs)
    return xr.open_dataset(path, engine="h5netcdf", decode_times=False, phony_dims="access", cache=False)


def _open_store(path: Path) -> xr.Dataset:
    if not (path / ".zgroup").exists() and not (path / "zarr.json").exists():
        raise IsADirectoryError(f"{path} is a folder, not a trajectory")
    return xr.open_dataset(
        path, engine="zarr", decode_times=False, consolidated=False, chunks=None, cache=False
    )


def _sealed(trajectory: xr.Dataset, path: Path) -> xr.Dataset:
    """The trajectory without its seal, which must be unbroken, and in the order it was saved in."""
    seal, order = trajectory.attrs.pop("digest", None), trajectory.attrs.pop("order", "[]")
    check(trajectory, str(path))
    if seal not in (None, digest(trajectory)):
        raise TrajectoryError(f"{path} is damaged: its content is not what was saved")
    place = {key: i for i, key in enumerate(json.loads(order))}
    coordinates, rest = (
        {key: v[key].variable for key in sorted(v, key=lambda key: place.get(str(key), 0))}
        for v in (trajectory.coords, trajectory.data_vars)
    )
    ordered = xr.Dataset(coords=coordinates, attrs=trajectory.attrs).assign(rest)
    ordered.encoding = trajectory.encoding  # which file it was
    return ordered
