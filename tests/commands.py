"""The `sims` command as a test meets it."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

Run = Callable[..., tuple[int, str, str]]


def files(folder: Path) -> list[Path]:
    """What lies in a folder, but for the bytecode Python keeps of a user's own file."""
    return sorted(path for path in folder.iterdir() if path.name != "__pycache__")


def shell(*words: object, cwd: Path, **options: object) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own."""
    line = [sys.executable, "-m", "sims", *map(str, words)]
    return subprocess.run(line, cwd=cwd, capture_output=True, text=True, timeout=60, **options)  # type: ignore[call-overload, no-any-return]
