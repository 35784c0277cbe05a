"""Whatever ends a sweep, what it has done stays: killed workers and clients, full disks, damaged parts."""

import os
import random
import re
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from commands import shell

from sims import Kuramoto, TrajectoryError, load, sweep
from sims._crew import ONE_THREAD

# each point takes as long as it is told to, so that there is time to kill it; seven kills its own process
SLOW = '''"""Takes its time.

Reference: none.
"""

import os
import signal
import time

import numpy as np

from sims import Batch, Simulation, param, variable


class Slow(Simulation):
    """A number, after a while."""

    x: float = param(0.0, "a number", symbol="x", ge=-10, le=1e6)
    wait: float = param(0.0, "seconds that each point takes", unit="s", ge=0, le=10)
    deadly: bool = param(False, "whether seven is", shape=True)
    seed: int = param(0, "seed", ge=0, le=1000)

    variables = {
        "step": variable("step", "step", "t"),
        "y": variable("step", "its sine", "y"),
    }

    @classmethod
    def solve(cls, p: Batch) -> dict[str, np.ndarray]:
        for wait, x in zip(p.wait, p.x):
            time.sleep(wait)
            if x == 7 and p.deadly:
                os.kill(os.getpid(), signal.SIGKILL)
        return {"step": np.arange(2), "y": np.sin(p.x + p.seed)[:, None] + np.arange(2.0)}
'''


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "slow.py").write_text(SLOW)
    return tmp_path


def expected(over: dict[str, Any], **parameters: Any) -> np.ndarray:
    """The last y of every point of `Slow`, by numpy alone."""
    x, seed = np.meshgrid(over["x"], over["seed"], indexing="ij")
    return np.sin(x + seed) + 1.0


def command(*words: object) -> list[str]:
    return [sys.executable, "-m", "sims", "sweep", "./slow.py", *map(str, words)]


def parts(folder: Path) -> list[Path]:
    return sorted(folder.glob("s.nc.part/*.npz"))


def begun(folder: Path, count: int, *words: object) -> subprocess.Popen[bytes]:
    """A sweep in a process of its own, once it has that many parts on disk."""
    process = subprocess.Popen(
        command(*words, "-o", "s.nc"), cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    patience = time.monotonic() + 60
    while len(parts(folder)) < count:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < patience
        time.sleep(0.02)
    return process


GRID = ("--over", "x=0:9:10", "--over", "seed=0:6", "--wait", "0.1")
POINTS = {"x": np.linspace(0, 9, 10), "seed": np.arange(6)}


# --- the one who asked is killed


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_killed_sweep_goes_on_with_what_is_missing(folder: Path, jobs: int) -> None:
    process = begun(folder, 2, *GRID, "--jobs", jobs)
    process.kill()
    process.wait()
    assert parts(folder)
    assert not (folder / "s.nc").exists()
    went_on = shell("sweep", "./slow.py", *GRID, "-o", "s.nc", "--resume", cwd=folder)
    assert went_on.returncode == 0, went_on.stderr
    np.testing.assert_array_equal(load(folder / "s.nc").y, expected(POINTS))
    assert not (folder / "s.nc.part").exists()
    assert sorted(path.name for path in folder.iterdir() if path.name != "__pycache__") == ["s.nc", "slow.py"]


def test_what_was_done_is_not_done_again(folder: Path) -> None:
    process = begun(folder, 2, *GRID)
    process.kill()
    process.wait()
    kept = {path.name: path.stat().st_mtime_ns for path in parts(folder)}
    process = begun(folder, len(kept) + 1, *GRID, "--resume")
    still = {path.name: path.stat().st_mtime_ns for path in parts(folder)}
    process.kill()
    process.wait()
    assert kept.items() < still.items()
    points = np.concatenate([np.load(path)["points"] for path in parts(folder)])
    assert len(points) == len(set(points.tolist()))


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])  # from the keyboard, or a batch system
def test_an_interrupted_sweep_says_in_one_line_how_to_go_on(folder: Path, sent: signal.Signals) -> None:
    process = begun(folder, 2, *GRID)
    process.send_signal(sent)
    _, told = process.communicate(timeout=30)
    assert process.returncode == 128 + sent
    line = told.decode().strip()
    assert line.startswith("sims: interrupted; ")
    assert re.search("; --resume goes on with the points kept in s.nc.part: [1-9]", line)


