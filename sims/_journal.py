"""A sweep on disk while it runs: its parts, each written whole, beside the file they will become.

`sweep.nc.part` holds what is to be computed (`plan.json`) and what is so far (`000017.npz`, a batch of points
each). A process that is killed leaves whole parts; another goes on from them. One process writes at a time.
"""

import fcntl
import glob
import io
import json
import os
import secrets
import shutil
import struct
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Any, NamedTuple, Self

import numpy as np
import xarray as xr
from numpy.lib.format import read_array_header_1_0, read_magic

from sims._file import UNDONE, write_whole
from sims._sealed import Damaged, seal, unseal
from sims._simulation import ParameterError
from sims._trajectory import SLAB

Plan = dict[str, Any]
RANDOM = "[a-z0-9_]" * 8  # what names of temporary files are made unique by


class Part(NamedTuple):
    """Some points of a sweep: their places in it, why each failed (or ""), and what is kept of the others."""

    points: np.ndarray
    failure: list[str]
    kept: xr.Dataset  # along `batch`, of the points that did not fail


def pack(part: Part) -> bytes:
    """A part as a sealed .npz without pickles: plain arrays, and their labels as JSON."""
    arrays = {f"variable {name}": v.values for name, v in part.kept.variables.items()}
    labels = {
        str(name): [v.dims, v.attrs, name in part.kept.coords] for name, v in part.kept.variables.items()
    }
    said = {"points": part.points, "failure": np.array(part.failure), "labels": np.array(json.dumps(labels))}
    file = io.BytesIO()
    np.savez(file, allow_pickle=False, **arrays, **said)
    return seal(file.getbuffer())


def unpack(path: Path) -> Part:
    """The part in a file. Raises Damaged where it is not what was packed, and OSError."""
    unseal(path)
    return mapped(path)


def mapped(path: Path) -> Part:
    """The part in a file whose seal is unbroken; what is large of it stays there until it is read."""
    large = path.stat().st_size > SLAB
    data: np.ndarray = np.memmap(path, np.uint8, "r") if large else np.fromfile(path, np.uint8)
    with zipfile.ZipFile(path) as archive:
        arrays = {info.filename[: -len(".npy")]: _array(data, archive, info) for info in archive.infolist()}
    labels = json.loads(str(arrays["labels"]))
    found = {name: (dims, arrays[f"variable {name}"], attrs) for name, (dims, attrs, _) in labels.items()}
    kept = xr.Dataset(found).set_coords([name for name, (*_, along) in labels.items() if along])
    return Part(np.array(arrays["points"]), arrays["failure"].tolist(), kept)


