"""`sims sweep` as its user meets it: values in words, what is told, and how mistakes are refused."""

import re
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from commands import Run, on_a_terminal, read

from sims import Backprop, Kuramoto, Simulation, load, sweep
from sims._sweep_command import over_in_words

QUICK = ("--n", 5, "--steps", 40)


def in_words(*words: str, sim: Simulation | None = None) -> Any:
    """The values that one mention of --over stands for."""
    over = over_in_words(sim or Kuramoto(), [words], [], [])
    assert len(over) == 1
    return next(iter(over.values()))


# --- values in words


def test_three_numbers_are_so_many_values_from_the_first_to_the_second() -> None:
    np.testing.assert_array_equal(in_words("K=0:4:41"), np.linspace(0, 4, 41))
    np.testing.assert_allclose(in_words("D=0.001:1:7:log"), 10.0 ** np.linspace(-3, 0, 7), rtol=1e-12)


def test_whole_numbers_are_counted_as_python_counts() -> None:
    assert list(in_words("seed=0:32")) == list(range(32))
    assert in_words("n=10:1000:3:log") == [10, 100, 1000]
    assert in_words("n=1:5:3") == [1, 3, 5]


def test_values_can_be_listed() -> None:
    assert in_words("n=10,20,50") == [10, 20, 50]
    assert in_words("K=1,2.5,1e1") == [1, 2.5, 10]
    assert in_words("scheme=rk4,euler") == ["rk4", "euler"]
    assert in_words("hidden=4,6 6", sim=Backprop()) == [(4,), (6, 6)]


def test_a_dash_in_a_name_is_an_underscore() -> None:
    assert list(over_in_words(Backprop(), [("beta-1=0.5,0.9",)], [], [])) == ["beta_1"]


def test_several_parameters_of_one_mention_go_together() -> None:
    over = over_in_words(
        Kuramoto(), [("K=1:2:2", "spread=3:4:2"), ("seed=0:2",), ("n=1,2", "arc=1,2")], [], []
    )
    assert over == {
        "point": {"K": [1, 2], "spread": [3, 4]},
        "seed": range(2),
        "point_2": {"n": [1, 2], "arc": [1, 2]},
    }


def test_designs_are_drawn_with_the_seed() -> None:
    def drawn(seed: int) -> Any:
        return over_in_words(Kuramoto(seed=seed), [], [("5", "K=0:4", "n=2:9")], [("4", "D=0.001:1:log")])

    over = drawn(3)
    assert list(over) == ["point", "point_2"]
    assert all(0 <= K <= 4 for K in over["point"]["K"])
    assert all(2 <= n < 9 for n in over["point"]["n"])
    assert len(over["point_2"]["D"]) == 4
    np.testing.assert_array_equal(drawn(3)["point"]["K"], over["point"]["K"])
    assert not np.array_equal(drawn(4)["point"]["K"], over["point"]["K"])


# --- what is told


def test_a_sweep_tells_what_was_done_and_what_to_do_next(sims: Run, tmp_path: Path) -> None:
    code, out, err = sims("sweep", "kuramoto", *QUICK, "--over", "K=0:4:5", "--over", "seed=0:3")
    assert (code, err) == (0, "")
    assert re.search(r"^points +15 = 5 K × 3 seed$", out, re.M)
    assert "sims plot kuramoto_sweep.nc" in out
    over = {"K": np.linspace(0, 4, 5), "seed": range(3)}
    xr.testing.assert_identical(load(tmp_path / "kuramoto_sweep.nc"), sweep(Kuramoto(n=5, steps=40), over))


def test_the_same_sweep_gives_the_same_bytes(sims: Run, tmp_path: Path) -> None:
    for name in ("a.nc", "b.nc"):
        words = ["--over", "K=0:4:5", "--record", "r@:", "-o", name]
        assert sims("sweep", "kuramoto", *QUICK, *words, *(["--jobs", 2] if name == "b.nc" else []))[0] == 0
    assert (tmp_path / "a.nc").read_bytes() == (tmp_path / "b.nc").read_bytes()


def test_a_store_is_the_same_dataset_as_a_file(sims: Run, tmp_path: Path) -> None:
    for name in ("a.nc", "a.zarr"):
        assert (
            sims("sweep", "kuramoto", *QUICK, "--over", "K=1,2", "--record", "r,theta@0.5", "-o", name)[0]
            == 0
        )
    xr.testing.assert_identical(load(tmp_path / "a.nc"), load(tmp_path / "a.zarr"))