def test_a_sweep_that_was_interrupted_is_not_overwritten_unasked(folder: Path) -> None:
    process = begun(folder, 1, *GRID)
    process.kill()
    process.wait()
    again = shell("sweep", "./slow.py", *GRID, "-o", "s.nc", cwd=folder)
    assert again.returncode == 2
    assert "s.nc.part holds" in again.stderr
    assert "--resume goes on with it" in again.stderr
    assert again.stderr.count("\n") == 1
    other = shell("sweep", "./slow.py", "--over", "x=1,2", "-o", "s.nc", "--resume", cwd=folder)
    assert other.returncode == 2
    assert "s.nc.part belongs to another sweep, which differs in parameters, over" in other.stderr
    assert parts(folder)


def test_parts_of_other_code_are_not_gone_on_with(folder: Path) -> None:
    process = begun(folder, 1, *GRID)
    process.kill()
    process.wait()
    (folder / "slow.py").write_text(SLOW.replace("np.sin", "np.cos"))
    again = shell("sweep", "./slow.py", *GRID, "-o", "s.nc", "--resume", cwd=folder)
    assert again.returncode == 2
    assert "s.nc.part belongs to another sweep, which differs in source" in again.stderr
    assert parts(folder)


@pytest.mark.parametrize("name", ["s.nc", "s.zarr"])
def test_what_is_finished_is_not_begun_again(folder: Path, name: str) -> None:
    words = ("--over", "x=1,2", "--wait", "1", "-o", name)
    assert shell("sweep", "./slow.py", *words, cwd=folder).returncode == 0
    written = (folder / name).stat().st_mtime_ns
    again = shell("sweep", "./slow.py", *words, "--resume", cwd=folder)
    assert again.returncode == 0, again.stderr
    assert (folder / name).stat().st_mtime_ns == written
    other = shell("sweep", "./slow.py", "--over", "x=1,3", "-o", name, "--resume", cwd=folder)
    assert other.returncode == 2
    assert f"{name} is no beginning of what is asked for: it differs in parameters, x" in other.stderr
    assert (folder / name).stat().st_mtime_ns == written


def test_a_second_process_that_writes_the_same_file_is_refused(folder: Path) -> None:
    first = begun(folder, 1, *GRID)
    second = shell("sweep", "./slow.py", *GRID, "-o", "s.nc", "--resume", cwd=folder)
    assert second.returncode == 2
    assert second.stderr == "sims: s.nc is being written by another process\n"
    assert first.wait(timeout=60) == 0
    np.testing.assert_array_equal(load(folder / "s.nc").y, expected(POINTS))


