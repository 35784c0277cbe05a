"""`sims compare` says whether two files hold the same, and if not, what differs, by how much and where."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from commands import Run
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.backends.backend_agg import FigureCanvasAgg
from test_plot import check_the_words
from test_plot_sweeps import KINDS

from sims import GradientDescent, Kuramoto, save, sweep
from sims._compare import Difference, compare, difference
from sims._compare_page import page
from sims._look import dressed

LABELS = {"long_name": "x", "symbol": "x", "units": "m"}


def kuramoto(**parameters: object) -> xr.Dataset:
    return Kuramoto(**{"n": 5, "steps": 40, "sampling": "random", **parameters}).run()  # type: ignore[arg-type]


def variable(values: object, **coords: list[float]) -> xr.DataArray:
    dims = list(coords) or [f"dim_{i}" for i in range(np.ndim(values))]  # type: ignore[arg-type]
    return xr.DataArray(values, coords, dims, "x", LABELS)


# --- what is found


def test_the_same_run_twice_is_the_same() -> None:
    found = compare(kuramoto(), kuramoto())
    assert found.same
    assert found.digests[0] == found.digests[1]
    assert str(found) == f"a and b are the same: SHA-256 {found.digests[0]}"


def test_another_version_that_gives_the_same_numbers_is_told_and_is_the_same() -> None:
    other = kuramoto().assign_attrs(revision="v0.2", versions='{"numpy": "9.9"}')
    found = compare(kuramoto(), other)
    assert found.same
    assert found.digests[0] != found.digests[1]
    assert found.attributes["versions numpy"] == (np.__version__, "9.9")
    assert "a and b hold the same; only what made them differs" in str(found)


def test_a_parameter_that_differs_is_named_with_both_values() -> None:
    found = compare(kuramoto(K=2.0), kuramoto(K=3.0))
    assert found.attributes == {"parameters K": ("2.0", "3.0")}
    assert not found.same
    assert set(found.alike) >= {"time", "omega"}
    assert {each.name for each in found.differences} == {"theta", "theta_dot", "slope", "r", "psi", "energy"}


def test_the_largest_difference_is_told_with_its_place() -> None:
    a, b = kuramoto(), kuramoto()
    b["theta"][7, 3] += 0.25
    (found,) = compare(a, b).differences
    assert (found.name, found.where) == ("theta", "time = 0.14, oscillator 3")
    assert found.absolute == pytest.approx(0.25)
    assert found.relative == pytest.approx(0.25 / max(abs(a.theta[7, 3]), abs(b.theta[7, 3])))


@given(
    st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=20).flatmap(
        lambda x: st.tuples(st.just(x), st.lists(st.floats(-1e6, 1e6), min_size=len(x), max_size=len(x)))
    )
)
def test_differences_are_those_of_the_definition(pair: tuple[list[float], list[float]]) -> None:
    x, y = pair
    found = difference(variable(x), variable(y))
    apart = [abs(p - q) for p, q in zip(x, y, strict=True)]
    if not any(apart):
        assert found is None
        return
    assert found is not None
    assert found.absolute == max(apart)
    assert found.where == f"dim_0 {apart.index(max(apart))}"
    relative = [d / max(abs(p), abs(q)) for d, p, q in zip(apart, x, y, strict=True) if d]
    assert found.relative == pytest.approx(max(relative))


@given(st.lists(st.floats(allow_nan=True), max_size=20))
def test_whatever_the_numbers_they_equal_themselves(x: list[float]) -> None:
    assert difference(variable(x), variable(x)) is None


def test_what_is_missing_in_both_is_equal_and_in_one_alone_is_counted() -> None:
    nan = np.nan
    assert difference(variable([1.0, nan]), variable([1.0, nan])) is None
    found = difference(variable([1.0, nan, 3.0, nan]), variable([1.5, 2.0, 3.0, nan]))
    assert found == Difference("x", 0.5, pytest.approx(1 / 3), "dim_0 0", "missing (NaN) in a alone: 1")
    only = difference(variable([1.0, nan]), variable([1.0, 2.0]))
    assert only is not None
    assert (only.where, only.told) == ("dim_0 1", "missing (NaN) in a alone: 1")


def test_an_infinite_number_differs_from_a_finite_one_by_infinity() -> None:
    found = difference(variable([np.inf, 1.0]), variable([5.0, 1.0]))
    assert found == Difference("x", np.inf, 1.0, "dim_0 0", "")


def test_labels_types_dimensions_and_words_are_compared_too() -> None:
    x = variable([1.0, 2.0])
    assert difference(x, x.assign_attrs(units="km")) == Difference("x", 0.0, 0.0, "", "units: m | km")
    assert difference(x, x.astype("float32")) == Difference("x", 0.0, 0.0, "", "type: float64 | float32")
    turned = difference(x, x.rename(dim_0="time"))
    assert turned == Difference("x", told="dimensions: dim_0 | time")
    words = difference(variable(["river", "bank"]), variable(["river", "money"]))
    assert words == Difference("x", where="dim_0 1", told="1 of 2 words, the first 'bank' | 'money'")


def test_of_two_sizes_what_the_coordinates_share_is_compared() -> None:
    a, b = variable([1.0, 2.0, 3.0], K=[0.0, 1.0, 2.0]), variable([2.5, 9.0], K=[1.0, 4.0])
    found = difference(a, b)
    assert found is not None
    assert (found.absolute, found.where) == (0.5, "K = 1")
    assert found.told == "sizes: 3 | 2; compared where both have the same K"
    apart = difference(variable([1.0, 2.0]), variable([1.0]))
    assert apart == Difference("x", told="sizes: 2 | 1")


def test_what_only_one_of_them_has_is_named() -> None:
    found = compare(kuramoto().drop_vars("psi"), kuramoto().drop_vars("r"))
    assert (found.only_a, found.only_b) == (["r"], ["psi"])
    assert "only in a: r\n\nonly in b: psi" in str(found)
    assert not found.same


def test_long_values_are_cut_to_where_they_begin_to_differ() -> None:
    a = kuramoto().assign_attrs(title="a title that is the same for very long and then differs: here")
    b = a.assign_attrs(title="a title that is the same for very long and then differs: there")
    (line,) = [line for line in str(compare(a, b)).splitlines() if line.startswith("title")]
    assert len(line) < 60
    assert line.split()[-1] == "there"


def test_two_sweeps_are_compared_point_by_point() -> None:
    sim = Kuramoto(n=5, steps=20, sampling="random")
    a = sweep(sim, {"K": [0.0, 1.0, 2.0], "seed": range(3)}, record=["r"])
    b = sweep(sim, {"K": [1.0, 2.0, 3.0], "seed": range(3)}, record=["r"])
    found = {each.name: each for each in compare(a, b).differences}
    assert found["r"] == Difference("r", 0.0, 0.0, "", "compared where both have the same K")
    assert found["K"].absolute == 1
    assert set(found) == {"r", "K", "failure"}


def test_runs_at_other_times_are_compared_at_the_times_they_share() -> None:
    x, y = variable([0.0, 1.0, 2.0], time=[0.0, 0.1, 0.2]), variable([0.0, 2.0, 3.0], time=[0.0, 0.2, 0.4])
    found = difference(x, y)
    assert found == Difference("x", 0.0, 0.0, "", "compared where both have the same time")
    apart = difference(x, variable([0.0, 2.0, 3.0], time=[0.05, 0.15, 0.25]))
    assert apart is not None
    assert (apart.absolute, apart.told) == (1.0, "compared place by place, as they share no time")


# --- the command


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    save(kuramoto(), tmp_path / "a.nc")
    save(kuramoto(), tmp_path / "same.nc")
    save(kuramoto(K=3.0), tmp_path / "b.nc")
    return tmp_path


def test_the_command_ends_as_diff_does(sims: Run, runs: Path) -> None:
    assert sims("compare", "a.nc", "same.nc")[0] == 0
    code, out, err = sims("compare", "a.nc", "b.nc")
    assert (code, err) == (1, "")
    assert "parameters K  2.5   3.0" in out
    for words in (
        ["a.nc", "none.nc"],
        ["a.nc"],
        ["a.nc", "b.nc", "-o", "x.txt"],
        ["a.nc", "b.nc", "-o", "no/x.png"],
    ):
        code, _, err = sims("compare", *words)
        assert code == 2
        assert len(err.strip().splitlines()) == 1


def test_a_full_disk_is_trouble_rather_than_a_difference(runs: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("there is no /dev/full here")
    with open("/dev/full", "w") as full:
        line = [sys.executable, "-m", "sims", "compare", "a.nc", "b.nc"]
        done = subprocess.run(line, cwd=runs, stdout=full, stderr=subprocess.PIPE)
    assert done.returncode == 2
    assert done.stderr.count(b"\n") == 1


def test_a_reader_who_leaves_early_is_no_error(sims: Run, runs: Path) -> None:
    words = [sys.executable, "-m", "sims", "compare", "a.nc", "b.nc"]
    process = subprocess.Popen(words, cwd=runs, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout
    assert process.stderr
    process.stdout.close()
    assert process.stderr.read() == b""
    assert process.wait() == 141


def test_both_are_drawn_over_each_other(sims: Run, runs: Path) -> None:
    code, out, _ = sims("compare", "a.nc", "b.nc", "-o", "both.svg")
    assert code == 1
    assert out.splitlines()[-1] == "both.svg"
    first = (runs / "both.svg").read_bytes()
    sims("compare", "a.nc", "b.nc", "-o", "both.svg")
    assert (runs / "both.svg").read_bytes() == first


# --- the figure


def drawn(a: xr.Dataset, b: xr.Dataset):  # type: ignore[no-untyped-def]
    with dressed("journal"):
        figure = page(a, b, compare(a, b), ("a.nc", "b.nc"))
    FigureCanvasAgg(figure).draw()
    return figure


def test_curves_lie_over_each_other_and_maps_are_subtracted() -> None:
    a, b = (GradientDescent(steps=20, kappa=kappa).run() for kappa in (4.0, 9.0))
    figure = drawn(a, b)
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    first = figure.axes[titles.index("height of the surface there")]
    for line, each in zip(first.lines, (a, b), strict=True):
        np.testing.assert_array_equal(line.get_ydata(), each.loss)
    check_the_words(figure)
    weights = (kuramoto(network="ring", K=K) for K in (1.0, 2.0))
    assert "the same: omega, link" in drawn(*weights).texts[-1].get_text()


def test_phases_of_both_are_taken_from_their_means_without_whole_turns() -> None:
    a, b = (kuramoto(n=4, steps=50) for _ in range(2))
    course = np.linspace(0, 3, a.sizes["time"])[:, None]
    a["theta"] = a.theta.copy(data=course + np.zeros(4))
    b["theta"] = b.theta.copy(data=course + 2 * np.pi * np.array([0, 1, 5, -2.0]))
    figure = drawn(a, b)
    axes = next(axes for axes in figure.axes if axes.get_title(loc="left") == "phase")
    assert len(axes.lines) == 8
    for line in axes.lines:
        np.testing.assert_allclose(line.get_ydata(), 0, atol=1e-12)


def test_a_map_of_two_sweeps_is_their_difference() -> None:
    a = KINDS["two numbers, one of few values"].isel(seed=0, drop=True)
    a = a.isel(n=slice(2))
    b = a.copy(deep=True)
    b["r"] = (b.r + 0.5).assign_attrs(b.r.attrs)
    figure = drawn(a, b)
    (axes,) = figure.axes
    np.testing.assert_allclose([line.get_ydata() for line in axes.lines], 0.5)
    assert "differences: b.nc - a.nc" in figure.texts[-1].get_text()


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_sweep_can_be_compared(kind: str) -> None:
    a = KINDS[kind]
    b = a.copy(deep=True)
    b["r"] = (b.r * 0.9).assign_attrs(b.r.attrs)
    check_the_words(drawn(a, b))
