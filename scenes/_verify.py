"""Whether a bundle is what it was: its files, what comes of its simulations run again, its clip's frames.

A bundle may come from anyone. Nothing that it names is imported or run but the simulations of this program
and of a film that the user gives; no file outside its folder is read.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xarray as xr

from scenes._bundle import Bundle, NoBundle, Simulated
from scenes._film import Film
from scenes._page import whole
from scenes._sums import NAME, DamagedSums, files, frames_sha256, sha256, sums
from sims import Diverged, ParameterError, Simulation, TrajectoryError, _discover, load
from sims._command import Mistyped
from sims._trajectory import digest, revision, versions


@dataclass(frozen=True)
class Finding:
    """What was looked at, whether it is right, and what was found; `str` gives the line to print."""

    what: str
    right: bool
    found: str

    def __str__(self) -> str:
        # a name may hold anything, even what moves a terminal's cursor
        line = f"{'same' if self.right else 'NOT ':4}  {self.what}: {self.found}"
        return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in line)


class NotOurs(LookupError):
    """A simulation that this program does not know, and so never runs."""


def verify(folder: Path, film: Path | None = None) -> Iterator[Finding]:
    """Check a bundle, finding by finding as each is made; the bundle is right if all of them are.

    `film` is the user's own file that the bundle was rendered from, for simulations that are not this
    program's: it is run. Raises Mistyped where there is no bundle, and what importing `film` raises.
    """
    if not (folder / NAME).is_file() and not (folder / "provenance.json").is_file():
        raise Mistyped(f"{folder} holds no bundle: it has neither provenance.json nor {NAME}")
    own = _classes(_discover.find("scenes", str(film), Film)) if film else {}
    yield from files_of(folder)
    try:
        bundle = Bundle.read(folder)
        whole(bundle)
    except NoBundle as error:
        yield Finding("provenance.json", False, f"{error}; nothing could be run again")
        return
    for name, told in bundle.simulations.items():
        yield from data_of(folder, name, told)
        yield run_again(bundle, name, told, own)
    yield frames_of(bundle)


def files_of(folder: Path) -> Iterator[Finding]:
    """Each file that is not what SHA256SUMS says, and how many are."""
    try:
        told = sums(folder)
    except FileNotFoundError:
        yield Finding(NAME, False, "is missing: nothing tells what the files were")
        return
    except DamagedSums as error:
        yield Finding(NAME, False, f"is damaged: {error}")
        return
    there, right = files(folder), 0
    for name, sealed in sorted(told.items()):
        if name not in there:
            yield Finding(name, False, "is missing, or is no plain file of this folder")
        elif sha256(folder / name) != sealed:
            yield Finding(name, False, f"was changed: its sum is not the {sealed[:12]}… it was")
        else:
            right += 1
    for name in there:
        if name not in told:
            yield Finding(name, False, f"is not in {NAME}: it was added later")
    if right == len(told):
        yield Finding("files", True, f"{right} of {right}, byte by byte")


def data_of(folder: Path, name: str, told: Simulated) -> Iterator[Finding]:
    """Whether the trajectory in the folder is the one that is told of; nothing where it is."""
    path = folder / told.trajectory
    if told.trajectory not in files(folder):
        yield Finding(name, False, f"{told.trajectory} is missing, or is no plain file of this folder")
        return
    try:
        if digest(load(path)) != told.sha256:
            yield Finding(
                name, False, f"{told.trajectory} is another trajectory than provenance.json tells of"
            )
    except TrajectoryError as error:
        yield Finding(name, False, str(error))


def run_again(bundle: Bundle, name: str, told: Simulated, own: dict[str, type[Simulation]]) -> Finding:
    """Run a simulation as it is told and hold what comes out against what came out then."""
    try:
        sim = _class(told.simulation, bundle.film, own)(**{p.name: p.value for p in told.parameters})
        run = sim.run()
    except NotOurs as error:
        return Finding(name, False, str(error))
    except (ParameterError, Diverged, TrajectoryError, MemoryError) as error:
        return Finding(name, False, f"cannot be run as it is told: {error}")
    # the digest is of the labels too, among which are the versions and the revision of then
    then = run.assign_attrs(versions=json.dumps(bundle.versions), revision=bundle.revision)
    others = _others(bundle)
    if digest(then) == told.sha256:
        return Finding(name, True, f"run again, every number and label{f'; {others}' if others else ''}")
    path = bundle.folder / told.trajectory
    try:
        compared = _compared(run, load(path)) if told.trajectory in files(bundle.folder) else ""
    except TrajectoryError:
        compared = ""
    what = compared or "another trajectory, and there is none to compare it with"
    return Finding(name, False, f"run again, {what}; {others or 'versions and revision are the same'}")


def frames_of(bundle: Bundle) -> Finding:
    """Whether the clip shows what it showed."""
    clip = bundle.folder / bundle.clip
    if clip.parent != bundle.folder or clip.is_symlink() or not clip.exists():
        return Finding(bundle.clip, False, "is missing, or is no plain file of this folder")
    try:
        found = frames_sha256(clip)
    except OSError as error:
        return Finding(bundle.clip, False, error.strerror or str(error))
    if found != bundle.frames_sha256:
        return Finding(bundle.clip, False, "its frames are not those that were drawn")
    return Finding(bundle.clip, True, f"{bundle.frames} frames, pixel by pixel")


def _class(named: str, film: str, own: dict[str, type[Simulation]]) -> type[Simulation]:
    """The simulation of that name, if it is one of ours or of the user's film. Raises NotOurs."""
    known = dict(own)
    module = named.partition(":")[0]
    subject = module.removeprefix("sims.")
    if module != subject and subject in _discover.subjects("sims"):
        kind = _discover.find("sims", subject, Simulation)
        known[f"{kind.__module__}:{kind.__qualname__}"] = kind
    elif film in _discover.subjects("scenes"):
        known |= _classes(_discover.find("scenes", film, Film))
    if named not in known:
        raise NotOurs(f"{named} is not of this program and was not run; give the film's own file to run it")
    return known[named]


def _classes(film: type[Film]) -> dict[str, type[Simulation]]:
    kinds = {type(sim) for sim in film.simulations().values()}
    return {f"{kind.__module__}:{kind.__qualname__}": kind for kind in kinds}


def _others(bundle: Bundle) -> str:
    """What is of another version here than it was there."""
    here = versions() | {"revision": revision()}
    there = bundle.versions | {"revision": bundle.revision}
    names = [name for name in here | there if here.get(name) != there.get(name)]
    return ", ".join(f"{name} was {there.get(name, 'none')}, is {here.get(name, 'none')}" for name in names)


def _compared(now: xr.Dataset, then: xr.Dataset) -> str:
    """In what two trajectories differ: variables, shapes, numbers and by how much, or labels."""
    names = sorted(map(str, set(now.variables) ^ set(then.variables)))
    if names:
        return f"only one of the two has {', '.join(names)}"
    differing = []
    for name in sorted(map(str, now.variables)):
        a, b = now.variables[name], then.variables[name]
        if a.shape != b.shape:
            return f"{name} has shape {a.shape}, it was {b.shape}"
        if not np.array_equal(a.values, b.values):
            numbers = a.dtype.kind in "fiu" and b.dtype.kind in "fiu"
            apart = float(np.abs(a.values.astype(float) - b.values).max()) if numbers else 0.0
            differing.append((apart, name))
    if not differing:
        return "the same numbers, under other labels"
    apart, name = max(differing)
    return f"other numbers: {len(differing)} of {len(now.variables)} variables, {name} by up to {apart:.3g}"
