"""A clip is the same to the byte however it came to be: whole, in pieces, in parallel, after a kill."""

import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import scenes
import sims
from scenes import _runs
from scenes._film import Beat, Film
from scenes._make import between, frames_between
from scenes._pieces import LONGEST, shared_out, spans_of
from scenes._render import NoSuchFrame, Plan
from scenes._runs import source_of
from sims import load
from sims._discover import find

ROOT = Path(__file__).parents[1]
FILM = '''"""Three dots go round."""

from manim import Write

from scenes._film import Advance, Film
from scenes._theme import math
from scenes.parts.curve import Curve
from sims import Kuramoto


class Round(Film):
    """Three beats."""

    question = "Does it hold together?"
    clocks = Kuramoto(n=5, frequencies="equal", K=1.0, steps=200)

    def construct(self):
        self.add(self.title)
        run = self.run(self.clocks)
        end = float(run.time[-1])
        chart = Curve(run, "r", (-4, -1.5, 8, 3), (0, end), (0, 1), "agreement r", "time")
        for name in ("one", "two", "three"):
            self.beat(name, f"This is {name}.")
            self.names_data(f"Kuramoto · seed {self.clocks.seed}")
            formula = math(f"r_{len(name)} = 1/N sum_j e^(i theta_j)").move_to([0, 2.2, 0])
            self.play(Advance(chart, 0, end, run_time=SECONDS), Write(formula, run_time=1.5))
            self.remove(formula)
'''


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("film")
    (folder / "round.py").write_text(FILM.replace("SECONDS", "2"))
    (folder / "long.py").write_text(FILM.replace("SECONDS", "12"))
    return folder


def command(film: str, out: Path, *options: str) -> list[str]:
    words = ["render", film, "--quality", "draft", "--without", "all", "-o", str(out), *options]
    return [sys.executable, "-m", "scenes", *words]


