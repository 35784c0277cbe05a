"""A trajectory file is whole and ours, or it is refused in one line."""

import json
import math
import os
import pickle
import resource
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import h5py
import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from sims import Batch, Diverged, Simulation, TrajectoryError, _trajectory, load, param, save, variable
from sims._file import check_writable, write_whole
from sims._trajectory import as_trajectory, check_finite, digest


class Kinds(Simulation):
    """One variable of every kind there is."""

    n: int = param(4, "number of units", ge=1, le=100, shape=True)
    seed: int = param(0, "seed", ge=0, le=2**32 - 1)

    variables = {
        "time": variable("time", "time", "t", "days"),
        "word": variable("word", "words of the sentence"),
        "x": variable("time unit", "position", "x", "hours"),
        "count": variable("unit", "how many", "c"),
        "alive": variable("time unit", "whether alive", "a"),
        "label": variable("unit", "names, some of them long or foreign"),
        "total": variable("", "a number without dimensions", "Σ"),
    }

    @classmethod
    def solve(cls, p: Batch) -> dict[str, np.ndarray]:
        t = np.arange(30.0)
        x = np.stack([rng.standard_normal((30, p.n)) for rng in p.rngs()])
        names = np.array(["", "θ̇ → ∞", "a" * 40, "word"] * p.n)[: p.n]
        return {
            "time": t,
            "word": np.array(["the", "river", "bank"]),
            "x": x,
            "count": np.tile(np.arange(p.n), (p.size, 1)),
            "alive": x > 0,
            "label": np.tile(names, (p.size, 1)),
            "total": x.sum((1, 2)),
        }


@pytest.fixture(scope="module")
def run() -> xr.Dataset:
    return Kinds(seed=3).run()


@pytest.fixture
def saved(run: xr.Dataset, tmp_path: Path) -> Path:
    return save(run, tmp_path / "run.nc")


def refused(path: Path) -> str:
    with pytest.raises(TrajectoryError) as error:
        load(path)
    message = str(error.value)
    assert str(path) in message
    assert "\n" not in message
    return message


def test_what_is_loaded_is_what_was_saved_to_the_last_attribute(run: xr.Dataset, saved: Path) -> None:
    back = load(saved)
    xr.testing.assert_identical(back, run)
    assert {key: v.dtype.kind for key, v in back.variables.items()} == {
        "time": "f", "word": back.word.dtype.kind, "x": "f", "count": "i", "alive": "b",
        "label": back.label.dtype.kind, "total": "f",
    }  # fmt: skip
    assert back.label.values.tolist() == run.label.values.tolist()


def test_units_of_time_such_as_days_stay_numbers(saved: Path) -> None:
    back = load(saved)
    assert back.time.dtype == back.x.dtype == np.float64
    assert (back.time.attrs["units"], back.x.attrs["units"]) == ("days", "hours")


def test_a_batch_is_saved_and_loaded_too(tmp_path: Path) -> None:
    batch = Kinds.run_batch([Kinds(seed=1), Kinds(seed=2)])
    xr.testing.assert_identical(load(save(batch, tmp_path / "batch.nc")), batch)


def test_the_same_run_saved_twice_has_the_same_bytes(run: xr.Dataset, tmp_path: Path) -> None:
    first = save(run, tmp_path / "a.nc").read_bytes()
    time.sleep(1.1)  # a time stamp would show
    assert save(Kinds(seed=3).run(), tmp_path / "b.nc").read_bytes() == first


class Long(Simulation):
    """Variables that are written in several pieces; some pack well, some don't."""

    n: int = param(301, "number of units", ge=1, le=1000, shape=True)
    seed: int = param(0, "seed", ge=0, le=100)

    variables = {
        "time": variable("time", "time", "t", "s"),
        "noise": variable("time unit", "noise", "η"),
        "level": variable("time unit", "a number that hardly changes", "l"),
        "count": variable("time unit", "a whole number", "c"),
        "gone": variable("time unit", "nothing", "g"),
    }

    @classmethod
    def solve(cls, p: Batch) -> dict[str, np.ndarray]:
        noise = np.stack([rng.standard_normal((1003, p.n)) for rng in p.rngs()])
        level = np.round(noise)
        count = level.astype(np.int64)
        return {"time": np.arange(1003.0), "noise": noise, "level": level, "count": count, "gone": 0 * level}


@pytest.fixture(scope="module")
def long() -> xr.Dataset:
    return Long(seed=2).run()


