"""What stops a render is told in one line, and what was finished before is not drawn again."""

import ctypes
import os
import subprocess
import sys
from pathlib import Path

import av
import pytest

from scenes import _cluster
from scenes._formats import telling

FILM = '''"""Does it end well?"""

import multiprocessing
import os
import signal

from scenes._film import Advance, Film
from scenes.parts.curve import Curve
from sims import Kuramoto


class Fatal(Advance):
    """Ends the process that draws it, in the middle of a piece."""

    def interpolate_mobject(self, alpha):
        if alpha > 0.5 and multiprocessing.parent_process():
            os.kill(os.getpid(), signal.SIGKILL)
        super().interpolate_mobject(alpha)


class Three(Film):
    """Three beats, and trouble in the last but one."""

    question = "Does it end well?"
    clocks = Kuramoto(n=5, frequencies="equal", K=1.0, steps=200)

    def construct(self):
        self.add(self.title)
        run = self.run(self.clocks)
        end = float(run.time[-1])
        chart = Curve(run, "r", (-4, -1.5, 8, 3), (0, end), (0, 1), "agreement r", "time")
        for name in ("one", "two", "three", "four"):
            self.beat(name, f"This is {name}.")
            trouble = os.environ.get("TROUBLE") if name == "three" and self.renderer.draw else None
            if trouble == "memory":
                bytearray(1 << 62)
            if trouble == "killed" and multiprocessing.parent_process():
                os.kill(os.getpid(), signal.SIGKILL)
            course = Fatal if trouble == "killed midway" else Advance
            self.play(course(chart, 0, end, run_time=1))
'''
UNTOUCHABLE = 1, 2  # capabilities of root to write and to read everywhere
PR_CAPBSET_DROP = 24


def no_longer_root():
    """What root may do everywhere, the process to be started may not."""
    if os.geteuid() == 0:
        for capability in UNTOUCHABLE:
            ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)


@pytest.fixture
def folder(tmp_path) -> Path:
    (tmp_path / "three.py").write_text(FILM)
    return tmp_path


def render(folder: Path, *options: str, within: tuple[str, ...] = (), program="", **settings: str):
    """Render the film to `out` with the cache in `cache`; `program` runs before, in the same process."""
    code = f"import sys\n{program}\nfrom scenes.__main__ import main\nif __name__ == '__main__': main()"
    (folder / "command.py").write_text(code)
    command = [
        sys.executable,
        "command.py",
        "render",
        "./three.py",
        "--quality",
        "draft",
        "--without",
        "all",
        "-o",
        "out",
    ]
    return subprocess.run(
        [*within, *command, *options],
        cwd=folder,
        env={**os.environ, "LEARNING_DYNAMICS_CACHE": str(folder / "cache"), **settings},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        preexec_fn=no_longer_root,
    )


def told(done: subprocess.CompletedProcess, status: int) -> str:
    assert done.returncode == status, done.stderr
    (line,) = done.stderr.strip().splitlines()
    return line


def drawn(done: subprocess.CompletedProcess) -> int:
    """How many of the frames were drawn."""
    assert done.returncode == 0, done.stderr
    line = done.stdout.splitlines()[1]
    return 0 if line == "every frame had been drawn before" else int(line.split(" of ")[0])


def is_clean(folder: Path) -> bool:
    """Whether nothing half done lies beside the clip, or among the pieces."""
    return not [*folder.glob("out/*"), *folder.glob("cache/.*")]


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_without_memory_finished_pieces_are_kept(folder, jobs):
    line = told(render(folder, "--jobs", jobs, TROUBLE="memory"), 1)
    assert line == "scenes: not enough memory: the machine has none left; ask for less at once"
    assert is_clean(folder)
    kept = 15 * len(list(folder.glob("cache/*.piece.mp4")))
    assert kept == 30 or jobs == "2"  # whose first process may have been on its way
    assert drawn(render(folder)) == 60 - kept


@pytest.mark.parametrize("trouble", ["killed", "killed midway"])
def test_where_the_system_kills_what_draws_again_and_again_finished_pieces_are_kept(folder, trouble):
    line = told(render(folder, "--jobs", "2", TROUBLE=trouble), 1)
    assert "a process that draws was killed 3 times at 2.0 s of ./three.py: out of memory?" in line
    assert is_clean(folder)
    assert drawn(render(folder)) == 30


