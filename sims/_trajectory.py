"""What makes an xarray Dataset a trajectory: labels, units and provenance."""

import hashlib
import json
import re
import subprocess
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from itertools import product
from pathlib import Path
from platform import python_version
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

if TYPE_CHECKING:
    from sims._simulation import Variable

PROVENANCE = ("simulation", "parameters", "seed", "versions", "revision")

SLAB = 2**20  # bytes that are read, summed and written at once
Place = tuple[slice, ...]  # of one in a variable

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


def digest(trajectory: xr.Dataset, seen: Callable[[str, Place, np.ndarray], object] | None = None) -> str:
    """SHA-256 over every name, dimension, type, value and label: equal digests, equal trajectories.

    Numbers are read a slab at a time; `seen` is given each on the way, with its variable and place.
    """
    sha = hashlib.sha256(_plain(trajectory.attrs))
    for key in sorted(map(str, trajectory.variables)):
        v = trajectory.variables[key]
        text = v.dtype.kind not in "fiub"
        sha.update(_plain([key, v.dims, v.shape, "text" if text else v.dtype.str, v.attrs]))
        if text:
            sha.update(json.dumps(v.values.tolist()).encode())
            continue
        for place in slabs(v.shape, v.dtype.itemsize):
            values = np.ascontiguousarray(v[place].values)
            sha.update(values.reshape(-1).data)
            if seen:
                seen(key, place, values)
    return sha.hexdigest()


def slab(shape: tuple[int, ...], itemsize: int) -> tuple[int, ...]:
    """The shape of equal pieces, of at most SLAB bytes, that lie one behind the other in memory."""
    room, sizes = SLAB // itemsize, []
    for n in reversed(shape):
        pieces = -(-n // room) if room else n
        sizes.append(-(-n // max(pieces, 1)))
        room = room // n if pieces == 1 else 0
    return tuple(reversed(sizes))


def slabs(shape: tuple[int, ...], itemsize: int) -> Iterator[Place]:
    """Their places, in the order of memory."""
    steps = [
        [slice(i, min(i + size, n)) for i in range(0, n, max(size, 1))]
        for n, size in zip(shape, slab(shape, itemsize))
    ]
    return product(*steps)


def _plain(labels: object) -> bytes:
    """Labels as bytes, however a file gave them back: an array and a list are one."""
    return json.dumps(labels, sort_keys=True, default=lambda value: value.tolist()).encode()


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