@pytest.mark.parametrize("ending", ["nc", "zarr"])
def test_a_long_trajectory_is_saved_piece_by_piece_and_loaded_as_it_was(long, tmp_path, ending) -> None:
    path, pieces = tmp_path / f"long.{ending}", []
    save(long, path, pieces.append)
    assert len(pieces) > 8
    assert list(load(path)) == list(long) == ["noise", "level", "count", "gone"]
    assert sum(pieces) == sum(v.nbytes for v in long.data_vars.values())
    xr.testing.assert_identical(load(path), long)
    assert Path(load(path).encoding["source"]).name == path.name
    xr.testing.assert_identical(load(save(load(path), path)), long)  # over itself
    with xr.open_dataset(path, engine="h5netcdf" if ending == "nc" else "zarr") as lazy:
        assert lazy.attrs["digest"] == digest(long)
        np.testing.assert_array_equal(lazy.noise[700, 5:9], long.noise[700, 5:9])
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_a_long_trajectory_saved_twice_has_the_same_bytes(long: xr.Dataset, tmp_path: Path) -> None:
    first = save(long, tmp_path / "a.nc").read_bytes()
    assert save(Long(seed=2).run(), tmp_path / "b.nc").read_bytes() == first


def test_only_what_packs_well_is_packed(long: xr.Dataset, tmp_path: Path) -> None:
    with h5py.File(save(long, tmp_path / "long.nc")) as file:
        assert {key: file[key].compression for key in ("noise", "level", "count", "gone")} == {
            "noise": None, "level": "gzip", "count": "gzip", "gone": "gzip",
        }  # fmt: skip
        stored = {key: file[key].id.get_storage_size() / file[key].nbytes for key in ("noise", "level")}
    assert stored["noise"] < 1.01
    assert stored["level"] < 0.3


@given(st.lists(st.integers(0, 40), max_size=4), st.integers(3, 9), st.sampled_from([1, 4, 8]))
def test_slabs_are_what_lies_in_memory_one_behind_the_other(shape, bits, itemsize) -> None:
    values = np.arange(math.prod(shape)).reshape(shape)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_trajectory, "SLAB", 2**bits)
        found = [values[place] for place in _trajectory.slabs(values.shape, itemsize)]
    assert np.array_equal(np.concatenate([*map(np.ravel, found), []]), values.ravel())
    assert all(piece.size * itemsize <= 2**bits for piece in found)
    shapes = {piece.shape for piece in found}
    assert len(shapes) <= 2  # equal, but for the last of a row


def test_saving_leaves_the_trajectory_as_it_was(run: xr.Dataset, tmp_path: Path) -> None:
    before = run.copy(deep=True)
    save(run, tmp_path / "a.nc")
    xr.testing.assert_identical(run, before)


def test_a_part_of_a_loaded_trajectory_can_be_saved_again(saved: Path, tmp_path: Path) -> None:
    part = load(saved).isel(time=slice(0, 10))
    xr.testing.assert_identical(load(save(part, tmp_path / "part.nc")), part)


def test_the_digest_hangs_on_every_value_name_and_label(run: xr.Dataset) -> None:
    changed = [
        run.assign(x=run.x + 1e-16 * (np.arange(30) == 7)[:, None] * 1e3),
        run.assign_attrs(parameters="{}"),
        run.rename(x="y"),
        run.transpose("unit", ...),
        run.assign(count=run["count"].astype(np.int32)),
        run.assign(label=run.label.str.upper()),
    ]
    relabelled = run.copy(deep=True)
    relabelled.x.attrs["units"] = "minutes"
    digests = [digest(one) for one in (run, *changed, relabelled)]
    assert len(set(digests)) == len(digests)
    assert digest(run.copy(deep=True)) == digests[0]


@pytest.mark.parametrize("share", [0.0005, 0.01, 0.3, 0.7, 0.99, 0.9999])
def test_a_truncated_file_is_refused(saved: Path, share: float) -> None:
    data = saved.read_bytes()
    saved.write_bytes(data[: int(len(data) * share)])
    refused(saved)