def rendered(folder: Path, out: Path, *options: str, film: str = "./round.py", cache: Path) -> str:
    """Render and return what was said."""
    done = subprocess.run(
        command(film, out, *options),
        cwd=folder,
        env={**os.environ, "LEARNING_DYNAMICS_CACHE": str(cache)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def sha(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture(scope="module")
def clip(folder, tmp_path_factory) -> tuple[Path, Path]:
    """A clip and the cache it left."""
    out, cache = tmp_path_factory.mktemp("out"), tmp_path_factory.mktemp("cache")
    assert "90 of 90 frames drawn" in rendered(folder, out, cache=cache)
    return out / "clip.mp4", cache


def test_an_unchanged_film_is_not_drawn_again_and_has_the_same_bytes(clip, folder, tmp_path):
    first, cache = clip
    assert "drawn before" in rendered(folder, tmp_path, cache=cache)
    assert sha(tmp_path / "clip.mp4") == sha(first)


def test_drawn_afresh_from_a_cold_cache_or_by_two_jobs_it_has_the_same_bytes(clip, folder, tmp_path):
    first, cache = clip
    assert "90 of 90 frames drawn" in rendered(folder, tmp_path / "a", "--fresh", cache=cache)
    assert "90 of 90 frames drawn" in rendered(folder, tmp_path / "b", "--jobs", "2", cache=tmp_path / "cold")
    assert sha(tmp_path / "a/clip.mp4") == sha(tmp_path / "b/clip.mp4") == sha(first)


def test_a_changed_parameter_is_drawn_and_the_old_picture_never_shown(clip, folder, tmp_path):
    first, cache = clip
    said = rendered(folder, tmp_path, "--seed", "7", cache=cache)
    assert "90 of 90 frames drawn" in said
    assert sha(tmp_path / "clip.mp4") != sha(first)


def test_a_changed_line_of_the_film_is_drawn(clip, folder, tmp_path):
    _, cache = clip
    own = tmp_path / "own"
    own.mkdir()
    (own / "round.py").write_text(FILM.replace("SECONDS", "2").replace("This is", "That was"))
    assert "90 of 90 frames drawn" in rendered(own, tmp_path / "out", cache=cache)


KEYS = """
import os, sys
from pathlib import Path
from scenes._pieces import Workshop, order
from scenes._formats import FORMATS
from scenes._film import Film
from scenes._render import QUALITIES
from sims._discover import find

def key(name):
    kind = find("scenes", name, Film)
    return Workshop(order(name, kind, {}, QUALITIES["draft"], "dark", FORMATS["mp4"])).look

name, *changed = sys.argv[1:]
known = key(name)
assert key(name) == known, "a source that cannot be told"
for path in map(Path, changed):
    before = path.read_bytes()
    path.write_bytes(before + b"# changed\\n")
    os.utime(path, (0, 0))
    print(path.stem, "anew" if key(name) != known else "as before")
    path.write_bytes(before)
    os.utime(path, (0, 0))
"""


def keys(where: Path, name: str, *changed: Path) -> dict[str, str]:
    """What becomes of a film's pieces when a line of one file or another is changed."""
    for path in where.rglob("*.py"):
        os.utime(path, (0, 0))  # older than the process that reads it
    done = subprocess.run(
        [sys.executable, "-c", KEYS, name, *map(str, changed)],
        cwd=where,
        env={**os.environ, "PYTHONPATH": f"{where}{os.pathsep}{ROOT}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return dict(line.split(" ", 1) for line in done.stdout.splitlines())


def test_a_film_is_drawn_anew_for_its_own_lines_and_the_shared_ones_not_for_another_films(tmp_path):
    where = tmp_path / "scenes"
    shutil.copytree(ROOT / "scenes", where, ignore=shutil.ignore_patterns("__pycache__"))
    changed = [where / name for name in ("metronomes.py", "_theme.py", "parts/curve.py", "two_banks.py")]
    assert keys(tmp_path, "metronomes", *changed) == {
        "metronomes": "anew",
        "_theme": "anew",
        "curve": "anew",
        "two_banks": "as before",
    }


def test_a_film_that_builds_on_others_is_drawn_anew_for_their_lines_too(tmp_path):
    where = tmp_path / "scenes"
    shutil.copytree(ROOT / "scenes", where, ignore=shutil.ignore_patterns("__pycache__"))
    banks = where / "two_banks.py"
    banks.write_text(banks.read_text() + "\nfrom scenes import metronomes\n")
    own = tmp_path / "own.py"
    own.write_text(
        "import beside\nfrom scenes.two_banks import TwoBanks\n\nclass Own(TwoBanks):\n    question = '?'\n"
    )
    (tmp_path / "beside.py").write_text("def line():\n    from scenes.blame_flows_backward import x\n")
    stems = ("two_banks", "metronomes", "blame_flows_backward", "a_gate_on_memory")
    changed = [own, tmp_path / "beside.py", *(where / f"{stem}.py" for stem in stems)]
    assert keys(tmp_path, str(own), *changed) == {
        "own": "anew",
        "beside": "anew",
        "two_banks": "anew",
        "metronomes": "anew",
        "blame_flows_backward": "anew",
        "a_gate_on_memory": "as before",
    }


def test_films_of_a_user_that_are_rendered_together_keep_their_pieces_apart(tmp_path, monkeypatch):
    monkeypatch.setattr(_runs, "BEGAN", time.time() + 10)
    for name in ("one", "two"):
        (tmp_path / f"{name}.py").write_text(FILM.replace("SECONDS", "2"))
    one = find("scenes", str(tmp_path / "one.py"), Film)
    alone = source_of(one, Film, sims, scenes)
    find("scenes", str(tmp_path / "two.py"), Film)
    assert alone == source_of(one, Film, sims, scenes) is not None


def test_a_part_takes_the_whole_films_pieces(clip, folder, tmp_path):
    _, cache = clip
    said = rendered(folder, tmp_path, "--from", "two", "--to", "three", cache=cache)
    assert "drawn before" in said
    with av.open(str(tmp_path / "clip.mp4")) as part:
        assert sum(1 for _ in part.decode(video=0)) == 60
        assert [c["metadata"]["title"] for c in part.chapters()] == ["two", "three"]
    assert "one" not in (tmp_path / "clip.en.vtt").read_text()


def test_a_damaged_piece_is_drawn_again(clip, folder, tmp_path):
    first, cache = clip
    mine = tmp_path / "cache"
    mine.mkdir()
    for path in cache.iterdir():
        (mine / path.name).write_bytes(path.read_bytes())
    for damaged in mine.glob("*.piece.mp4"):
        damaged.write_bytes(damaged.read_bytes()[: damaged.stat().st_size // 2])
    assert "frames drawn" in rendered(folder, tmp_path / "out", cache=mine)
    assert sha(tmp_path / "out/clip.mp4") == sha(first)


@pytest.mark.parametrize("form", ["gif", "webm", "png-sequence"])
def test_a_piece_that_ends_early_is_drawn_again_and_so_is_all_that_is_asked_for_afresh(
    clip, folder, tmp_path, form
):
    out, cache = tmp_path / "out", tmp_path / "cache"
    options = ("--format", form, "--to", "1")

    def render(*more: str) -> tuple[str, list[str]]:
        said = rendered(folder, out, *options, *more, cache=cache)
        clip = next(
            path for path in out.iterdir() if path.stem == "clip" and path.suffix not in (".png", ".vtt")
        )
        return said, [sha(path) for path in (sorted(clip.iterdir()) if clip.is_dir() else [clip])]

    said, first = render()
    assert "15 of 15 frames drawn" in said
    (piece,) = cache.glob("*.piece.*")
    if piece.is_dir():
        (piece / "000015.png").unlink()
    else:
        piece.write_bytes(piece.read_bytes()[: piece.stat().st_size * 6 // 10])
    said, again = render()
    assert "15 of 15 frames drawn" in said
    assert again == first
    said, again = render("--fresh")
    assert "15 of 15 frames drawn" in said
    assert again == first


@pytest.mark.parametrize("form", ["mp4", "webm", "gif", "png-sequence"])
def test_a_part_may_be_one_frame_or_end_in_a_piece_of_one(folder, tmp_path, form):
    """`two` begins at frame 30: the longer part is a piece of one frame, one of 30, and one of one."""
    for first, last, count in ((29, 30, 1), (29, 61, 32)):
        out = tmp_path / str(count)
        part = ("--from", str(first / 15), "--to", str(last / 15), "--format", form)
        assert f"of {count} frames drawn" in rendered(folder, out, *part, cache=tmp_path / "cache")
        if form == "png-sequence":
            assert len(list((out / "clip.frames").iterdir())) == count
            continue
        with av.open(next(str(path) for path in out.glob("clip.*") if path.suffix == f".{form}")) as own:
            rate = own.streams.video[0].average_rate
            times = [frame.time for frame in own.decode(video=0)]
        assert len(times) == count
        slack = {"mp4": 1e-6, "webm": 0.00051, "gif": 0.0051}[form]  # what the container can tell
        np.testing.assert_allclose(times, np.arange(count) / 15, atol=slack)
        assert form == "gif" or rate == 15


def test_the_poster_of_a_transparent_part_is_transparent(folder, tmp_path):
    cache, options = tmp_path / "cache", ("--transparent", "--format", "png-sequence")
    rendered(folder, tmp_path / "whole", *options, "--to", "two", cache=cache)
    assert "drawn before" in rendered(folder, tmp_path / "part", *options, "--to", "one", cache=cache)
    for name in ("whole", "part"):
        alpha = np.asarray(Image.open(tmp_path / name / "clip.png").convert("RGBA"))[..., 3]
        assert alpha[0, 0] == 0, name
        assert alpha.max() > 250, name


OWN = '''"""A number that is slow to come by."""

import os
import time

import numpy as np

from scenes._film import Film
from scenes._theme import words
from sims import Batch, Simulation, param, variable


class Slow(Simulation):
    """A number."""

    seed: int = param(0, "seed", ge=0, le=10)
    variables = {"time": variable("time", "time", "t", "s"), "x": variable("time", "a number", "x")}

    @classmethod
    def solve(cls, p: Batch) -> dict[str, np.ndarray]:
        time.sleep(0.1)
        with open(os.environ["RUNS"], "a") as runs:
            runs.write("".join(f"{seed}" for seed in p.seed))
        return {"time": np.arange(3.0), "x": np.full((p.size, 3), float(os.environ["X"]))}


class Told(Film):
    """Two simulations."""

    question = "How much is it?"
    slow = Slow()

    def construct(self):
        self.run(self.slow)
        x = float(self.run_seeds(self.slow, (4, 5)).x[0, 0])
        for name in ("one", "two"):
            self.beat(name, f"It is {x:g}.")
            self.play(words(f"{x:g}", 40).put(0, 0).animate.shift([1, 0, 0]))
'''


def test_afresh_means_simulated_once_more_too_and_what_was_kept_is_replaced(tmp_path, monkeypatch):
    (tmp_path / "told.py").write_text(OWN)
    cache, runs = tmp_path / "cache", tmp_path / "runs"
    monkeypatch.setenv("RUNS", str(runs))

    def render(*options: str) -> str:
        runs.write_text("")
        rendered(tmp_path, tmp_path / "out", *options, film="./told.py", cache=cache)
        return runs.read_text()

    monkeypatch.setenv("X", "1")
    assert render() == "045"
    monkeypatch.setenv("X", "2")
    assert render() == ""
    assert load(tmp_path / "out/slow.nc").x[0] == 1
    assert render("--fresh", "--jobs", "2") == "045"
    monkeypatch.setenv("X", "3")
    assert render() == ""
    assert load(tmp_path / "out/slow.nc").x[0] == 2


def test_through_a_dask_cluster_it_has_the_same_bytes(clip, folder, tmp_path):
    distributed = pytest.importorskip("distributed")
    first, _ = clip
    options = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": ":0"}
    with distributed.LocalCluster(**options) as cluster:
        rendered(
            folder,
            tmp_path / "out",
            "--scheduler",
            cluster.scheduler_address,
            film=str(folder / "round.py"),
            cache=tmp_path / "cold",
        )
    assert sha(tmp_path / "out/clip.mp4") == sha(first)


def test_without_a_scheduler_one_line_says_so(folder, tmp_path):
    done = subprocess.run(
        command("./round.py", tmp_path / "out", "--scheduler", "tcp://127.0.0.1:9"),
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "no Dask scheduler answers at tcp://127.0.0.1:9" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


LINUX = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="finds a process's children in /proc")


def children(process: int) -> list[int]:
    try:
        return [int(p) for p in Path(f"/proc/{process}/task/{process}/children").read_text().split()]
    except OSError:
        return []


def draws_on(process: int) -> bool:
    """Whether a process lives; one that ended may wait for somebody to ask how."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def killed_at_random(folder: Path, tmp_path: Path, kills: int, film: str) -> None:
    expected = tmp_path / "expected"
    rendered(folder, expected, film=film, cache=tmp_path / "other")
    chance = random.Random(5)
    out, cache = tmp_path / "out", tmp_path / "cache"
    environment = {**os.environ, "LEARNING_DYNAMICS_CACHE": str(cache)}
    for kill in range(kills):
        process = subprocess.Popen(
            command(film, out, "--jobs", "2"),
            cwd=folder,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        time.sleep(chance.uniform(1.5, 7))
        workers = children(process.pid)
        os.kill(chance.choice(workers) if workers and kill % 2 else process.pid, signal.SIGKILL)
        if not (kill % 2 and workers):
            process.wait()
            deadline = time.monotonic() + 60
            while any(map(draws_on, workers)) and time.monotonic() < deadline:
                time.sleep(0.05)
            assert not any(map(draws_on, workers)), "orphans draw on"
        else:
            assert process.wait(300) == 0, "a worker's death is not the render's"
        for whole in [*out.glob("clip.mp4"), *cache.glob("[0-9a-f]*.piece.mp4")]:
            with av.open(str(whole)) as readable:
                assert sum(1 for _ in readable.decode(video=0)) > 0
        if (out / "clip.mp4").exists():
            assert sha(out / "clip.mp4") == sha(expected / "clip.mp4")
            (out / "clip.mp4").unlink()
            for piece in list(cache.glob("*.piece.mp4"))[::2]:
                piece.unlink()
    rendered(folder, out, film=film, cache=cache)
    assert sha(out / "clip.mp4") == sha(expected / "clip.mp4")
    assert [*out.glob(".*.part"), *cache.glob(".*.part")] == []


@LINUX
def test_killed_at_any_moment_it_leaves_whole_files_and_goes_on(folder, tmp_path):
    killed_at_random(folder, tmp_path, 3, "./long.py")


@LINUX
@pytest.mark.slow
def test_killed_twenty_times_it_leaves_whole_files_and_goes_on(folder, tmp_path):
    killed_at_random(folder, tmp_path, 20, "./long.py")


def test_what_was_finished_before_an_interruption_is_not_drawn_again(folder, tmp_path):
    cache = tmp_path / "cache"
    process = subprocess.Popen(
        command("./long.py", tmp_path / "out"),
        cwd=folder,
        start_new_session=True,
        env={**os.environ, "LEARNING_DYNAMICS_CACHE": str(cache)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    while not list(cache.glob("[0-9a-f]*.piece.mp4")):
        time.sleep(0.05)
        assert process.poll() is None
    os.killpg(process.pid, signal.SIGINT)
    assert process.wait(30) == 130
    assert process.stderr.read().strip().splitlines()[-1] == "scenes: interrupted"
    assert not (tmp_path / "out/clip.mp4").exists()
    said = rendered(folder, tmp_path / "out", film="./long.py", cache=cache)
    drawn, whole = map(int, said.splitlines()[1].split(" frames")[0].split(" of "))
    assert 0 < drawn < whole


@pytest.mark.parametrize(("aspect", "size"), [("4:3", (640, 480)), ("1:1", (480, 480)), ("9:16", (480, 854))])
def test_other_aspects_show_the_whole_picture(clip, folder, tmp_path, aspect, size):
    _, cache = clip
    rendered(folder, tmp_path, "--aspect", aspect, "--to", "0.5", cache=cache)
    with av.open(str(tmp_path / "clip.mp4")) as own:
        frame = next(own.decode(video=0)).to_ndarray(format="rgb24")
    assert frame.shape[1::-1] == size
    lit = np.argwhere(abs(frame.astype(int) - frame[0, 0]).max(-1) > 60)
    (top, left), (bottom, right) = lit.min(0), lit.max(0)
    margin = 0.02 * size[0]
    assert margin < left < right < size[0] - margin
    assert 0 < top < bottom < size[1] - 1


def test_transparent_clips_have_no_ground(clip, folder, tmp_path):
    _, cache = clip
    rendered(folder, tmp_path, "--transparent", "--format", "mov", "--to", "0.3", cache=cache)
    with av.open(str(tmp_path / "clip.mov")) as own:
        alpha = next(own.decode(video=0)).to_ndarray(format="rgba")[..., 3]
    assert alpha[0, 0] == 0
    assert alpha.max() > 250


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--from", "four"], "there is no beat “four”; choose seconds or one of: one, two, three"),
        (["--from", "5", "--to", "2"], "nothing lies between 5 and 2 s"),
        (["--to", "1000"], "the film lasts 6.0 s"),
        (["--format", "gif", "--transparent"], "there is no format gif with --transparent"),
        (["--jobs", "0"], "jobs"),
    ],
)
def test_a_mistaken_option_is_told_in_one_line(folder, tmp_path, options, said):
    done = subprocess.run(
        command("./round.py", tmp_path / "out", *options),
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert said in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_the_provenance_in_a_clip_names_all_it_was_made_from(clip):
    with av.open(str(clip[0])) as own:
        told = json.loads(own.metadata["provenance"])
    assert told["film"] == "round"
    assert told["simulations"]["clocks"]["n"] == 5
    assert len(told["trajectories"]["clocks"]) == 64
    assert told["encoder"]["codec"] == "libx264"


plans = st.builds(
    lambda fps, lengths: Plan(
        sum(lengths),
        fps,
        tuple(Beat(f"b{i}", "…", sum(lengths[:i])) for i in range(len(lengths))),
    ),
    st.sampled_from([15, 30, 60]),
    st.lists(st.integers(1, 1500), min_size=1, max_size=8),
)


@given(plans, st.data())
def test_pieces_cover_every_frame_once_and_are_cut_where_the_whole_film_is(plan, data):
    whole = spans_of(plan)
    assert [k for a, b in whole for k in (a, b)][1:-1:2] == [b for _, b in whole[:-1]]
    assert whole[0][0] == 0
    assert whole[-1][1] == plan.frames
    assert all(a < b <= a + LONGEST * plan.fps for a, b in whole)
    assert {beat.frame for beat in plan.beats} <= {a for a, _ in whole}
    first = data.draw(st.integers(0, plan.frames - 1))
    last = data.draw(st.integers(first + 1, plan.frames))
    part = spans_of(plan, first, last)
    assert (part[0][0], part[-1][1]) == (first, last)
    assert set(part[1:-1]) <= set(whole)


@given(plans, st.integers(1, 9))
def test_work_is_shared_out_in_order_and_nothing_is_lost(plan, count):
    spans = spans_of(plan)
    shares = shared_out(spans, count)
    assert [span for share in shares for span in share] == spans
    assert len(shares) <= count
    assert all(shares)


def test_a_place_is_seconds_or_a_beat():
    plan = Plan(300, 30, (Beat("one", "…", 0), Beat("two", "…", 90), Beat("three", "…", 210)))
    assert frames_between(plan, None, None) == (0, 300)
    assert frames_between(plan, "two", "two") == (90, 210)
    assert frames_between(plan, "1.5", 4.0) == (45, 120)
    with pytest.raises(NoSuchFrame):
        frames_between(plan, None, 20)
    part = between(plan, 100, 250)
    assert (part.frames, [(beat.name, beat.frame) for beat in part.beats]) == (
        150,
        [("two", 0), ("three", 110)],
    )