def test_a_dry_run_tells_points_disk_and_time_and_leaves_nothing(sims: Run, tmp_path: Path) -> None:
    words = ("--over", "K=0:4:50", "--over", "seed=0:20", "--record", "r@:")
    code, out, err = sims("sweep", "kuramoto", *QUICK, *words, "--dry-run")
    assert (code, err) == (0, "")
    assert re.search(r"^points +1,000 = 50 K × 20 seed$", out, re.M)
    told = re.search(r"^disk +([\d.]+) kB before compression$", out, re.M)
    assert told
    assert float(told[1]) == pytest.approx(1000 * 41 * 8 / 1e3, rel=0.05)
    assert re.search(r"^time +(about \d+ s|less than a second) in one process$", out, re.M)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("seconds", "nbytes", "jobs", "words"),
    [
        (0.2, 900, 1, ("less than a second in one process", "0.9 kB")),
        (61, 2e6, 1, ("about 1 min 1 s in one process", "2.0 MB")),
        (3 * 3600, 3.25e12, 2, ("about 1 h 30 min in 2 processes", "3,250.0 GB")),
        (30, 1e9, 8, ("about 10 s in 3 processes", "1.0 GB")),  # of eight, five have nothing to do
    ],
)
def test_a_dry_run_speaks_in_units_that_fit(sims: Run, monkeypatch, seconds, nbytes, jobs, words) -> None:
    monkeypatch.setattr("sims._estimate.estimate", lambda wanted, folder: (seconds - 0.1, 0.1, nbytes, 1e15))
    _, out, _ = sims("sweep", "kuramoto", "--over", "K=1,2,3", "--jobs", jobs, "--dry-run")
    time, disk = words
    assert re.search(rf"^time +{time}$", out, re.M)
    twice = ", twice that until it is done" if "GB" in disk else ""
    assert re.search(rf"^disk +{disk} before compression{twice}$", out, re.M)


def test_a_dry_run_tells_where_the_disk_is_too_small(sims: Run, monkeypatch) -> None:
    monkeypatch.setattr("sims._estimate.disk_usage", lambda folder: type("", (), {"free": 150e6}))
    words = ("--n", 1000, "--steps", 100, "--over", "seed=0:125", "--record", "theta@:")
    code, out, err = sims("sweep", "kuramoto", *words, "--dry-run")
    assert (code, err) == (0, "")
    assert re.search(r"^disk +101.0 MB before compression; only 150.0 MB are free$", out, re.M)


def test_points_that_failed_are_counted_and_the_first_reason_told(sims: Run) -> None:
    code, out, _ = sims("sweep", "gradient_descent", "--over", "eta=1,500", "--steps", 300)
    assert code == 0
    assert re.search(r"^failed +1; the first: .*diverged at step \d+; try a smaller eta$", out, re.M)


def test_a_terminal_is_told_at_once_where_the_first_points_all_fail(tmp_path: Path) -> None:
    over = ["--over", "eta=400:500:3000", "--surface", "network", "--steps", "300"]
    process, terminal = on_a_terminal(["sweep", "gradient_descent", *over], tmp_path, columns=120)
    told = r"sims: the first \d+ points all failed: loss diverged at step \d+; try a smaller eta"
    seen = read(terminal, lambda seen: re.search(told, seen) is not None, seconds=60)
    assert re.search(told, seen), seen
    process.kill()
    process.wait(timeout=30)


@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.parametrize(
    ("fault", "told"),
    [("1 / 0", "ZeroDivisionError: division by zero"), ("raise SystemExit(3)", "SystemExit: 3")],
)
def test_what_ones_own_file_raises_is_told_with_its_line(
    sims: Run, tmp_path: Path, own_simulation: str, jobs: int, fault: str, told: str
) -> None:
    lines = own_simulation.splitlines()
    at = lines.index("        t = np.linspace(0, 5, 101)")
    lines[at:at] = ["        if (p.rate > 2).any():", f"            {fault}"]
    (tmp_path / "decay.py").write_text("\n".join(lines))
    words = ["--over", "rate=1,3", "--record", "x", "--jobs", jobs, "-o", "own.nc"]
    code, out, _ = sims("sweep", "./decay.py", *words)
    assert code == 0
    reason = f"{told} (decay.py, line {at + 2})"
    assert reason in " ".join(out.split())
    assert load(tmp_path / "own.nc").failure.values.tolist() == ["", reason]


def test_a_log_is_told_once_where_the_first_points_all_fail(sims: Run) -> None:
    code, _, err = sims("sweep", "gradient_descent", "--over", "eta=500:1:90", "--steps", 300)
    assert code == 0
    assert re.fullmatch(r"sims: the first \d+ points all failed: loss diverged at step \d+; try .*\n", err)


def test_a_sweep_of_nothing_but_failures_ends_with_one(sims: Run) -> None:
    code, out, err = sims("sweep", "gradient_descent", "--over", "eta=400,500", "--steps", 300)
    assert code == 1
    assert re.search(r"^failed +2; the first: ", out, re.M)
    assert err.startswith("sims: every point failed; the first: loss diverged at step ")
    assert err.count("\n") == 1


# --- mistakes

