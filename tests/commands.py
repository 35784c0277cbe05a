"""The `sims` command as a test meets it."""

import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time
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


def on_a_terminal(words: list[str], cwd: Path, columns: int = 80) -> tuple[subprocess.Popen[bytes], int]:
    """The command on a terminal of its own, which Ctrl-C reaches as from a keyboard."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))

    def take_over() -> None:
        os.setsid()
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    clean = {key: value for key, value in os.environ.items() if key not in ("COLUMNS", "LINES")}
    process = subprocess.Popen(
        [sys.executable, "-m", "sims", *words],
        cwd=cwd,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        preexec_fn=take_over,
        env=clean | {"TERM": "xterm"},
    )
    os.close(theirs)
    return process, ours


def read(terminal: int, until: Callable[[str], bool], seconds: float = 30) -> str:
    seen, deadline = b"", time.monotonic() + seconds
    while time.monotonic() < deadline and not until(seen.decode(errors="replace")):
        if select.select([terminal], [], [], 0.1)[0]:
            try:
                seen += os.read(terminal, 4096)
            except OSError:  # the other side is gone
                break
    return seen.decode(errors="replace")