def test_what_stops_a_worker_of_a_cluster_can_be_read_by_us(monkeypatch):
    """FFmpeg's own errors, which led to it, cannot be sent."""
    pickled = pytest.importorskip("distributed.protocol.pickle")

    def full(*_):
        with telling(Path("a.mp4")):
            raise av.error.OSError(28, "No space left on device", "a.mp4")

    monkeypatch.setattr(_cluster, "draw", full)
    with pytest.raises(OSError, match=r"cannot write a\.mp4") as told:
        _cluster.drawn(None, [], None, False)
    error = pickled.loads(pickled.dumps(told.value))
    assert (type(error), error.args) == (OSError, told.value.args)


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_where_no_piece_can_be_as_large_the_piece_is_named(folder, jobs):
    program = (
        "import resource, signal\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (6_000, 6_000))"
    )
    assert drawn(render(folder, "--to", "two")) == 30
    line = told(render(folder, "--jobs", jobs, program=program), 1)
    assert line.startswith(f"scenes: cannot write {folder / 'cache'}")
    assert "File too large" in line
    assert drawn(render(folder)) == 30


FULL = """
set -e
cp -a "$1" copy
mount -t tmpfs -o size=4m tmpfs "$1"
cp -a copy/. "$1"
cat /dev/zero > "$1/fill" 2> /dev/null || true
shift
"$@" || echo "status $?"
ls -A out
rm */fill
"$@"
"""


@pytest.mark.parametrize("jobs", ["1", "2"])
@pytest.mark.parametrize("where", ["cache", "out"])
def test_on_a_full_disk_nothing_is_lost_and_with_room_it_goes_on(folder, where, jobs):
    if subprocess.run(["unshare", "-rm", "mount", "-t", "tmpfs", "tmpfs", folder], check=False).returncode:
        pytest.skip("needs a disk of its own, which is not allowed here")
    assert drawn(render(folder, "--to", "two")) == 30
    for path in folder.glob("out/*"):
        path.unlink()
    done = render(folder, "--jobs", jobs, within=("unshare", "-rm", "sh", "-c", FULL, "full", where))
    *_, line = done.stderr.strip().splitlines()
    assert len(done.stderr.strip().splitlines()) <= 2  # one that nothing more is kept, one that it ends
    assert "cannot write" in line
    assert "No space left on device; free some space and run it again; finished pieces are kept" in line
    status, *names, clip, frames = done.stdout.splitlines()[:-2]
    assert status == "status 1"
    assert names in ([], ["fill"])
    assert clip.startswith("out/clip.mp4")
    assert frames.startswith("30 of 60 frames drawn" if where == "cache" else "every frame")


@pytest.mark.parametrize("form", ["mp4", "webm", "gif"])
def test_a_missing_encoder_is_told_before_anything_is_drawn(folder, form):
    program = (
        "from dataclasses import replace\nfrom scenes._formats import FORMATS\n"
        f"FORMATS[{form!r}] = replace(FORMATS[{form!r}], codec='libx299')"
    )
    line = told(render(folder, "--format", form, program=program), 1)
    assert line.startswith(f"scenes: {form} needs the encoder libx299, which this PyAV lacks; choose another")
    assert not (folder / "out").exists()


def test_a_folder_that_cannot_be_written_is_told_before_anything_is_drawn(folder):
    (folder / "out").mkdir(mode=0o555)
    line = told(render(folder), 2)
    assert line == "scenes: cannot write out/clip: Permission denied"
    assert not list(folder.glob("cache/*.piece.mp4"))


def test_a_cache_that_cannot_be_written_costs_one_line_and_no_clip(folder):
    (folder / "cache").mkdir(mode=0o555)
    for jobs in ("1", "2"):
        done = render(folder, "--jobs", jobs)
        assert drawn(done) == 60
        (line,) = done.stderr.strip().splitlines()
        assert line.startswith("scenes: cannot write ")
        assert line.endswith("cannot keep anything; going on without it")
    assert list(folder.glob("cache/*")) == []