TOGETHER = "parameters that go together need as many values each, others a dimension each: K has 3, D has 4"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("", "say what to go over, such as --over seed=0:8; sims sweep NAME --help tells more"),
        ("--over K", "say NAME=VALUES, such as K=0:4:41 or seed=0:32; got K"),
        ("--over Kk=1,2", "Kuramoto has no parameter 'Kk' to go over: did you mean K?"),
        ("--over K=0:4", "K=0:4 needs a number of values, such as K=0:4:11 or K=0:4:11:log"),
        ("--over K=0:4:11:lin", "K=0:4:11:lin needs a number of values, such as K=0:4:11 or K=0:4:11:log"),
        ("--over K=0:4:0", "K=0:4:0 asks for 0 values; at least one is needed"),
        ("--over K=0:4:1.5", "K needs a whole number here; got '1.5'"),
        ("--over K=0:4:11:log", "K=0:4:11:log: a logarithmic range needs limits above 0"),
        ("--over K=a:4:3", "K needs a number here; got 'a'"),
        ("--over K=1,x", "K must be a finite number >= 0 and <= 1,000 (rad/s); got 'x'"),
        ("--over K=0:4000:5", "K must be <= 1,000 (rad/s); got 2000.0"),
        ("--over degree=0:3", "degree must be >= 1; got 0"),
        ("--over K=0:4:3 K=0:4:3", "a parameter is given twice in K=0:4:3 K=0:4:3"),
        ("--over K=0:4:3 --over K=1,2", "K is gone over twice; give its values once"),
        ("--over K=0:4:3 D=0:1:4", TOGETHER),
        ("--over seed=3:3", "there are no values to go over along seed"),
        ("--latin K=0:4", "--latin needs a count and ranges, such as 100 K=0:4; got K=0:4"),
        ("--latin many K=0:4", "--latin needs a number here; got 'many'"),
        ("--K 2 --over K=0,1", "K is gone over, so --K 2 would say nothing; leave one of them out"),
        ("--dt 1 --random 3 dt=0:1", "dt is gone over, so --dt 1 would say nothing; leave one of them out"),
        ("--random 0 K=0:4", "a design needs at least one point; got 0"),
        ("--latin 5 K=0:4:3", "K=0:4:3: a design draws from a range, such as K=0:4"),
        ("--latin 5 K=4:0", "K needs a range from a lower to a higher number; got (4.0, 0.0)"),
        ("--over K=1,2 --record rr", "Kuramoto does not record 'rr': did you mean r?"),
        ("--over K=1,2 --record r@99", "r@99: a run goes from time 0 to 0.8"),
        ("--over K=1,2 --jobs 0", 'Invalid value "0" for --jobs. Must be >= 1.'),
        ("--over K=1,2 -o s.csv", "a sweep is written as .nc or .zarr; got s.csv"),
        ("--over K=1,2 -o no/s.nc", "the folder no does not exist; make it or write elsewhere"),
        ("--over K=1,2 --ovr n=1", "there is no option --ovr: did you mean --over?"),
    ],
)  # fmt: skip
def test_a_mistake_is_refused_in_one_line(refused: Callable[..., str], words: str, said: str) -> None:
    assert refused("sweep", "kuramoto", *QUICK, *words.split()) == said


def test_a_value_that_the_others_need_may_stand_beside_those_gone_over(sims: Run) -> None:
    words = ("--scheme", "euler", "--D", "0.1", "--over", "scheme=euler", "-o", "s.nc")
    assert sims("sweep", "kuramoto", *QUICK, *words)[::2] == (0, "")
    usual = ("--surface", "network", "--over", "eta=0.1,0.2", "--steps", "5", "-o", "t.nc")
    assert sims("sweep", "gradient_descent", *usual)[::2] == (0, "")


def test_a_seed_is_that_of_a_design_even_where_seeds_are_gone_over(sims: Run) -> None:
    words = ("--random", "3", "K=0:4", "--over", "seed=0:2", "--seed", "7", "-o", "s.nc")
    code, _, said = sims("sweep", "kuramoto", *QUICK, *words)
    assert (code, said) == (0, "")


@pytest.mark.parametrize("verb", ["run", "sweep"])
def test_help_without_a_name_shows_the_names_and_an_example(sims: Run, verb: str) -> None:
    code, out, _ = sims(verb, "--help", columns=100)
    assert code == 0
    assert f"Usage: sims {verb} NAME [OPTIONS]" in out
    assert f"sims {verb} kuramoto --" in out
    assert "sims list" in out


def test_help_shows_how_to_say_values_and_every_parameter(sims: Run) -> None:
    code, out, _ = sims("sweep", "kuramoto", "--help", columns=100)
    assert code == 0
    for word in ("--over", "K=0:4:41", "seed=0:32", "--latin", "--random", "--record", "r@end", "--resume"):
        assert word in out
    assert "--spread" in out


def test_a_terminal_sees_what_is_done_what_failed_how_fast_and_how_long(tmp_path: Path) -> None:
    over = ["--over", "eta=1,500", "--over", "seed=0:4000", "--surface", "network", "--steps", "150"]
    process, terminal = on_a_terminal(["sweep", "gradient_descent", *over], tmp_path, columns=120)
    bar = r"gradient_descent: +\d+%.*\| \d+/8000 \[[\d:]+<[\d:]+, +[\d.]+ ?point/s, failed=\d+\]"
    seen = read(terminal, lambda seen: re.search(bar, seen) is not None, seconds=60)
    assert re.search(bar, seen), seen
    process.send_signal(signal.SIGINT)
    said = read(terminal, lambda seen: "interrupted" in seen)
    assert "--resume goes on with the points kept in gradient_descent_sweep.nc.part" in said
    assert process.wait(timeout=30) == 130