def test_a_damaged_part_is_computed_again(folder: Path) -> None:
    process = begun(folder, 3, *GRID)
    process.kill()
    process.wait()
    whole = parts(folder)
    whole[0].write_bytes(whole[0].read_bytes()[:-30])
    data = bytearray(whole[1].read_bytes())
    data[len(data) // 2] ^= 1
    whole[1].write_bytes(data)
    went_on = shell("sweep", "./slow.py", *GRID, "-o", "s.nc", "--resume", cwd=folder)
    assert went_on.returncode == 0, went_on.stderr
    np.testing.assert_array_equal(load(folder / "s.nc").y, expected(POINTS))


@pytest.mark.parametrize("state", ["damaged", "missing"])
def test_a_plan_that_cannot_be_read_is_named_and_its_parts_stay(folder: Path, state: str) -> None:
    process = begun(folder, 1, *GRID)
    process.kill()
    process.wait()
    plan = folder / "s.nc.part" / "plan.json"
    if state == "damaged":
        plan.write_bytes(plan.read_bytes()[:-9])
    else:
        plan.unlink()
    again = shell("sweep", "./slow.py", *GRID, "-o", "s.nc", "--resume", cwd=folder)
    assert again.returncode == 2
    assert again.stderr.startswith(f"sims: {plan} is {state}")
    assert again.stderr.endswith("remove s.nc.part\n")
    assert parts(folder)


# --- and while it writes the end

WIDE = ("--n", 4000, "--steps", 100, "--over", "seed=0:30", "--record", "theta@:", "-o", "s.nc")


def writing(folder: Path, *words: object) -> subprocess.Popen[bytes]:
    """A sweep of 100 MB in a process of its own, once it is about to become a file."""
    process = subprocess.Popen(
        [sys.executable, "-m", "sims", "sweep", "kuramoto", *map(str, (*WIDE, *words))],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    while process.poll() is None and not [*folder.glob(".s.nc.*/*")]:
        time.sleep(0.001)
    return process


def test_an_interrupted_end_leaves_all_its_parts_and_goes_on(tmp_path: Path) -> None:
    chance = random.Random(2)
    for _ in range(3):
        process = writing(tmp_path, "--resume")
        time.sleep(chance.uniform(0, 0.2))
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=60)
        line = "sims: interrupted; --resume goes on with the points kept in s.nc.part: 30\n"
        assert (process.returncode, told.decode()) == (130, line)
        assert [path.name for path in tmp_path.iterdir()] == ["s.nc.part"]
    process = writing(tmp_path, "--resume")
    process.kill()
    process.wait()
    assert [*tmp_path.glob(".s.nc.*")]
    assert writing(tmp_path, "--resume").wait(timeout=60) == 0
    assert [path.name for path in tmp_path.iterdir()] == ["s.nc"]
    assert not load(tmp_path / "s.nc").theta.isnull().any()


# --- workers die


def children(process: int) -> list[int]:
    """Processes under this one, to any depth."""
    try:
        own = [int(p) for p in Path(f"/proc/{process}/task/{process}/children").read_text().split()]
    except OSError:
        return []
    return own + [deeper for child in own for deeper in children(child)]


def workers(process: int) -> list[int]:
    """Those children that do the work: loky's, but not its tracker of resources."""
    found = []
    for child in children(process):
        try:
            line = Path(f"/proc/{child}/cmdline").read_text()
        except OSError:
            continue
        if "popen_loky" in line:
            found.append(child)
    return found


LINUX = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="finds a process's children in /proc")


@LINUX
def test_killed_workers_cost_nothing_but_time(folder: Path) -> None:
    process = begun(folder, 1, *GRID, "--jobs", 2)
    chance = random.Random(3)
    kills = 0
    while process.poll() is None and kills < 3:
        time.sleep(0.7)
        alive = workers(process.pid)
        if alive and process.poll() is None:
            os.kill(chance.choice(alive), signal.SIGKILL)
            kills += 1
    _, told = process.communicate(timeout=60)
    assert process.returncode == 0, told
    assert kills
    ds = load(folder / "s.nc")
    np.testing.assert_array_equal(ds.y, expected(POINTS))
    assert (ds.failure == "").all()


def test_a_point_that_kills_its_worker_is_recorded_and_the_rest_arrives(folder: Path) -> None:
    done = shell("sweep", "./slow.py", "--over", "x=4:9:6", "--deadly", "--jobs", 2, "-o", "s.nc", cwd=folder)
    assert done.returncode == 0, done.stderr
    ds = load(folder / "s.nc")
    killed = ds.x == 7
    assert "its process died" in str(ds.failure.values[killed][0])
    assert (ds.failure[~killed] == "").all()
    np.testing.assert_array_equal(ds.y[~killed], np.sin(ds.x[~killed]) + 1.0)
    assert "failed" in done.stdout


@pytest.mark.parametrize("jobs", [2, 4])
def test_only_points_that_kill_alone_are_told_to_have_killed(folder: Path, jobs: int) -> None:
    (folder / "slow.py").write_text(SLOW.replace("if x == 7 and", "if x in (2, 7, 8) and"))
    words = ("--over", "x=0:9:10", "--over", "seed=0:2", "--deadly", "--jobs", jobs, "-o", "s.nc")
    done = shell("sweep", "./slow.py", *words, cwd=folder)
    assert done.returncode == 0, done.stderr
    failure = load(folder / "s.nc").failure
    assert ((failure != "") == failure.x.isin([2, 7, 8])).all(), failure
    assert set(failure.values.ravel()) == {"", "its process died 4 times: killed, or out of memory"}


