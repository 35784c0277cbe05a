"""Trajectories, run once however many films, processes and days ask for them.

What was run is kept on disk (scenes/_store.py) under a key of all it follows from: the simulation's class
and parameters, every line of source it stands on, the versions of Python and of the libraries. NetCDF takes
half a second to read thirty variables, and numpy's own format ten milliseconds: so it is the latter here.
"""

import ast
import json
import os
import sys
import sysconfig
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from importlib.metadata import version
from io import BytesIO
from pathlib import Path
from time import perf_counter, time
from types import ModuleType
from typing import Any, TypeVar

import numpy as np
import xarray as xr
from numpy.typing import NDArray

import sims
from scenes._store import Store, key
from sims import Simulation
from sims._sealed import Damaged, seal, unseal
from sims._trajectory import revision, versions

Array = NDArray[Any]
T = TypeVar("T")
BEGAN = time()
LIBRARIES = {Path(sysconfig.get_path(name)) for name in ("stdlib", "purelib", "platlib")}
WORTH = 0.05  # seconds: what runs quicker is run again in about the time it takes to load


# the keys of what was run since all was to be; None where what is kept will do
_anew: ContextVar[set[str] | None] = ContextVar("_anew", default=None)


@contextmanager
def afresh() -> Iterator[None]:
    """Within this block every trajectory is run again, once, and takes the place of what was kept."""
    trajectory_of.cache_clear()
    trajectories_of.cache_clear()
    token = _anew.set(set())
    try:
        yield
    finally:
        _anew.reset(token)


@lru_cache(maxsize=64)
def trajectory_of(sim: Simulation) -> xr.Dataset:
    """A simulation's trajectory, computed once however many films ask for it."""
    return _kept(sim.run, type(sim), dict(sim))


@lru_cache(maxsize=16)
def trajectories_of(sim: Simulation, seeds: tuple[int, ...]) -> xr.Dataset:
    """The same simulation from several seeds, side by side (batch, …)."""
    members = [sim.model_copy(update={"seed": seed}) for seed in seeds]
    return _kept(lambda: type(sim).run_batch(members), type(sim), [dict(member) for member in members])


def _kept(run: Callable[[], xr.Dataset], kind: type[Simulation], parameters: object) -> xr.Dataset:
    """The trajectory from the store, else run and kept; the same to the bit, the label and the order."""
    source = source_of(kind, Simulation, sims)
    if source is None:
        return _unpacked(*_packed(run()))
    libraries = [versions(), version("scikit-learn")]
    store, name = Store(), key("trajectory", kind.__qualname__, parameters, source, libraries)
    path, anew = store.find(name, ".npz"), _anew.get()
    if path and (anew is None or name in anew):
        try:
            return _read(path)
        except (OSError, Damaged):
            pass  # or gone since: run again and replaced
    began = perf_counter()
    labels, arrays = _packed(run())
    trajectory = _unpacked(labels, arrays)
    if path or perf_counter() - began > WORTH:
        file = BytesIO()
        np.savez(file, np.array(json.dumps(labels)), *arrays, allow_pickle=False)
        store.keep(name, ".npz", seal(file.getvalue()))
        if anew is not None:
            anew.add(name)
    return trajectory


def _packed(trajectory: xr.Dataset) -> tuple[dict[str, Any], list[Array]]:
    """A trajectory as its labels and its arrays, these laid out alike whoever made them.

    How an array lies in memory can move the last bit of what is computed from it.
    """
    variables = trajectory.variables
    labels = {
        "attrs": trajectory.attrs,
        "variables": [
            [name, list(v.dims), v.attrs, name in trajectory.coords] for name, v in variables.items()
        ],
    }
    return labels, [np.array(v.values, order="C") for v in variables.values()]


def _unpacked(labels: dict[str, Any], arrays: Iterable[Array]) -> xr.Dataset:
    sides: tuple[dict[str, xr.Variable], ...] = {}, {}
    for (name, dims, attrs, coordinate), array in zip(labels["variables"], arrays, strict=True):
        sides[coordinate][name] = xr.Variable(dims, array, attrs)
    return xr.Dataset(*sides, labels["attrs"])


def _read(path: Path) -> xr.Dataset:
    """What was kept, with the revision of now, whose source is the same."""
    with np.load(unseal(path), allow_pickle=False) as file:
        first, *others = file.files
        labels = json.loads(str(file[first]))
        trajectory = _unpacked(labels, (file[each] for each in others))
    return trajectory.assign_attrs(revision=revision())


def source_of(kind: type[T], root: type[T], *packages: ModuleType, apart: Iterable[Path] = ()) -> str | None:
    """Digest of every file a class stands on: the packages whole, a user's own file and its neighbours.

    What lies in the packages but stands `apart`, as films do, counts only where one of these imports it.
    What `root` itself stands on is the packages'. None where the files can't be told: for a class typed in
    at a prompt, made in a function, or changed on disk since it may have been imported.
    """
    aside = {path.stem: path for path in apart}
    folders = [Path(folder) for package in packages for folder in package.__path__]
    shared = {path for folder in folders for path in folder.rglob("*.py")} - set(aside.values())
    own: set[Path] = set()
    for base in kind.__mro__:
        if issubclass(root, base):
            continue
        module = sys.modules.get(base.__module__)
        file = getattr(module, "__file__", None)
        if file is None or getattr(module, base.__qualname__, None) is not base:
            return None
        if Path(file) not in shared:
            own |= {Path(file), *_neighbours(Path(file).parent, [*folders, *LIBRARIES])}
    try:
        reached: set[Path] = set()
        while own - reached:
            path = (own - reached).pop()
            reached.add(path)
            own |= {aside[stem] for stem in _imported(path) & aside.keys()}
        files = shared | own
        if any(path.stat().st_mtime > BEGAN for path in files):
            return None
        return key([[path.name, path.read_bytes()] for path in sorted(files)])
    except (OSError, SyntaxError):
        return None


def _neighbours(home: Path, others: list[Path]) -> set[Path]:
    """What was imported from a folder and from below it, but not from the others, nor as another subject."""
    loaded = {
        str(getattr(module, "__file__", None))
        for name, module in list(sys.modules.items())
        if not name.startswith("own.")
    }
    files = {Path(file) for file in loaded if file.startswith(f"{home}{os.sep}")}
    return {path for path in files if not any(path.is_relative_to(other) for other in others)}


def _imported(path: Path) -> set[str]:
    """The last names of all that a file imports, anywhere in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            found |= {name.name for name in node.names}
    return {name.rpartition(".")[2] for name in found}
