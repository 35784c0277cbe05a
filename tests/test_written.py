"""A file or folder takes its place whole; what a killed writer left goes when the same is written again."""

import os
import signal
import subprocess
import sys

import pytest

from scenes._formats import written

WRITES = """
import sys, time
from pathlib import Path
from scenes._formats import written

with written(Path(sys.argv[1]), sys.argv[2] == "folder") as beside:
    (beside / "1" if beside.is_dir() else beside).write_bytes(b"half")
    print(beside, flush=True)
    time.sleep(60)
"""


@pytest.fixture
def writer(tmp_path):
    """Begins to write in a process of its own; gives the process and what it writes to."""
    began = []

    def begin(name, kind):
        command = [sys.executable, "-c", WRITES, str(tmp_path / name), kind]
        began.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
        return began[-1], tmp_path / began[-1].stdout.readline().strip()

    yield begin
    for process in began:
        process.kill()
        process.wait()
        process.stdout.close()


def write(path, kind):
    with written(path, kind == "folder") as beside:
        (beside / "1" if kind == "folder" else beside).write_bytes(b"whole")


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_what_a_killed_writer_left_goes_and_what_another_writes_or_wrote_elsewhere_stays(
    tmp_path, writer, kind
):
    killed, left = writer("clip", kind)
    other, elsewhere = writer("clip.2", kind)
    _, alive = writer("clip", kind)
    for process in (killed, other):
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    write(tmp_path / "clip", kind)
    assert sorted(tmp_path.iterdir()) == sorted([alive, elsewhere, tmp_path / "clip"])
    write(tmp_path / "clip.2", kind)
    assert sorted(tmp_path.iterdir()) == sorted([alive, tmp_path / "clip", tmp_path / "clip.2"])
    assert left not in tmp_path.iterdir()


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_where_nothing_can_be_locked_all_is_written_and_nothing_swept(tmp_path, monkeypatch, kind):
    def unlockable(*args):
        raise OSError(9, "Bad file descriptor")

    monkeypatch.setattr("fcntl.flock", unlockable)
    left = tmp_path / ".clip.abc.part"
    left.touch()
    write(tmp_path / "clip", kind)
    assert sorted(tmp_path.iterdir()) == [left, tmp_path / "clip"]


def test_a_name_with_the_signs_of_a_pattern_is_a_name(tmp_path):
    left = tmp_path / ".clip[1].abc.part"
    other = tmp_path / ".clip1.abc.part"
    for path in (left, other):
        path.touch()
        os.utime(path, (0, 0))
    write(tmp_path / "clip[1]", "file")
    assert sorted(tmp_path.iterdir()) == [other, tmp_path / "clip[1]"]