def test_a_retry_that_is_killed_at_any_moment_leaves_what_was_finished(folder: Path) -> None:
    words = ("--over", "x=4:9:6", "--deadly", "--jobs", 2, "-o", "s.nc")
    assert shell("sweep", "./slow.py", *words, cwd=folder).returncode == 0
    whole = (folder / "s.nc").read_bytes()
    (folder / "s.nc.part").mkdir()  # what a kill before the first part leaves
    (folder / "s.nc.part" / "plan.json").write_text("{}")
    other = shell("sweep", "./slow.py", "--over", "x=1,2", "-o", "s.nc", "--resume", cwd=folder)
    assert other.returncode == 2
    assert "s.nc is no beginning of what is asked for: it differs in parameters, x" in other.stderr
    assert (folder / "s.nc").read_bytes() == whole
    again = shell("sweep", "./slow.py", *words, "--resume", cwd=folder)
    assert again.returncode == 0, again.stderr
    assert (folder / "s.nc").read_bytes() == whole


def test_points_whose_process_died_are_run_again_where_asked(folder: Path) -> None:
    words = ("--over", "x=4:9:6", "--deadly", "--jobs", 2, "-o", "s.nc")
    assert shell("sweep", "./slow.py", *words, cwd=folder).returncode == 0
    written = (folder / "s.nc").read_bytes()
    assert shell("sweep", "./slow.py", *words, "--resume", cwd=folder).returncode == 0
    assert (folder / "s.nc").read_bytes() == written
    again = shell("sweep", "./slow.py", *words, "--retry-failed", cwd=folder)
    assert again.returncode == 0, again.stderr
    assert "its process died" in str(load(folder / "s.nc").failure.sel(x=7).values)
    assert not (folder / "s.nc.part").exists()
    assert (folder / "s.nc").read_bytes() == written


def test_where_every_point_failed_they_run_again_once_ones_own_file_is_mended(folder: Path) -> None:
    words = ("--over", "x=4:9:6", "-o", "s.nc")
    (folder / "slow.py").write_text(SLOW.replace("np.sin(p.x", "np.sine(p.x"))
    failed = shell("sweep", "./slow.py", *words, cwd=folder)
    assert failed.returncode == 1
    assert failed.stderr.endswith("; once that is mended, --retry-failed runs them again\n")
    (folder / "slow.py").write_text(SLOW)
    again = shell("sweep", "./slow.py", *words, "--retry-failed", cwd=folder)
    assert again.returncode == 0, again.stderr
    np.testing.assert_array_equal(load(folder / "s.nc").y, np.sin(np.linspace(4, 9, 6)) + 1.0)


def test_points_of_other_code_are_not_mixed_with_failed_ones_run_again(folder: Path) -> None:
    words = ("--over", "x=4:9:6", "--deadly", "--jobs", 2, "-o", "s.nc")
    assert shell("sweep", "./slow.py", *words, cwd=folder).returncode == 0
    (folder / "slow.py").write_text(SLOW.replace("np.sin", "np.cos"))
    again = shell("sweep", "./slow.py", *words, "--retry-failed", cwd=folder)
    assert again.returncode == 2
    assert "it differs in source" in again.stderr


# --- the disk


def test_a_disk_that_fills_ends_with_one_line_and_loses_nothing(folder: Path) -> None:
    def little() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (6000, 6000))

    wide = ("--over", "x=0:1:2", "--over", "seed=0:900", "-o", "s.nc")
    full = subprocess.run(command(*wide), cwd=folder, capture_output=True, text=True, preexec_fn=little)
    assert full.returncode == 1
    assert full.stderr.count("\n") == 1
    assert full.stderr.startswith("sims: cannot write ")
    assert re.search("File too large; --resume goes on with the points kept in s.nc.part: [1-9]", full.stderr)
    assert "Traceback" not in full.stderr
    went_on = subprocess.run(command(*wide, "--resume"), cwd=folder, capture_output=True, text=True)
    assert went_on.returncode == 0, went_on.stderr
    np.testing.assert_array_equal(load(folder / "s.nc").y, expected({"x": [0, 1], "seed": range(900)}))