def _array(data: np.ndarray, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> np.ndarray:
    """An array of an .npz where it lies: numpy stores it as it is, after a header."""
    with archive.open(info) as member:
        read_magic(member)
        shape, fortran, dtype = read_array_header_1_0(member)
        header = member.tell()
    at = info.header_offset
    name, more = struct.unpack_from("<HH", data.data, at + 26)  # lengths of what stands before the member
    return np.ndarray(shape, dtype, data, at + 30 + name + more + header, order="F" if fortran else "C")


def part_of(output: Path) -> Path:
    """Where the parts lie of a sweep that will become `output`."""
    whole = output.resolve()
    return whole.with_name(f"{whole.name}.part")


def begun(output: Path) -> bool:
    """Whether there are parts of it."""
    return any(part_of(output).glob("*.npz"))


class Journal:
    """The parts of a sweep that will become `output`; entered, it is this process's alone.

    Points that failed are in no part any more where `retry_failed` asks for them.

    Raises FileExistsError where another process writes it, where parts lie there and neither `resume` nor
    `retry_failed` was asked for, and where they belong to another sweep.
    """

    def __init__(self, output: Path, plan: Plan, resume: bool, retry_failed: bool = False) -> None:
        self.output, self.plan = output, plan
        self.resume, self.retry_failed = resume or retry_failed, retry_failed
        self.folder = part_of(output)
        self.parts: list[Part] = []
        self._fresh = True  # nothing was there before
        self._lock: IO[str]

    def __enter__(self) -> Self:
        while not self._locked():
            pass  # another process was done just now, and took the folder away
        try:
            self._begin()
        except BaseException:
            self._lock.close()
            raise
        return self

    def _locked(self) -> bool:
        """Lock the folder; false where it was removed before that came about."""
        self.folder.mkdir(exist_ok=True)
        path = self.folder / "lock"
        try:
            self._lock = path.open("a+")
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if path.stat().st_ino == os.fstat(self._lock.fileno()).st_ino:
                return True
        except FileNotFoundError:
            return False
        except BlockingIOError:
            self._lock.close()
            raise FileExistsError(f"{self.output} is being written by another process") from None
        self._lock.close()
        return False

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        nothing_worth = self._fresh and isinstance(error, (ParameterError, LookupError))
        if not self.parts or nothing_worth:
            self.remove()
        self._lock.close()

    def _begin(self) -> None:
        for left in self.folder.glob(".*"):  # by a process that was killed while it wrote
            left.unlink()
        for undone in self.folder.parent.glob(f".{glob.escape(self.folder.stem)}.{RANDOM}{UNDONE}"):
            shutil.rmtree(undone, ignore_errors=True)
        path = self.folder / "plan.json"
        if not path.exists() and not begun(self.output):
            write_whole(path, json.dumps(self.plan).encode())
        try:
            planned = json.loads(path.read_bytes())
        except (ValueError, FileNotFoundError):
            state = "damaged" if path.exists() else "missing"
            raise FileExistsError(
                f"{path} is {state}, so that whose parts lie beside it is not known: "
                f"remove {self.folder.name}"
            ) from None
        self.parts = list(self._found())
        self._fresh = not self.parts
        if self.parts and not self.resume:
            done = sum(len(part.points) for part in self.parts)
            raise FileExistsError(
                f"{self.folder.name} holds a sweep that was interrupted after {done:,} of its points: "
                "--resume goes on with it; to begin anew, remove that folder"
            )
        differ = [key for key in planned if planned[key] != json.loads(json.dumps(self.plan)).get(key)]
        anew = self.retry_failed and all(all(part.failure) for part in self.parts)  # nothing came out so far
        if differ and self.parts and not (anew and differ == ["source"]):
            raise FileExistsError(
                f"{self.folder.name} belongs to another sweep, which differs in {', '.join(differ)}: "
                "ask for that one, or remove the folder"
            )
        if self.retry_failed:
            self.parts = [part for part in map(self._without_failures, self.parts) if len(part.points)]
        if differ:
            write_whole(path, json.dumps(self.plan).encode())

    def _without_failures(self, part: Part) -> Part:
        """A part as it is without the points that failed, on disk first."""
        fine = np.array(part.failure) == ""
        if fine.all():
            return part
        before, left = self._place(part), Part(part.points[fine], [""] * int(fine.sum()), part.kept)
        if fine.any():
            write_whole(self._place(left), pack(left))
        if not fine[0]:
            before.unlink()
        return left

    def _place(self, part: Part) -> Path:
        return self.folder / f"{part.points[0]:09}.npz"

    def _found(self) -> Iterator[Part]:
        """The parts that are there; what is damaged is to be computed again."""
        for path in sorted(self.folder.glob("*.npz")):
            try:
                yield unpack(path)
            except (OSError, Damaged):
                path.unlink()

    def keep(self, part: Part) -> None:
        """Add a part, on disk first."""
        path = write_whole(self._place(part), pack(part))
        self.parts.append(mapped(path) if part.kept.nbytes > SLAB else part)

    def hint(self) -> str:
        """What an interrupted sweep's user wants to know."""
        done = sum(len(part.points) for part in self.parts)
        return f"; --resume goes on with the points kept in {self.folder.name}: {done:,}" if done else ""

    def remove(self) -> None:
        """The sweep is written, or was a mistake: its parts are no longer needed, and go all at once."""
        gone = self.folder.with_name(f".{self.folder.stem}.{secrets.token_hex(4)}{UNDONE}")
        with suppress(OSError):
            self.folder.rename(gone)
        shutil.rmtree(gone, ignore_errors=True)
