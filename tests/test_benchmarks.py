"""The benchmarks compare like with like and count right. What anything takes is not tested here."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from benchmarks import documented, parts
from benchmarks.films import end_to_end, film, reference, spread
from benchmarks.measure import Group, Pair, Report, Seconds, measure, row_of, shares_of, slope_of, typical

from scenes import _render

TESTS = Path(__file__).parent
SMALL = _render.Quality(320, 180, 60)
PEER = Pair("a peer", "ours", "other", "peer", 4.0)
FLOOR = Pair("a floor", "ours", "other", "floor", 1.5)


def group(slices: int, rounds: int = 1, timings=(), shares=()) -> Group:
    return Group("films", "frame", slices, rounds, dict(timings), [PEER], dict(shares))


def ours(name: str, frame: int) -> np.ndarray:
    return _render.stills(parts.stretch(name, frame, 1), [0], quality=SMALL)[0]


def apart(a: np.ndarray, b: np.ndarray) -> float:
    """The greatest difference between the mean colours of fields of 10 × 10 pixels, in grey levels."""
    a, b = (picture[..., :3].astype(float).reshape(18, 10, 32, 10, 3).mean((1, 3)) for picture in (a, b))
    return float(abs(a - b).max())


@pytest.mark.parametrize("name", documented.SCENES)
def test_both_makes_of_a_reference_scene_show_the_same_picture(name):
    """Field by field: without one of its numbers C would be 14 levels apart, without an edge B 11."""
    assert apart(documented.last_frame(name, 300, SMALL), ours(name, 300)) < 10


@pytest.mark.parametrize("name", documented.SCENES)
def test_that_measure_tells_two_frames_of_a_scene_apart(name):
    assert apart(ours(name, 0), ours(name, 300)) > 10


def test_a_figure_is_the_mean_over_slices_of_the_median_over_rounds():
    # two slices, three rounds; the last round of the first slice met a hiccup
    found = [1.0, 10.0, 1.2, 10.0, 99.0, 13.0]
    assert typical(found, 2) == pytest.approx((1.2 + 10) / 2)


def test_before_the_first_round_is_whole_its_slices_count():
    assert typical([1.0, 3.0], 8) == 2.0


def test_a_ratio_is_that_of_whole_times_and_no_mean_of_ratios():
    # a quick slice won twentyfold and a slow one twofold: in all 40 ms against 12
    seconds = {"ours": [0.001, 0.011], "other": [0.020, 0.020]}
    row = row_of(group(2), PEER, seconds)
    assert row.ratio == pytest.approx(40 / 12)
    assert (row.ours, row.other) == pytest.approx((6, 20))
    assert row.ratios == pytest.approx((20, 20 / 11))


def test_a_peer_takes_longer_and_a_floor_less():
    seconds = {"ours": [2.0], "other": [8.0]}
    peer, floor = row_of(group(1), PEER, seconds), row_of(group(1), FLOOR, seconds)
    assert (peer.ratio, floor.ratio) == (4.0, 0.25)
    assert peer.holds
    assert floor.holds
    slower = {"ours": [2.1], "other": [1.0]}
    assert not row_of(group(1), PEER, slower).holds
    assert not row_of(group(1), FLOOR, slower).holds


def test_shares_of_ours_are_what_was_timed_less_what_is_no_part_of_it():
    shares = {"playing": ("playing",), "painting": ("both", "playing")}
    seconds = {"playing": [0.001, 0.003], "both": [0.006, 0.008]}
    assert shares_of(group(2, shares=shares), seconds) == pytest.approx({"playing": 2, "painting": 5})


@pytest.mark.parametrize("power", [0.9, 1.0, 2.0])
def test_the_slope_is_the_power_with_which_time_grows(power):
    sizes = (1_000, 10_000, 100_000, 1_000_000)
    each = {f"{size:,}": [1e-9 * size ** (power - 1)] for size in sizes}
    assert slope_of(each) == pytest.approx(power)
    assert np.log10(each["1,000,000"][0] / each["1,000"][0]) == pytest.approx(3 * (power - 1))


def test_slices_are_spread_evenly_and_those_of_a_whole_film_leave_nothing_out():
    assert spread(100, 2, 10) == [range(20, 30), range(70, 80)]
    assert spread(100, 1, 100) == [range(100)]
    stretches = end_to_end(7001)
    assert [k for stretch in stretches for k in stretch] == list(range(7001))
    assert {len(stretch) for stretch in stretches} <= {291, 292}


def test_all_that_is_compared_takes_turns_slice_after_slice_round_after_round():
    took: list[tuple[str, int]] = []

    def timed(name):
        return lambda i: took.append((name, i)) or 1.0

    done: list[Seconds] = []
    measure([group(2, 2, {"ours": timed("ours"), "other": timed("other")})], lambda _, s: done.append(s))
    assert took == [("ours", 0), ("other", 0), ("ours", 1), ("other", 1)] * 2
    assert done == [{"ours": [1.0] * 4, "other": [1.0] * 4}]


def test_what_was_measured_before_an_interruption_is_kept(capsys):
    turns = iter([4.0, 4.0])

    def other(i: int) -> float:
        try:
            return next(turns)
        except StopIteration:
            raise KeyboardInterrupt from None

    groups = [group(8, 3, {"ours": lambda i: 1.0, "other": other})]
    report = Report(groups, frames=10)
    with pytest.raises(KeyboardInterrupt):
        measure(groups, report.add)
    assert [row.ratio for row in report.rows] == [4.0]
    said = capsys.readouterr().out
    assert "4.00×" in said
    assert "2 turns only" in said


def test_a_film_and_a_reference_scene_are_timed_to_the_last_column(tmp_path, capsys):
    groups = [film("metronomes", 1, 3, tmp_path, SMALL), reference("A", True, tmp_path, SMALL)]
    report = Report(groups, frames=3)
    measure(groups, report.add)
    assert [row.group for row in report.rows] == ["metronomes"] * 3 + ["scene A"] * 3
    assert all(row.ours > 0 and row.other > 0 for row in report.rows)
    for shares in report.shares.values():
        assert list(shares) == ["playing", "painting", "converting", "encoding"]
    assert "where the time" in report.foot().lower()


# --- the command


def bench(*words: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(TESTS), "COLUMNS": "120"}
    return subprocess.run(
        [sys.executable, "-m", "benchmarks", *words],
        cwd=TESTS.parent,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_command_prints_its_table_and_writes_it_as_json(tmp_path):
    """The simulations, each of which checks that its peer computes the same."""
    done = bench("--only", "simulations", "--quick", "-o", str(tmp_path / "found.json"))
    assert done.returncode == 0, done.stderr
    rows = json.loads((tmp_path / "found.json").read_text())["rows"]
    assert len(rows) == 5
    for row in rows:
        assert f"{row['group']}: {row['what']}" in done.stdout
        assert f"{row['ratio']:.2f}×" in done.stdout


def test_a_sweep_is_timed_here_in_processes_and_on_a_cluster():
    done = bench("--only", "sweeps", "--quick")
    assert done.returncode == 0, done.stderr
    for where in ("in one process", "in two processes", "on two Dask workers"):
        assert f"sweep of 200 runs: {where}" in done.stdout


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--only", "nothing"], "reference"),
        (["--frames", "0"], "--frames"),
        (["--slices", "many"], "--slices"),
        (["-o", "nowhere/found.json"], "nowhere"),
        (["--fast"], "no option --fast"),
    ],
)
def test_a_mistake_is_one_line_and_status_2(words, told):
    done = bench(*words)
    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 1
    assert told in done.stderr


def test_help_names_every_option():
    said = bench("--help").stdout
    for option in ("--only", "--whole", "--slices", "--frames", "--quick", "--output"):
        assert option in said
