"""What is kept between processes is found again whole, never mistaken for another, and bounded."""

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from scenes import _runs
from scenes._runs import trajectories_of, trajectory_of
from scenes._store import Store, key
from sims import Kuramoto
from sims._command import Mistyped
from sims._trajectory import digest

ROOT = Path(__file__).parents[1]
A, B, C = key("a"), key("b"), key("c")


@pytest.fixture
def store(tmp_path, monkeypatch) -> Store:
    monkeypatch.setenv("LEARNING_DYNAMICS_CACHE", str(tmp_path / "cache"))
    return Store()


@pytest.fixture
def forgetful(store, monkeypatch):
    """Makes the process as forgetful as a new one, whose sources all are older than itself."""
    monkeypatch.setattr(_runs, "BEGAN", time.time() + 10)
    monkeypatch.setattr(_runs, "WORTH", 0)

    def forget():
        trajectory_of.cache_clear()
        trajectories_of.cache_clear()

    forget()
    yield forget
    forget()


def age(path: Path, seconds: float) -> None:
    os.utime(path, (time.time() - seconds,) * 2)


def in_a_process_of_its_own(code: str, cache: Path, *words: object, **settings: str):
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, words)],
        env=os.environ | {"LEARNING_DYNAMICS_CACHE": str(cache)} | settings,
        capture_output=True,
        text=True,
        check=False,
    )


def test_keys_differ_where_anything_differs():
    things = [(), ("a", 1), ("a", 1.0), ("a1",), (["a", 1],), (b"a", 1), (b"\x00",), ({"a": 1},), (None,)]
    assert len({key(*what) for what in things}) == len(things)
    assert key({"a": 1, "b": (2, 3)}) == key({"b": [2, 3], "a": 1})
    with pytest.raises(TypeError):
        key(object())


def test_what_is_kept_is_found_whole_and_under_its_own_key_only(store):
    assert store.find(A, ".bin") is None
    store.keep(A, ".bin", b"content")
    assert store.find(A, ".bin").read_bytes() == b"content"
    assert store.find(A, ".npz") is None
    assert store.find(B, ".bin") is None


def test_room_is_a_place_that_can_be_written(store):
    store.room(A, ".mkv").write_bytes(b"film")
    assert Store().find(A, ".mkv").read_bytes() == b"film"


def test_beyond_the_bound_what_was_used_longest_ago_goes_first(store, monkeypatch):
    monkeypatch.setenv("LEARNING_DYNAMICS_CACHE_GB", "25e-9")
    for name, hours in ((A, 30), (B, 40), (C, 50)):
        store.keep(name, ".bin", bytes(10))
        age(store.room(name, ".bin"), hours * 3600)
    assert store.find(C, ".bin")  # and is therefore the last to go
    Store().tidy()
    assert [bool(store.find(name, ".bin")) for name in (A, B, C)] == [True, False, True]


def test_what_was_used_within_the_hour_stays_unless_the_folder_is_far_too_large(store, monkeypatch):
    monkeypatch.setenv("LEARNING_DYNAMICS_CACHE_GB", "16e-9")
    for i, name in enumerate((A, B, C, key("d"))):
        store.keep(name, ".bin", bytes(10))
        age(store.room(name, ".bin"), 60 * (i + 1))
    Store().tidy()
    assert [bool(store.find(name, ".bin")) for name in (A, B, C, key("d"))] == [True, True, True, False]


def test_a_process_leaves_the_folder_within_its_bound(store):
    store.keep(A, ".bin", bytes(10))
    age(store.room(A, ".bin"), 7200)
    code = f"from scenes._store import Store; Store().keep('{B}', '.bin', bytes(10))"
    done = in_a_process_of_its_own(code, store.folder, LEARNING_DYNAMICS_CACHE_GB="15e-9")
    assert done.stderr == ""
    assert [bool(store.find(name, ".bin")) for name in (A, B)] == [False, True]


def test_leftovers_of_killed_writers_are_swept_after_a_day_and_not_while_they_may_be_written(store):
    store.keep(A, ".bin", b"content")
    old, new = (store.folder / f".{name}.bin.tmp" for name in (B, C))
    for path in (old, new):
        path.write_bytes(b"half")
    age(old, 25 * 3600)
    store.tidy()
    assert (old.exists(), new.exists()) == (False, True)


def test_a_folder_shared_with_other_things_keeps_them(store, monkeypatch):
    monkeypatch.setenv("LEARNING_DYNAMICS_CACHE_GB", "0")
    store.keep(A, ".bin", bytes(10))
    other = store.folder / "thesis.txt"
    other.write_text("years of work")
    age(other, 1e7)
    Store().tidy()
    assert Store().clear() == 0
    assert other.exists()