def test_a_changed_byte_anywhere_is_refused_or_harmless(
    run: xr.Dataset, saved: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    data = saved.read_bytes()
    rng = np.random.default_rng(0)
    refusals = 0
    for place in rng.choice(len(data), 120, replace=False):
        damaged = bytearray(data)
        damaged[place] ^= int(rng.integers(1, 256))
        saved.write_bytes(damaged)
        try:
            back = load(saved)
        except TrajectoryError:
            refusals += 1
        else:
            assert all(back[key].identical(run[key]) for key in run.variables)
            assert run.attrs.items() <= back.attrs.items()
    assert refusals > 4
    assert capfd.readouterr() == ("", "")


def test_changed_numbers_are_told_as_damage(run: xr.Dataset, saved: Path) -> None:
    with h5py.File(saved, "r+") as file:
        file["x"][3, 1] += 1e-9
    assert "damaged" in refused(saved)


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "run.nc"
    path.touch()
    assert "empty" in refused(path)


def test_a_text_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "run.nc"
    path.write_text("time,theta\n0,1\n")
    assert "not NetCDF-4" in refused(path)


class Trap:
    """Unpickled, it would leave a file behind."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickle_in_disguise_is_refused_and_never_opened(tmp_path: Path, protocol: int) -> None:
    path, sprung = tmp_path / "run.nc", tmp_path / "sprung"
    path.write_bytes(pickle.dumps(Trap(sprung), protocol=protocol))
    message = refused(path)
    if protocol >= 2:
        assert "pickle, which is never opened" in message
    assert not sprung.exists()


def test_netcdf_3_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "run.nc"
    xr.Dataset({"x": ("time", np.arange(3.0))}).to_netcdf(path, engine="scipy")
    assert "NetCDF-3" in refused(path)


def test_a_foreign_netcdf_is_refused_and_told_what_it_lacks(tmp_path: Path) -> None:
    path = tmp_path / "run.nc"
    xr.Dataset({"x": ("time", np.arange(3.0))}, attrs={"title": "sea"}).to_netcdf(path, engine="h5netcdf")
    assert "lacks the attributes simulation" in refused(path)


def test_a_foreign_hdf5_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "run.nc"
    with h5py.File(path, "w") as file:
        file["x"] = np.arange(3)
    refused(path)


def test_ours_with_a_variable_without_label_is_refused(run: xr.Dataset, tmp_path: Path) -> None:
    path = tmp_path / "run.nc"
    run.assign(y=("time", np.zeros(30))).to_netcdf(path, engine="h5netcdf")
    assert "y has no long_name" in refused(path)


def test_a_missing_file_a_folder_and_a_pipe_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="does not exist"):
        load(tmp_path / "none.nc")
    with pytest.raises(IsADirectoryError, match="is a folder"):
        load(tmp_path)
    os.mkfifo(tmp_path / "pipe.nc")
    with pytest.raises(TrajectoryError, match="not a file"):
        load(tmp_path / "pipe.nc")


def test_writing_to_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError, match="is a folder; give the name of a file in it"):
        write_whole(tmp_path, b"")


def test_writing_into_a_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"folder .* does not exist"):
        write_whole(tmp_path / "none" / "run.nc", b"")


def test_a_file_used_as_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(NotADirectoryError, match="file is not a folder"):
        write_whole(tmp_path / "file" / "run.nc", b"")


def test_a_device_or_pipe_is_never_replaced_by_a_file(tmp_path: Path) -> None:
    pipe = tmp_path / "run.nc"
    os.mkfifo(pipe)
    with pytest.raises(FileExistsError, match="is not a file"):
        write_whole(pipe, b"data")
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    with pytest.raises(FileExistsError):
        check_writable("/dev/null")


def test_a_link_keeps_pointing_at_its_file(tmp_path: Path) -> None:
    target, link = tmp_path / "target.nc", tmp_path / "link.nc"
    target.write_bytes(b"old")
    link.symlink_to(target)
    write_whole(link, b"new")
    assert link.is_symlink()
    assert target.read_bytes() == b"new"


def test_checking_a_path_leaves_nothing_behind(tmp_path: Path) -> None:
    check_writable(tmp_path / "run.nc")
    assert list(tmp_path.iterdir()) == []


def test_a_written_file_has_the_permissions_of_any_other(tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    plain.touch()
    assert write_whole(tmp_path / "run.nc", b"").stat().st_mode == plain.stat().st_mode


@pytest.fixture
def small_disk(tmp_path: Path):
    """A file system of 400 kB of its own, where the machine lets us have one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", folder], capture_output=True
    )
    if mounted.returncode:
        pytest.skip("no right to mount a file system")
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_a_full_disk_keeps_the_old_file_and_no_half_one(small_disk: Path) -> None:
    path = write_whole(small_disk / "run.nc", b"old")
    with pytest.raises(OSError, match=r"cannot write .*run\.nc: No space left on device"):
        write_whole(path, bytes(900_000))
    assert [p.name for p in small_disk.iterdir()] == ["run.nc"]
    assert path.read_bytes() == b"old"


@pytest.mark.parametrize("ending", ["nc", "zarr"])
def test_a_disk_that_fills_while_a_trajectory_is_saved_keeps_the_old_one(
    long, run, small_disk, ending
) -> None:
    path = save(run.isel(time=slice(0, 2)), small_disk / f"run.{ending}")
    before = load(path)
    with pytest.raises(
        OSError, match=rf"^\[Errno 28\] cannot write .*run\.{ending}: No space left on device$"
    ):
        save(long, path)
    assert [p.name for p in small_disk.iterdir()] == [path.name]
    xr.testing.assert_identical(load(path), before)


