"""What makes an xarray Dataset a trajectory: labels, units and provenance; saved whole, loaded checked."""

import hashlib
import json
import os
import re
import subprocess
import tempfile
import warnings
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from platform import python_version
from typing import TYPE_CHECKING, Any

import h5py  # type: ignore[import-untyped]
import numpy as np
import xarray as xr

if TYPE_CHECKING:
    from sims._simulation import Variable

PROVENANCE = ("simulation", "parameters", "seed", "versions", "revision")
SIGNATURES = {b"\x80": "a Python pickle, which is never opened", b"CDF": "NetCDF-3, not NetCDF-4"}


# what a simulation computes of a variable, or a function that does so once it is wanted
Computed = np.ndarray | Callable[[], np.ndarray]


class TrajectoryError(ValueError):
    """A file or Dataset that is not a trajectory; says which and why."""


class Diverged(ArithmeticError):
    """A run whose numbers stopped being finite; says when, which variable and the usual cure."""


def check_finite(values: np.ndarray, name: str, when: str, cure: str) -> None:
    """Raise Diverged unless every entry of `values` (B, ...) is finite; names the member that is not."""
    if not np.isfinite(values).all():
        bad = np.flatnonzero(~np.isfinite(values).reshape(len(values), -1).all(-1))
        member = f" in member {bad[0]} of the batch" if len(values) > 1 else ""
        raise Diverged(f"{name} diverged at {when}{member}; try {cure}")


def as_trajectory(
    computed: Mapping[str, Computed],
    variables: Mapping[str, "Variable"],
    *,
    name: str,
    title: str,
    parameters: list[dict[str, Any]],
    seeds: list[int],
    only: Collection[str] | None = None,
) -> xr.Dataset:
    """A Dataset with a leading `batch` dimension of what a simulation computed, held to its declaration.

    With `only`, of these variables and the coordinates. Raises TrajectoryError where an array is undeclared,
    missing, of another shape than declared, or holds neither numbers nor words; Diverged where one is not
    finite.
    """
    if not isinstance(computed, Mapping):
        raise TrajectoryError(f"{name} must compute a dict of arrays; got {computed!r}")
    declared = {key: declaration(key, variables) for key in computed}
    missing = [key for key in variables if "{" not in key and key not in computed]
    if missing:
        raise TrajectoryError(f"{name} declares {', '.join(missing)} but did not compute it")
    dataset = xr.Dataset()
    for key, array in computed.items():
        dims, meaning, symbol, unit = declared[key]
        coordinate = dims == (key,)
        if not (coordinate or only is None or key in only):
            continue
        array = np.asarray(array() if callable(array) else array)
        full = dims if coordinate else ("batch", *dims)
        if array.ndim != len(full):
            raise TrajectoryError(f"{name}.{key} must have dimensions {full}; got shape {array.shape}")
        if not coordinate and len(array) != len(parameters):
            runs = f"{len(parameters)} run{'s' * (len(parameters) > 1)}"
            raise TrajectoryError(f"{name}.{key} must have one row for each of {runs}; got {len(array)}")
        if array.dtype.kind not in "fiubU":
            raise TrajectoryError(f"{name}.{key} must hold real numbers or words; got {array.dtype}")
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise Diverged(f"{name}.{key} did not stay finite; try smaller steps or milder parameters")
        labels = {"long_name": meaning, "symbol": symbol, "units": unit}
        dataset[key] = xr.Variable(full, array, labels)
    dataset.attrs = {
        "simulation": name,
        "title": title,
        "parameters": json.dumps(parameters),
        "seed": seeds,
        "versions": json.dumps(versions()),
        "revision": revision(),
    }
    return dataset


def declaration(key: str, variables: Mapping[str, "Variable"]) -> "Variable":
    """The declaration of a variable, a layer's number filled in for `{l}`."""
    if key in variables:
        return variables[key]
    for name, (dims, meaning, symbol, unit) in variables.items():
        layer = re.fullmatch(re.escape(name).replace(r"\{l\}", r"(\d+)"), key)
        if "{l}" in name and layer:

            def numbered(text: str, l: int = int(layer[1])) -> str:
                return text.replace("{l-1}", str(l - 1)).replace("{l}", str(l))

            return type(variables[name])(tuple(map(numbered, dims)), numbered(meaning), symbol, unit)
    raise TrajectoryError(f"{key} is computed but not declared in variables")


@cache
def versions() -> dict[str, str]:
    """The versions that fix a run's bytes."""
    return {"python": python_version(), "numpy": version("numpy"), "scipy": version("scipy"), "sims": _own()}


def _own() -> str:
    try:
        return version("learning-dynamics")
    except PackageNotFoundError:
        return "not installed"