def test_clearing_says_how_much_it_freed(store):
    assert store.clear() == 0
    store.keep(A, ".bin", bytes(1000))
    store.keep(B, ".bin", bytes(500))
    assert store.clear() == 1500
    assert store.find(A, ".bin") is None


def test_a_folder_of_pictures_counts_and_goes_like_a_file(store, monkeypatch):
    store.keep(A, ".bin", bytes(10))
    pictures = store.room(B, ".d")
    pictures.mkdir()
    (pictures / "1.png").write_bytes(bytes(5000))
    age(pictures, 7200)
    assert store.find(B, ".d") == pictures
    age(pictures, 7200)
    monkeypatch.setattr(store, "bound", 4000)
    store.tidy()
    assert store.find(B, ".d") is None
    assert store.find(A, ".bin")


def test_files_that_vanish_while_the_folder_is_tidied_do_no_harm(store, monkeypatch):
    store.keep(A, ".bin", b"1")
    store.keep(B, ".bin", b"2")
    monkeypatch.setattr(store, "bound", 0)
    listed = list(store._files())
    monkeypatch.setattr(store, "_files", lambda: iter(listed))
    for _, _, path in listed:
        path.unlink()
    store.tidy()
    assert store.clear() == 0


@pytest.mark.parametrize("place", ["/proc/nowhere", "a file"])
def test_where_nothing_can_be_kept_work_goes_on_with_one_line(tmp_path, place):
    (tmp_path / "a file").touch()
    code = (
        "from scenes._store import Store; import os, sys, subprocess\n"
        f"Store().keep('{A}', '.bin', b'1'); Store().keep('{B}', '.bin', b'2')\n"
        f"print(Store().find('{A}', '.bin').read_bytes(), Store().folder, flush=True)\n"
        "child = f\"from scenes._store import Store; Store().keep('{A}', '.bin', b'3')\"\n".replace("{A}", A)
        + "subprocess.run([sys.executable, '-c', child])\n"
        f"print(Store().find('{A}', '.bin').read_bytes())\n"
    )
    done = in_a_process_of_its_own(code, tmp_path / place)
    first, spare, again = done.stdout.replace(" ", "\n").split()
    assert (first, again) == ("b'1'", "b'3'")
    assert len(done.stderr.splitlines()) == 1
    assert "going on without it" in done.stderr
    assert not Path(spare).exists()


def test_a_full_disk_costs_one_line(store, monkeypatch, capsys):
    def full(path, data):
        raise OSError(28, f"cannot write {path}: No space left on device")

    monkeypatch.setattr("scenes._store.write_whole", full)
    store.keep(A, ".bin", b"1")
    assert store.find(A, ".bin") is None
    assert capsys.readouterr().err.startswith("scenes: cannot write ")


@pytest.mark.parametrize("said", ["plenty", "-1", "nan", ""])
def test_a_bound_that_is_no_number_of_gigabytes_is_refused(monkeypatch, said):
    monkeypatch.setenv("LEARNING_DYNAMICS_CACHE_GB", said)
    with pytest.raises(Mistyped, match="LEARNING_DYNAMICS_CACHE_GB must be a number of gigabytes"):
        Store()


def same(one: xr.Dataset, other: xr.Dataset) -> None:
    """Equal to the last bit and label, and in memory alike."""
    assert one is not other
    assert one.identical(other)
    assert digest(one) == digest(other)
    assert list(one.variables) == list(other.variables)
    assert list(one.coords) == list(other.coords)
    assert list(one.sizes.items()) == list(other.sizes.items())
    assert [(k, type(v), v) for k, v in one.attrs.items()] == [
        (k, type(v), v) for k, v in other.attrs.items()
    ]
    for name in one.variables:
        mine, yours = one[name].values, other[name].values
        assert (mine.dtype, mine.tobytes()) == (yours.dtype, yours.tobytes())
        assert not mine.size or mine.strides == yours.strides  # sums run along them
        assert list(one[name].attrs.items()) == list(other[name].attrs.items())


@pytest.mark.parametrize(
    "ask",
    [
        lambda: trajectory_of(Kuramoto(n=5, steps=50)),
        lambda: trajectories_of(Kuramoto(n=5, steps=50), (3, 4)),
    ],
    ids=["one", "several seeds"],
)
def test_a_trajectory_is_run_once_and_then_found_the_same_to_the_bit(forgetful, monkeypatch, ask):
    first = ask()
    forgetful()
    monkeypatch.setattr(Kuramoto, "solve", None)
    same(ask(), first)
    assert first.attrs.keys() >= {"simulation", "parameters", "seed", "versions", "revision"}
    assert "digest" not in first.attrs