@LINUX
@pytest.mark.parametrize("name", ["s.nc", "s.zarr"])
def test_a_disk_with_room_for_the_parts_but_not_for_the_end_tells_how_to_go_on(tmp_path, name) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", disk]).returncode:
        pytest.skip("no right to mount a file system")
    try:
        words = ["--n", 100, "--steps", 400, "--over", "seed=0:30", "--record", "theta@:", "-o", disk / name]
        full = shell("sweep", "kuramoto", *words, cwd=tmp_path)
        told = "No space left on device; --resume goes on with the points kept in"
        assert (full.returncode, full.stderr.count("\n")) == (1, 1)
        assert full.stderr == f"sims: cannot write {disk / name}: {told} {name}.part: 30\n"
        subprocess.run(["mount", "-o", "remount,size=40m", disk], check=True)
        assert shell("sweep", "kuramoto", *words, "--resume", cwd=tmp_path).returncode == 0
        assert [path.name for path in disk.iterdir()] == [name]
    finally:
        subprocess.run(["umount", disk], check=True)


@LINUX  # elsewhere the limit does not count what is mapped in
def test_a_sweep_larger_than_memory_is_written(tmp_path: Path) -> None:
    def little() -> None:
        resource.setrlimit(resource.RLIMIT_DATA, (500 << 20, 500 << 20))

    sim = Kuramoto(n=2000, steps=400)
    words = ["--n", sim.n, "--steps", sim.steps, "--over", "seed=0:125", "--record", "theta@:", "-o", "s.nc"]
    done = subprocess.run(
        [sys.executable, "-m", "sims", "sweep", "kuramoto", *map(str, words)],
        cwd=tmp_path, capture_output=True, text=True, preexec_fn=little, env=os.environ | ONE_THREAD
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    with xr.open_dataset(tmp_path / "s.nc", engine="h5netcdf") as ds:
        assert ds.theta.nbytes > 1.5 * (500 << 20)
        run = sim.model_copy(update={"seed": 124}).run()
        assert ds.theta.sel(seed=124).values.tobytes() == run.theta.values.tobytes()


@pytest.mark.parametrize(
    ("missing", "said"),
    [
        ("r/0.0", "s.zarr is damaged: its content is not what was saved"),
        ("r/.zarray", "s.zarr is damaged: its content is not what was saved"),
        (".zattrs", "s.zarr is no trajectory of ours"),
        (".zgroup", "s.zarr is a folder, not a trajectory"),
    ],
)
def test_a_store_that_was_not_written_to_its_end_is_refused(missing: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "s.zarr"
    sweep(Kuramoto(n=3, steps=5), {"K": [1, 2], "seed": range(3)}, output=path)
    (path / missing).unlink()
    with pytest.raises((TrajectoryError, IsADirectoryError)) as refused:
        load(path)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


# --- a cluster


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a scheduler with two workers, all started from the command line, over TCP."""
    pytest.importorskip("distributed")
    with running_cluster(tmp_path_factory.mktemp("cluster")) as (address, _):
        yield address


@contextmanager
def running_cluster(place: Path) -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """A scheduler and two workers, started from the command line, over TCP: the address, and the workers.

    A worker's process watches over the one that computes, and begins another when that dies.
    """
    address = f"tcp://127.0.0.1:{free_port()}"
    dask = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--no-dashboard", "--host", address]
    worker = [
        sys.executable,
        "-m",
        "distributed.cli.dask_worker",
        address,
        "--nthreads",
        "1",
        "--no-dashboard",
    ]
    processes = [subprocess.Popen(dask, cwd=place, stderr=subprocess.DEVNULL)]
    processes += [
        subprocess.Popen([*worker, "--name", str(i)], cwd=place, stderr=subprocess.DEVNULL) for i in range(2)
    ]
    try:
        yield address, processes[1:]
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(timeout=30)


def free_port() -> int:
    import socket

    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


def test_a_cluster_over_tcp_gives_the_same_to_the_byte(cluster: str, tmp_path: Path) -> None:
    sim, over = Kuramoto(n=5, steps=40), {"K": [0.5, 1, 2], "seed": range(20)}
    far = sweep(sim, over, scheduler=cluster, output=tmp_path / "s.nc")
    xr.testing.assert_identical(far, sweep(sim, over))


def test_an_own_simulation_that_workers_have_no_file_of_runs_on_a_cluster(cluster: str, folder: Path) -> None:
    done = shell("sweep", "./slow.py", *GRID[:4], "--scheduler", cluster, "-o", "s.nc", cwd=folder)
    assert done.returncode == 0, done.stderr
    np.testing.assert_array_equal(load(folder / "s.nc").y, expected(POINTS))


def test_a_client_can_be_given_that_is_already_there(cluster: str) -> None:
    from distributed import Client

    with Client(cluster) as client:
        ds = sweep(Kuramoto(n=3, steps=5), {"seed": range(5)}, scheduler=client)
        assert client.status == "running"
    assert (ds.failure == "").all()


def test_without_a_scheduler_one_line_says_so(folder: Path) -> None:
    done = shell("sweep", "./slow.py", *GRID, "--scheduler", "tcp://127.0.0.1:9", cwd=folder)
    assert done.returncode == 2
    assert done.stderr.startswith("sims: no Dask scheduler answers at tcp://127.0.0.1:9")
    assert done.stderr.count("\n") == 1


MANY = Kuramoto(n=30, steps=1500, every=15, sampling="random")
SIZES = [pytest.param(4, id="a few"), pytest.param(100, id="10,000", marks=pytest.mark.slow)]


def asked_of(address: str, side: int, *more: str) -> list[str]:
    """The command that sweeps 100 couplings and so many seeds on a cluster."""
    sim = [
        word for key in ("n", "steps", "every", "sampling") for word in (f"--{key}", str(getattr(MANY, key)))
    ]
    over = ["--over", "K=0:4:100", "--over", f"seed=0:{side}", "--record", "r,psi@end"]
    line = ["kuramoto", *sim, *over, "--scheduler", address, "-o", "s.nc", *more]
    return [sys.executable, "-m", "sims", "sweep", *line]


def in_one_process(side: int) -> xr.Dataset:
    over = {"K": np.linspace(0, 4, 100), "seed": range(side)}
    return sweep(MANY, over, record=["r", "psi@end"])


@LINUX
@pytest.mark.parametrize("side", SIZES)
def test_workers_of_a_cluster_killed_again_and_again_cost_nothing_but_time(tmp_path: Path, side: int) -> None:
    pytest.importorskip("distributed")
    chance, kills = random.Random(1), 0
    with running_cluster(tmp_path) as (address, workers):
        client = subprocess.Popen(asked_of(address, side), cwd=tmp_path, stderr=subprocess.PIPE)
        while client.poll() is None:
            time.sleep(chance.uniform(0.5, 2) if side > 10 else 0.02)
            computing = [child for worker in workers for child in children(worker.pid)]
            if computing and parts(tmp_path) and (side > 10 or kills < 2):
                os.kill(chance.choice(computing), signal.SIGKILL)
                kills += 1
        assert client.returncode == 0, client.communicate()[1]
    assert kills >= (1 if side < 10 else 5), kills
    xr.testing.assert_identical(load(tmp_path / "s.nc"), in_one_process(side))


@LINUX
@pytest.mark.parametrize("side", SIZES)
def test_a_client_of_a_cluster_killed_again_and_again_goes_on(tmp_path: Path, side: int) -> None:
    pytest.importorskip("distributed")
    kills = 0
    with running_cluster(tmp_path) as (address, _):
        while True:
            done = len(parts(tmp_path))
            client = subprocess.Popen(
                asked_of(address, side, "--resume"), cwd=tmp_path, stderr=subprocess.PIPE
            )
            while client.poll() is None and (kills == 6 or len(parts(tmp_path)) < done + 2):
                time.sleep(0.02)
            if client.poll() is not None:
                break
            client.kill()
            client.wait()
            kills += 1
        assert client.returncode == 0, client.communicate()[1]
    assert kills
    xr.testing.assert_identical(load(tmp_path / "s.nc"), in_one_process(side))