@cache
def revision() -> str:
    """The source's git revision, `+` where it was changed since; else the package's version."""
    here = Path(__file__).parent
    try:
        described = subprocess.run(
            ["git", "-C", str(here), "describe", "--always", "--abbrev=12", "--dirty=+", "--exclude=*"],
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return f"release {_own()}"
    return described.stdout.strip()


def digest(trajectory: xr.Dataset) -> str:
    """SHA-256 over every name, dimension, type, value and label: equal digests, equal trajectories."""
    sha = hashlib.sha256(_plain(trajectory.attrs))
    for key in sorted(map(str, trajectory.variables)):
        v = trajectory.variables[key]
        text = v.dtype.kind not in "fiub"
        values = json.dumps(v.values.tolist()).encode() if text else np.ascontiguousarray(v.values).tobytes()
        sha.update(_plain([key, v.dims, v.shape, "text" if text else v.dtype.str, v.attrs]))
        sha.update(values)
    return sha.hexdigest()


def _plain(labels: object) -> bytes:
    """Labels as bytes, however a file gave them back: an array and a list are one."""
    return json.dumps(labels, sort_keys=True, default=lambda value: value.tolist()).encode()


def save(trajectory: xr.Dataset, path: str | os.PathLike[str]) -> Path:
    """Write a trajectory as NetCDF-4 (gzip, shuffle, digest), whole or not at all, always the same bytes.

    A path that ends in .zarr becomes a Zarr store (format 2). Raises OSError where the path can't be written,
    naming it.
    """
    if Path(path).suffix == ".zarr":
        return _save_store(trajectory.assign_attrs(digest=digest(trajectory)), Path(path))
    packed = {"zlib": True, "shuffle": True, "fletcher32": True}
    encoding = {
        str(key): packed for key, v in trajectory.variables.items() if v.dtype.kind in "fiub" and v.ndim
    }
    sealed = trajectory.assign_attrs(digest=digest(trajectory))
    with _alone():
        data = sealed.to_netcdf(engine="h5netcdf", encoding=encoding)
    return write_whole(path, bytes(data))


def _alone() -> AbstractContextManager[Any]:
    """Write without the locks that xarray would ask of a Dask client, where there is one."""
    try:
        from dask import config
    except ImportError:
        return nullcontext()
    context: AbstractContextManager[Any] = config.set(scheduler="synchronous")
    return context


def _save_store(sealed: xr.Dataset, path: Path) -> Path:
    """Write a Zarr store beside its final name, then rename: the old store or the new one, whole."""
    final = path.resolve()
    try:
        with tempfile.TemporaryDirectory(dir=final.parent, prefix=f".{final.name}.") as beside:
            sealed.to_zarr(Path(beside) / "new", zarr_format=2)
            if final.exists():
                final.rename(Path(beside) / "old")
            (Path(beside) / "new").rename(final)
    except OSError as error:
        raise OSError(error.errno, f"cannot write {path}: {error.strerror}") from None
    return path


def check_writable(path: str | os.PathLike[str]) -> None:
    """Raise OSError, naming the path and the cure, unless a file can be written there."""
    path = Path(path)
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder; give the name of a file in it")
    if path.exists() and not path.is_file():
        raise FileExistsError(f"{path} is not a file; give another name")
    if not path.parent.exists():
        raise FileNotFoundError(f"the folder {path.parent} does not exist; make it or write elsewhere")
    if not path.parent.is_dir():
        raise NotADirectoryError(f"{path.parent} is not a folder; write elsewhere")
    try:
        tempfile.TemporaryFile(dir=path.parent).close()
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
    path = Path(path)
    if path.is_dir():
        return _sealed(_load_store(path), path)
    if not path.exists():
        raise FileNotFoundError(f"{path} does not exist")
    if not path.is_file():
        raise TrajectoryError(f"{path} is not a file")
    with path.open("rb") as file:
        head = file.read(8)
    if head != b"\x89HDF\r\n\x1a\n":
        what = next((what for mark, what in SIGNATURES.items() if head.startswith(mark)), "not NetCDF-4")
        raise TrajectoryError(f"{path} is not a trajectory: it is {what if head else 'empty'}")
    try:
        # what HDF5 cannot read must not reach h5netcdf, which would print a traceback on its own
        with h5py.File(path) as file:
            dict(file.attrs)
        with xr.open_dataset(path, engine="h5netcdf", decode_times=False, phony_dims="access") as dataset:
            trajectory = dataset.load()
    except (OSError, KeyError, ValueError, RuntimeError, AttributeError, TypeError) as error:
        raise TrajectoryError(f"{path} is damaged: {str(error).splitlines()[0]}") from None
    return _sealed(trajectory, path)


def _load_store(path: Path) -> xr.Dataset:
    if not (path / ".zgroup").exists() and not (path / "zarr.json").exists():
        raise IsADirectoryError(f"{path} is a folder, not a trajectory")
    try:
        # what zarr warns of, a component that lacks its description, breaks the seal
        with (
            warnings.catch_warnings(action="ignore"),
            xr.open_zarr(path, decode_times=False, consolidated=False, chunks=None) as dataset,
        ):
            trajectory: xr.Dataset = dataset.load()
            return trajectory
    except (OSError, KeyError, ValueError, RuntimeError, TypeError) as error:
        said = (str(error).splitlines() or [type(error).__name__])[0]
        raise TrajectoryError(f"{path} is damaged, or was not written to its end: {said}") from None


def _sealed(trajectory: xr.Dataset, path: Path) -> xr.Dataset:
    """The trajectory without its seal, which must be unbroken."""
    seal = trajectory.attrs.pop("digest", None)
    check(trajectory, str(path))
    if seal not in (None, digest(trajectory)):
        raise TrajectoryError(f"{path} is damaged: its content is not what was saved")
    return trajectory


def check(trajectory: xr.Dataset, name: str) -> None:
    """Raise TrajectoryError unless the Dataset has our provenance and every variable its labels."""
    lacking: Sequence[str] = [key for key in PROVENANCE if key not in trajectory.attrs]
    if lacking:
        raise TrajectoryError(
            f"{name} is no trajectory of ours: it lacks the attributes {', '.join(lacking)}"
        )
    for key, v in trajectory.variables.items():
        if "long_name" not in v.attrs:
            raise TrajectoryError(f"{name} is no trajectory of ours: {key} has no long_name")