def test_what_is_found_is_what_the_simulation_returns(forgetful):
    sim = Kuramoto(n=5, steps=50)
    trajectory_of(sim)
    forgetful()
    assert trajectory_of(sim).identical(sim.run())
    assert digest(trajectory_of(sim)) == digest(sim.run())


def test_another_parameter_is_another_trajectory(forgetful):
    one, other = (trajectory_of(Kuramoto(n=5, steps=50, seed=seed)) for seed in (0, 1))
    assert not np.array_equal(one.theta, other.theta)
    assert trajectories_of(Kuramoto(n=5, steps=50), (0, 1)).theta.shape == (2, *one.theta.shape)


@pytest.mark.parametrize("damage", ["cut", "flipped", "emptied", "swapped"])
def test_a_damaged_file_is_run_again_and_healed(forgetful, store, damage):
    sim = Kuramoto(n=5, steps=50)
    first = trajectory_of(sim)
    (path,) = store.folder.iterdir()
    whole = path.read_bytes()
    if damage == "swapped":
        trajectory_of(Kuramoto(n=6, steps=50))
        (other,) = set(store.folder.iterdir()) - {path}
        arrays = dict(np.load(other))
        arrays["arr_1"] = arrays["arr_1"] + 1
        np.savez(path, **arrays)
    else:
        at = len(whole) // 2
        path.write_bytes(
            {"cut": whole[:at], "flipped": whole[:at] + b"x" + whole[at:], "emptied": b""}[damage]
        )
    forgetful()
    same(trajectory_of(sim), first)
    assert path.read_bytes() == whole


def test_what_runs_quicker_than_it_loads_is_not_kept(forgetful, store, monkeypatch):
    monkeypatch.setattr(_runs, "WORTH", 60)
    trajectory_of(Kuramoto(n=5, steps=50))
    assert not store.folder.exists()


ASK = """
import sys, time
from sims import Simulation, _discover
from scenes import _runs
_runs.WORTH = 0
sim = _discover.find("sims", sys.argv[1], Simulation)()
ran = []
solve = type(sim).solve.__func__
type(sim).solve = classmethod(lambda cls, p: ran.append(1) or solve(cls, p))
print(float(_runs.trajectory_of(sim).x[-1]), bool(ran))
"""


def ask(path: Path, cache: Path) -> tuple[float, bool]:
    done = in_a_process_of_its_own(ASK, cache, path)
    assert done.returncode == 0, done.stderr
    value, ran = done.stdout.split()
    return float(value), ran == "True"


def written(path: Path, source: str) -> None:
    path.write_text(source)
    age(path, 100)


def test_a_changed_line_of_a_users_own_simulation_is_another_trajectory(tmp_path, own_simulation):
    path, cache = tmp_path / "decay.py", tmp_path / "cache"
    written(path, own_simulation)
    assert ask(path, cache) == (pytest.approx(np.exp(-5)), True)
    assert ask(path, cache) == (pytest.approx(np.exp(-5)), False)
    written(path, own_simulation.replace("np.exp(-p", "2 * np.exp(-p"))
    assert ask(path, cache) == (pytest.approx(2 * np.exp(-5)), True)


def test_a_changed_line_of_what_it_imports_from_beside_it_too(tmp_path, own_simulation):
    path, beside, cache = tmp_path / "decay.py", tmp_path / "factor.py", tmp_path / "cache"
    written(
        path,
        own_simulation.replace("np.exp(-p", "factor.OF * np.exp(-p").replace(
            "import numpy", "import factor\nimport numpy"
        ),
    )
    written(beside, "OF = 3\n")
    assert ask(path, cache) == (pytest.approx(3 * np.exp(-5)), True)
    assert ask(path, cache)[1] is False
    written(beside, "OF = 40\n")
    assert ask(path, cache) == (pytest.approx(40 * np.exp(-5)), True)


def test_a_file_changed_since_it_was_imported_is_never_kept_under_its_new_text(forgetful, store, monkeypatch):
    monkeypatch.setattr(_runs, "BEGAN", Path(sys.modules[Kuramoto.__module__].__file__).stat().st_mtime - 1)
    trajectory_of(Kuramoto(n=5, steps=50))
    assert not store.folder.exists()


def test_a_simulation_made_in_a_function_is_run_every_time(forgetful, store):
    class Kin(Kuramoto):
        """Another one at every call."""

    trajectory_of(Kin(n=5, steps=50))
    assert not store.folder.exists()


def test_the_command_clear_forgets_all_and_says_how_much_it_was_and_where(store):
    store.keep(A, ".bin", bytes(2_500_000))
    command = [sys.executable, "-m", "scenes", "clear"]
    for freed in ("2.5", "0.0"):
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        assert (done.stdout, done.stderr) == (f"{freed} MB freed in {store.folder}\n", "")
    assert store.find(A, ".bin") is None
