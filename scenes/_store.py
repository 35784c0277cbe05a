"""A bounded folder of finished things by key, so that another process need not make them again.

A trajectory, the outlines of a line of text, a drawn piece of a film: whatever takes long to make and
follows from its key alone. Each is one file (or a folder of pictures), named by the key and written whole;
its time says when it was last used, and what was used longest ago goes first. All may vanish at any moment:
what is not found is made again.

    LEARNING_DYNAMICS_CACHE     the folder; otherwise the user's cache folder
    LEARNING_DYNAMICS_CACHE_GB  how much it may hold; 4 unless said

diskcache does as much, and more, with SQLite and pickle; joblib.Memory and cachelib pickle as well. A pickle
runs whatever code lies in the file, and SQLite's locks do not hold on the network's home folders of a
cluster, where pieces of one film are drawn by many machines.
"""

import atexit
import hashlib
import json
import multiprocessing
import os
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from platformdirs import user_cache_path

from sims._command import Mistyped
from sims._file import check_writable, write_whole

PLACE, BOUND = "LEARNING_DYNAMICS_CACHE", "LEARNING_DYNAMICS_CACHE_GB"
OURS = re.compile(r"\.?[0-9a-f]{64}\..+")  # a folder that is not ours alone loses nothing of its own
HOUR, DAY = 3600, 86400


def key(*what: object) -> str:
    """SHA-256 over numbers, texts, bytes, and lists and dicts of them: equal keys, equal things."""
    plain = json.dumps(what, sort_keys=True, default=lambda data: [hashlib.sha256(data).hexdigest()])
    return hashlib.sha256(plain.encode()).hexdigest()


class Store:
    """What is kept, by key and kind of file (`suffix`: ".nc", ".mkv")."""

    def __init__(self) -> None:
        named = os.environ.get(PLACE)
        self.folder = Path(named) if named else user_cache_path("learning-dynamics", appauthor=False)
        self.bound = _bound()

    def find(self, key: str, suffix: str) -> Path | None:
        """The file of a key, now marked as used; None where there is none."""
        path = self.folder / f"{key}{suffix}"
        try:
            os.utime(path)
        except OSError:
            return path if path.is_file() else None
        return path

    def room(self, key: str, suffix: str) -> Path:
        """Where the file of a key belongs, for one who writes beside it and renames.

        Where the cache can't be written, that is a folder which lives as long as the process.
        """
        if not _open(self.folder):
            os.environ[PLACE] = _spare()  # so that this process's children find it too
            self.folder = Path(os.environ[PLACE])
        return self.folder / f"{key}{suffix}"

    def keep(self, key: str, suffix: str, data: bytes) -> None:
        """Write the file of a key, whole or not at all; a full disk is no reason to stop."""
        try:
            write_whole(self.room(key, suffix), data)
        except OSError as error:
            why = os.strerror(error.errno) if error.errno else str(error)
            _warn(f"cannot write to {self.folder}: {why}; going on without keeping more")

    def tidy(self) -> None:
        """Remove what killed writers left, and beyond the bound what was used longest ago.

        What was used within the hour may be another process's and stays, unless it is twice the bound.
        """
        now, total = time.time(), 0
        for used, size, path in sorted(self._files(), reverse=True):
            if path.name.startswith("."):
                old = now - used > DAY
            else:
                total += size
                old = total > self.bound * (1 if now - used > HOUR else 2)
            if old:
                remove(path)

    def clear(self) -> int:
        """Forget everything; returns the bytes freed."""
        done = [size for _, size, path in self._files() if not path.name.startswith(".") and remove(path)]
        self.tidy()
        return sum(done)

    def _files(self) -> Iterator[tuple[float, int, Path]]:
        """Last use, size and path of every file of ours."""
        try:
            names = [name for name in os.listdir(self.folder) if OURS.fullmatch(name)]
        except OSError:
            return
        for path in map(self.folder.joinpath, names):
            try:
                found = path.stat()
            except OSError:
                continue  # gone since
            within = path.rglob("*") if path.is_dir() else ()
            yield found.st_mtime, sum((_size(inner) for inner in within), found.st_size), path


def _bound() -> float:
    """Bytes the folder may hold."""
    said = os.environ.get(BOUND, "4")
    try:
        gigabytes = float(said)
    except ValueError:
        gigabytes = -1
    if not gigabytes >= 0:
        raise Mistyped(f"{BOUND} must be a number of gigabytes; got {said}")
    return gigabytes * 1e9


@cache
def _open(folder: Path) -> bool:
    """Make the folder and see to it that it is tidied when the process ends; False where it can't be used."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        check_writable(folder / "file")
    except OSError as error:
        _warn(f"{error.strerror or error}: {folder} cannot keep anything; going on without it")
        return False
    atexit.register(Store.tidy, Store())
    return True


@cache
def _spare() -> str:
    folder = tempfile.mkdtemp(prefix="learning-dynamics-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


@cache
def _warn(line: str) -> None:
    """Say a thing once, not in each of the processes that draw."""
    if not multiprocessing.parent_process():
        print(f"scenes: {line}", file=sys.stderr)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def remove(path: Path) -> bool:
    """Remove a file or folder; False where it is not there or can't be removed."""
    try:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
    except OSError:
        return False
    return True