def test_a_read_only_disk_is_refused_before_anything_is_computed(small_disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    with pytest.raises(OSError, match=r"cannot write .*run\.nc: Read-only file system"):
        check_writable(small_disk / "run.nc")


def test_a_folder_without_the_right_to_write_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o555)
    folder = Path("/proc/self") if os.geteuid() == 0 else tmp_path
    with pytest.raises(OSError, match=r"cannot write .*run\.nc"):
        check_writable(folder / "run.nc")
    tmp_path.chmod(0o755)


def test_a_write_that_fails_half_way_keeps_the_old_file(tmp_path: Path) -> None:
    path = write_whole(tmp_path / "run.nc", b"old")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with pytest.raises(OSError, match="cannot write"):
            write_whole(path, bytes(100_000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert [p.name for p in tmp_path.iterdir()] == ["run.nc"]
    assert path.read_bytes() == b"old"


KILLED = """
import sys
from sims._file import write_whole
contents = [bytes([i]) * 3_000_000 for i in (1, 2)]
write_whole(sys.argv[1], contents[0])
print("ready", flush=True)
while True:
    for data in contents:
        write_whole(sys.argv[1], data)
"""


def test_sigkill_while_saving_leaves_a_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "run.nc"
    rng = np.random.default_rng(1)
    for _ in range(6):
        writer = subprocess.Popen([sys.executable, "-c", KILLED, path], stdout=subprocess.PIPE)
        assert writer.stdout is not None
        writer.stdout.readline()
        time.sleep(rng.uniform(0, 0.02))
        writer.send_signal(signal.SIGKILL)
        writer.wait()
        writer.stdout.close()
        data = path.read_bytes()
        assert len(data) == 3_000_000
        assert len(set(data)) == 1


LABELS = {"name": "decay", "title": "", "parameters": [{}], "seeds": [0]}


def test_an_undeclared_a_missing_and_a_misshapen_variable_are_refused() -> None:
    declared = {"time": variable("time", "time", "t"), "x": variable("time", "position", "x")}
    t = np.arange(3.0)
    with pytest.raises(TrajectoryError, match="y is computed but not declared"):
        as_trajectory({"time": t, "x": t[None], "y": t[None]}, declared, **LABELS)
    with pytest.raises(TrajectoryError, match="decay declares x but did not compute it"):
        as_trajectory({"time": t}, declared, **LABELS)
    with pytest.raises(TrajectoryError, match=r"decay\.x must have .*batch.*time.*; got shape \(3,\)"):
        as_trajectory({"time": t, "x": t}, declared, **LABELS)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_run_that_is_not_finite_never_becomes_a_trajectory(value: float) -> None:
    declared = {"time": variable("time", "time", "t"), "x": variable("time", "position", "x")}
    with pytest.raises(Diverged, match="x"):
        as_trajectory({"time": np.arange(2.0), "x": np.array([[1.0, value]])}, declared, **LABELS)


def test_divergence_says_when_which_variable_and_the_cure() -> None:
    check_finite(np.ones((2, 3)), "theta", when="t = 3.2", cure="a smaller dt")
    with pytest.raises(Diverged, match=r"theta.* at t = 3\.2.* a smaller dt"):
        check_finite(np.array([[1.0], [np.nan]]), "theta", when="t = 3.2", cure="a smaller dt")


def test_a_trajectory_says_what_made_it(run: xr.Dataset) -> None:
    assert json.loads(run.attrs["parameters"]) == {"n": 4, "seed": 3}
    assert run.attrs["seed"] == 3
    assert set(json.loads(run.attrs["versions"])) >= {"python", "numpy", "scipy", "sims"}
    assert run.attrs["revision"]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda a: a | {"x": a["x"][:1]}, r"x must have one row for each of 3 runs; got 1"),
        (lambda a: a | {"x": np.concatenate([a["x"]] * 2)}, r"x must have one row for each of 3 runs; got 6"),
        (lambda a: a | {"x": a["x"] + 0j}, r"x must hold real numbers or words; got complex128"),
        (lambda a: a | {"x": a["x"].astype(object)}, r"x must hold real numbers or words; got object"),
        (lambda a: None, r"must compute a dict of arrays; got None"),
    ],
)
def test_what_solve_gives_is_held_to_what_was_asked(wrong, said) -> None:
    computed = wrong(Kinds.solve(Batch([Kinds(seed=i) for i in range(3)])))
    with pytest.raises(TrajectoryError, match=said):
        Kinds.labelled([Kinds(seed=i) for i in range(3)], computed)


def test_lists_are_as_welcome_as_arrays() -> None:
    computed = dict(Kinds.solve(Batch([Kinds()])))
    listed = {key: array.tolist() for key, array in computed.items()}
    xr.testing.assert_identical(Kinds.labelled([Kinds()], listed), Kinds.labelled([Kinds()], computed))
