"""A sweep is its single runs, labelled: whatever it goes over, however it is cut, wherever it runs."""

import json
import math
import re
import warnings
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from sims import (
    GRU,
    Backprop,
    GradientDescent,
    Kuramoto,
    Metronomes,
    ParameterError,
    Simulation,
    _estimate,
    _sweep,
    latin,
    load,
    param,
    random,
    save,
    sweep,
    variable,
)
from sims import _batches as batches
from sims._axes import axes
from sims._discover import UnknownName
from sims._journal import Part
from sims._parts import gathered

SMALL = Kuramoto(n=5, steps=40, dt=0.05)


class Fragile(Simulation):
    """Fails where it is told to."""

    x: float = param(0.0, "a number", symbol="x", unit="m", ge=-10, le=10)
    steps: int = param(3, "number of steps", ge=3, le=3, shape=True)
    seed: int = param(0, "seed", ge=0, le=100)

    variables = {
        "step": variable("step", "step", "t"),
        "y": variable("step", "its square root", "y", "m"),
        "count": variable("step", "a whole number", "c"),
        "small": variable("step", "its square root in single precision", "s"),
        "word": variable("step", "a word"),
    }

    @classmethod
    def solve(cls, p: Any) -> dict[str, np.ndarray]:
        if (p.x == 7).any():
            raise ZeroDivisionError("seven is too much")
        if (p.x == 8).any():
            raise SystemExit("eight ends it all")
        y = np.sqrt(p.x)[:, None] + np.zeros(3)
        words = np.full((p.size, 3), "a")
        count, small = np.arange(3) + p.seed[:, None], y.astype(np.float32)
        return {"step": np.arange(3), "y": y, "count": count, "small": small, "word": words}

    def measure(self, trajectory: xr.Dataset) -> dict[str, float]:
        return {"two words": 2.0, "a b": 1.0}


def taken(run: xr.Dataset, name: str) -> np.ndarray:
    """What a sweep keeps of a variable of a single run unless told otherwise, by numpy alone."""
    v = run[name]
    if v.dims[0] == "time":
        return v.values[len(v) // 2 :].mean(0)
    return v.values[-1]


# --- the Dataset


def test_a_sweep_has_a_dimension_for_each_parameter_with_its_values_and_labels() -> None:
    ds = sweep(SMALL, {"K": np.linspace(0, 4, 3), "seed": range(2)}, record=["r", "omega", "theta@1"])
    assert ds.r.dims == ("K", "seed")
    assert ds.theta.dims == ("K", "seed", "oscillator")
    assert ds.omega.dims == ("K", "seed", "oscillator")
    assert ds.K.values.tolist() == [0, 2, 4]
    assert ds.seed.values.tolist() == [0, 1]
    assert ds.K.attrs == {"long_name": "coupling strength", "symbol": "K", "units": "rad/s"}
    assert ds.r.attrs["long_name"] == "order parameter: 1 when all agree, mean of the last half"
    assert ds.theta.attrs == {"long_name": "phase, unwrapped, at time 1 s", "symbol": "θ", "units": "rad"}
    assert (ds.failure == "").all()


def test_a_sweep_says_what_it_was_made_of() -> None:
    ds = sweep(SMALL, {"K": [1.0, 2.0], "seed": range(2)}, record=["r@end"])
    assert Kuramoto(**json.loads(ds.attrs["parameters"])) == SMALL
    assert json.loads(ds.attrs["over"]) == [["K"], ["seed"]]
    assert json.loads(ds.attrs["record"]) == ["r@end"]
    assert re.fullmatch("[0-9a-f]{64}", ds.attrs["source"])
    run = SMALL.run()
    assert all(
        ds.attrs[key] == run.attrs[key] for key in ("simulation", "title", "seed", "versions", "revision")
    )


def test_the_mean_over_seeds_of_a_sweep_is_the_phase_diagram() -> None:
    sim = Kuramoto(n=200, steps=400, dt=0.05, every=10, sampling="random")
    ds = sweep(sim, {"K": [0.5, 1.0, 4.0], "seed": range(8)})
    r = ds.r.mean("seed")
    assert r.dims == ("K",)
    assert float(r.sel(K=4)) == pytest.approx(np.sqrt(1 - 2 / 4), abs=0.05)
    assert float(r.sel(K=0.5)) < 0.2


def test_parameters_that_go_together_lie_along_one_dimension() -> None:
    ds = sweep(
        SMALL, {"point": {"K": [1, 2, 3], "spread": [0.1, 0.2, 0.3]}, "seed": [4, 5]}, record=["r@end"]
    )
    assert ds.r.dims == ("point", "seed")
    assert ds.K.dims == ds.spread.dims == ("point",)
    alone = SMALL.model_copy(update={"K": 2, "spread": 0.2, "seed": 5}).run()
    assert ds.r.values[1, 1] == alone.r.values[-1]


def test_words_and_tuples_can_be_gone_over() -> None:
    ds = sweep(Backprop(task="xor", steps=3), {"optimiser": ["gd", "adam"], "hidden": [(2,), (3, 2)]})
    assert ds.optimiser.values.tolist() == ["gd", "adam"]
    assert ds.hidden.values.tolist() == ["2", "3 2"]
    alone = Backprop(task="xor", steps=3, optimiser="adam", hidden=(3, 2)).run()
    assert float(ds.loss[1, 1]) == pytest.approx(float(alone.loss[-1]), rel=1e-12)


# --- equal to single runs


@given(
    K=st.lists(st.floats(0, 5), min_size=1, max_size=4, unique=True),
    seeds=st.integers(1, 5),
    n=st.lists(st.integers(1, 40), min_size=1, max_size=2, unique=True),
    most=st.integers(1, 7),
    seconds=st.sampled_from([1e-6, 1e-2, 3.0]),
)
@settings(max_examples=25)
def test_every_point_of_oscillators_is_its_single_run_to_the_byte(
    K: list[float], seeds: int, n: list[int], most: int, seconds: float
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batches, "MOST", most)
        patch.setattr(batches, "SECONDS", seconds)
        sim = SMALL.model_copy(update={"sampling": "random"})
        ds = sweep(sim, {"n": n, "K": K, "seed": range(seeds)}, record=["r", "psi@end", "energy@1"])
    for point in product(n, K, range(seeds)):
        one = dict(zip(("n", "K", "seed"), point))
        run = sim.model_copy(update=one).run()
        found = ds.sel(one)
        assert float(found.r) == float(taken(run, "r"))
        assert float(found.psi) == float(run.psi[-1])
        assert float(found.energy) == float(run.energy[20])


@pytest.mark.parametrize(
    "sim", [SMALL, Metronomes(periods=2.0), GradientDescent(steps=20)], ids=lambda s: type(s).__name__
)
def test_the_whole_course_of_every_variable_is_that_of_the_single_run(sim: Simulation) -> None:
    numbers = [
        name
        for name, v in type(sim).variables.items()
        if v.dims != (name,) and not v.dims[0].startswith(("grid", "weight", "minimum"))
    ]
    asked = [
        f"{name}@:" if type(sim).variables[name].dims[0] in ("time", "step") else name for name in numbers
    ]
    ds = sweep(sim, {"seed": range(3)}, record=asked)
    for seed in range(3):
        run = sim.model_copy(update={"seed": seed}).run()
        for name in numbers:
            assert ds[name].sel(seed=seed).values.tobytes() == run[name].values.tobytes(), name
            assert ds[name].attrs == run[name].attrs
            assert ds[name].dims == ("seed", *run[name].dims)


def test_learners_are_their_single_runs_within_1e_12() -> None:
    sim = GRU(hidden=3, length=5, steps=4, record_every=2)
    ds = sweep(sim, {"eta": [0.01, 0.1], "seed": range(3)}, record=["loss@:", "h"])
    for eta in (0.01, 0.1):
        run = sim.model_copy(update={"eta": eta, "seed": 2}).run()
        found = ds.sel(eta=eta, seed=2)
        np.testing.assert_allclose(found.loss, run.loss, rtol=1e-12)
        np.testing.assert_allclose(found.h, run.h[-1], rtol=1e-12, atol=1e-13)


def test_other_processes_give_the_same_dataset() -> None:
    over = {"K": [0.5, 1, 2], "n": [3, 4], "seed": range(5)}
    assert sweep(SMALL, over, jobs=2).identical(sweep(SMALL, over))


def test_what_is_measured_is_what_a_single_run_measures() -> None:
    sim = Metronomes(periods=3.0)
    ds = sweep(sim, {"beta": [0.0, 0.02], "seed": range(2)}, record=["measured", "r@end"])
    one = sim.model_copy(update={"beta": 0.02, "seed": 1})
    for what, value in one.measure(one.run()).items():
        assert float(ds[what].sel(beta=0.02, seed=1)) == value


# --- what is recorded


def test_times_are_the_nearest_recorded_ones() -> None:
    run = SMALL.run()
    ds = sweep(SMALL, {"seed": [1]}, record=["r@0.52", "theta@late"])
    assert float(ds.r[0]) == float(run.r.sel(time=0.52, method="nearest"))
    np.testing.assert_array_equal(ds.theta[0], run.theta.values[20:].mean(0))
    ds = sweep(SMALL, {"seed": [1]}, record=["r@0:2:3"])
    np.testing.assert_array_equal(ds.time, [0, 1, 2])
    np.testing.assert_array_equal(ds.r[0], run.r.sel(time=[0, 1, 2]))


def test_a_training_is_recorded_at_its_last_step() -> None:
    ds = sweep(GradientDescent(steps=9), {"eta": [0.1, 0.2]})
    run = GradientDescent(steps=9, eta=0.2).run()
    assert float(ds.loss[1]) == float(run.loss[-1])
    assert ds.loss.attrs["long_name"].endswith(", at the end")


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (["rr"], "Kuramoto does not record 'rr': did you mean r?"),
        (["r@3"], "r@3: a run goes from time 0 to 2"),
        (["r@-1"], "r@-1: a run goes from time 0 to 2"),
        (["r@soon"], "say when as in r@end, r@late, r@10, r@0:20:5 or r@:; got r@soon"),
        (["omega@1"], "omega does not change in time: record omega; got omega@1"),
        (["r", "r@end"], "r is recorded twice; record its course, r@:, and take from that"),
        (["time"], "time comes with whatever is recorded along it"),
        (["r@:", "psi@0:2:3"], "psi is recorded at other times than the variables before it"),
    ],
)  # fmt: skip
def test_what_cannot_be_recorded_is_refused_in_one_line(asked: list[str], said: str) -> None:
    with pytest.raises((ParameterError, UnknownName)) as refused:
        sweep(SMALL, {"K": [1, 2]}, record=asked)
    assert str(refused.value).startswith(said)


def test_what_is_gone_over_is_not_recorded_too() -> None:
    ds = sweep(GradientDescent(steps=9), {"eta": [0.1, 0.2], "seed": [1]})
    assert ds.eta.dims == ("eta",)
    assert list(ds.data_vars) == ["loss", "failure"]
    with pytest.raises(ParameterError, match="eta is gone over, so that eta cannot be recorded beside it"):
        sweep(GradientDescent(steps=9), {"eta": [0.1, 0.2]}, record=["eta"])
    with pytest.raises(ParameterError, match="oscillator is gone over, so that theta cannot be recorded"):
        sweep(SMALL, {"oscillator": {"K": [1]}}, record=["theta"])


def test_words_are_no_numbers() -> None:
    with pytest.raises(ParameterError, match="word is words; a sweep records numbers"):
        sweep(Fragile(), {"x": [1, 2]}, record=["word"])


def test_what_has_not_one_shape_is_refused_with_the_points_that_differ() -> None:
    with pytest.raises(ParameterError, match=r"theta has not one shape at all points \(n=5 and n=6\)"):
        sweep(SMALL, {"n": [5, 6]}, record=["theta"])
    with pytest.raises(ParameterError, match=r"time has not one shape at all points \(dt=0.05 and dt=0.1\)"):
        sweep(SMALL, {"dt": [0.05, 0.1]}, record=["r@:"])
    assert sweep(SMALL, {"n": [5, 6], "dt": [0.05, 0.1]}, record=["r"]).r.shape == (2, 2)


# --- what it goes over


@pytest.mark.parametrize(
    ("over", "said"),
    [
        ({}, "a sweep needs something to go over"),
        ({"Kk": [1]}, "Kuramoto has no parameter 'Kk' to go over: did you mean K?"),
        ({"K": []}, "there are no values to go over along K"),
        ({"K": 3.0}, "K needs several values to go over, such as [1, 2, 3]; got 3.0"),
        ({"scheme": "rk4"}, "scheme needs several values to go over, such as [1, 2, 3]; got 'rk4'"),
        ({"K": [1, 2000]}, "K must be <= 1,000 (rad/s); got 2000"),
        ({"K": [1], "a": {"K": [2]}}, "K is gone over twice; give its values once"),
        ({"a": {"K": [1, 2], "D": [1]}}, "parameters that go together need as many values each, others"),
        ({"D": [0.0, 1.0]}, "D must be 0 unless scheme='euler'; got 1"),
    ],
)  # fmt: skip
def test_what_cannot_be_gone_over_is_refused_before_anything_runs(
    over: dict[str, Any], said: str, tmp_path: Path
) -> None:
    with pytest.raises((ParameterError, UnknownName)) as refused:
        sweep(SMALL, over, output=tmp_path / "s.nc")
    assert str(refused.value).startswith(said)
    assert list(tmp_path.iterdir()) == []


@given(points=st.integers(1, 60), seed=st.integers(0, 99))
def test_a_latin_hypercube_fills_every_range_evenly(points: int, seed: int) -> None:
    found = latin(
        points, {"K": (0, 4), "D": (1e-3, 10, "log"), "seed": range(points), "scheme": ["a", "b"]}, seed
    )
    cells = np.floor(np.sort(found["K"]) / 4 * points)
    np.testing.assert_array_equal(cells, np.arange(points))
    exponents = np.floor((np.log10(np.sort(found["D"])) + 3) / 4 * points)
    np.testing.assert_array_equal(exponents, np.arange(points))
    assert sorted(found["seed"]) == list(range(points))
    assert abs(found["scheme"].count("a") - points / 2) <= 1


def test_the_points_of_another_sweep_can_be_gone_over_again() -> None:
    old = sweep(SMALL, {"K": [1.0, 2.5], "seed": range(3)}, record=["r"])
    again = sweep(SMALL, {"K": old.K, "seed": old.seed}, record=["r"])
    xr.testing.assert_identical(again, old)


def test_a_sweep_needs_a_simulation_not_its_class() -> None:
    with pytest.raises(ParameterError, match=r"such as Kuramoto\(\)"):
        sweep(Kuramoto, {"K": [1.0]})  # type: ignore[arg-type]


def test_out_of_memory_tells_what_is_kept(tmp_path: Path, monkeypatch) -> None:
    def assembled(*_: Any) -> xr.Dataset:
        raise MemoryError("Unable to allocate 2.24 GiB")

    monkeypatch.setattr(_sweep, "assembled", assembled)
    with pytest.raises(MemoryError, match=r"2.24 GiB; --resume goes on with the points kept in .*\.part: 2"):
        sweep(SMALL, {"K": [1.0, 2.5]}, output=tmp_path / "big.nc")


def test_random_points_lie_evenly_in_their_ranges() -> None:
    found = random(4000, {"K": (1, 3), "n": range(2, 6)}, seed=3)
    assert 1 <= found["K"].min() < found["K"].max() <= 3
    assert found["K"].mean() == pytest.approx(2, abs=4 * 2 / np.sqrt(12 * 4000))
    assert set(found["n"]) == {2, 3, 4, 5}
    ds = sweep(SMALL, {"point": random(7, {"K": (1, 3), "n": range(2, 6)}), "seed": [0, 1]})
    assert ds.r.shape == (7, 2)
    assert len(axes(Kuramoto, {"point": latin(3, {"K": (0, 1)})})) == 1


@pytest.mark.parametrize("bad", [(3, 1), (0, 1, "log"), [], range(0)])
def test_a_range_that_is_none_is_refused(bad: Any) -> None:
    with pytest.raises(ParameterError, match="K needs"):
        latin(3, {"K": bad})


# --- batches


@pytest.mark.parametrize(
    ("alone", "each", "size"),
    [
        (0.02, 1e-3, batches.MOST),  # hardly anything: as many as may be
        (1.5, 0.01, 600),  # nearly all is shared: so long that four fifths are the points' own
        (0.0, 60.0, 1),  # nothing is shared, and one takes long enough
        (0.0, 0.1, 15),  # nothing is shared: SECONDS' worth
    ],
)
def test_batches_are_as_large_as_what_their_points_share_is_worth(
    alone: float, each: float, size: int
) -> None:
    queue = batches.Queue([SMALL] * 3000, range(3000), hands=1)
    for _ in range(4):
        batch = queue.pop(alone=True)
        assert batch
        queue.learn(batch, batches.Finished([], xr.Dataset(), alone + each * len(batch), 1, {}))
    assert queue.most[SMALL.shape_of_batch()] == pytest.approx(size, rel=0.1)


@pytest.mark.parametrize(
    ("sim", "few"),
    [
        (Kuramoto(n=40, steps=1000, every=10), 512),
        (Kuramoto(n=4000, steps=1000, every=1000), 8),  # 32e6 phases are gone through
        (Kuramoto(n=4000, steps=100, every=100, network="ring", degree=4), 16),  # and four neighbours of each
        (Kuramoto(n=40, steps=1000, every=1), 200),  # 64 MB are kept
        (Kuramoto(n=10**6, steps=100, every=10), 1),  # large in one parameter
        (Kuramoto(n=10**4, steps=10**4), 1),  # or in two
        (Metronomes(), 1),
        (Fragile(), 1),  # a user's own, of whose points each may take minutes, as small as its numbers are
    ],
)
def test_what_is_known_to_be_quick_begins_with_many_and_all_else_with_one(sim, few) -> None:
    queue = batches.Queue([sim] * 2000, range(2000), hands=1)
    assert len(queue.pop(alone=True) or []) == few


@pytest.mark.parametrize("hands", [1, 2, 7])
@pytest.mark.parametrize("sim", [SMALL, SMALL.model_copy(update={"steps": 10**6})])
@pytest.mark.parametrize(("alone", "each"), [(0.05, 1e-3), (1e-4, 0.01), (0.0, 2.0), (1.0, 1e-4)])
def test_hands_share_the_work_evenly_and_what_batches_cost_is_hidden(hands, sim, alone, each):
    """Batches of n take alone + each·n; a clock of its own says when which hand is done."""
    queue, points = batches.Queue([sim] * 1000, range(1000), hands), []
    running: list[tuple[float, list[int]]] = []
    now = 0.0
    while queue or running:
        while len(running) < hands and (batch := queue.pop(alone=not running)):
            running.append((now + alone + each * len(batch), batch))
        running.sort()
        now, batch = running.pop(0)
        points += batch
        queue.learn(batch, batches.Finished([], xr.Dataset(), alone + each * len(batch), 1, {}))
    assert sorted(points) == list(range(1000))
    share = -(-1000 // hands)
    # beside an equal share each has what it takes to learn, and the end, at which no two need be done at once
    assert now < 1.25 * (alone + each * share) + 3 * alone + max(each, batches.SECONDS / 2)


@pytest.mark.parametrize(
    ("alone", "each", "seconds"),
    [
        (0.0, 0.1, 300),
        (0.0, 4.0, 12_000),
        (1.5, 0.01, 6 * 1.5 + 30),  # a first batch, and those of 600, as above
    ],
)
@pytest.mark.parametrize("sim", [SMALL, SMALL.model_copy(update={"n": 10**6})])
def test_an_estimate_follows_from_two_short_batches(monkeypatch, tmp_path, sim, alone, each, seconds) -> None:
    taken = []

    def run(order: batches.Order, points: list[Kuramoto]) -> batches.Finished:
        taken.append(alone + each * len(points))
        kept = xr.Dataset({"r": ("batch", np.zeros(len(points)))})
        return batches.Finished([""] * len(points), kept, taken[-1], 1, {})

    monkeypatch.setattr(_estimate, "run", run)
    found = _estimate.estimate(_sweep.design(sim, {"seed": range(3000)}), tmp_path)
    assert found.seconds == pytest.approx(seconds, rel=0.1)
    assert found.nbytes == 3000 * 8
    assert sum(taken) < max(10, 3 * each)


def less_the_mean(y: np.ndarray, p: Any) -> np.ndarray:
    return y - y.mean(0)


def upon_those_before(y: np.ndarray, p: Any) -> np.ndarray:
    return y.cumsum(0)


def one_generator_for_all(y: np.ndarray, p: Any) -> np.ndarray:
    return y + np.random.default_rng(0).normal(size=y.shape)


def less_the_mean_if_the_first_does_not_fail(y: np.ndarray, p: Any) -> np.ndarray:
    if 0 in p.x:
        raise ValueError("nothing comes of nothing")
    return y - y.mean(0)


@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.parametrize(
    "mixed",
    [less_the_mean, upon_those_before, one_generator_for_all, less_the_mean_if_the_first_does_not_fail],
)
def test_runs_of_ones_own_that_see_each_other_are_told_of(mixed: Any, jobs: int) -> None:
    class Mixing(Fragile):
        @classmethod
        def solve(cls, p: Any) -> dict[str, np.ndarray]:
            computed = super().solve(p)
            return computed | {"y": mixed(computed["y"], p)}

    with pytest.warns(UserWarning, match="y of a point changed with the points that ran beside it: solve"):
        ds = sweep(Mixing(), {"x": np.linspace(0, 6, 60)}, record=["count", "y"], jobs=jobs)
    assert ds.y.shape == (60,)


class Quarrelling(Fragile):
    """Its runs fail beside others."""

    @classmethod
    def solve(cls, p: Any) -> dict[str, np.ndarray]:
        if p.size > 1 and 3 in p.x:
            raise ValueError("three wants to be alone")
        return super().solve(p)


def test_what_is_run_once_more_beside_others_changes_nothing() -> None:
    over = {"x": [3, -1, 1, 4, 7, 9], "seed": range(7)}
    with warnings.catch_warnings(action="error"):
        ds = sweep(Fragile(), over, record=["count", "y@:"])
    for x, seed in product([3, 1, 4, 9], range(7)):
        run = Fragile(x=x, seed=seed).run()
        np.testing.assert_array_equal(ds.y.sel(x=x, seed=seed), run.y)
        assert ds["count"].sel(x=x, seed=seed) == run["count"][-1]
    assert (ds.failure.sel(x=[-1, 7]) != "").all()


def test_a_point_that_fails_only_beside_others_keeps_its_values() -> None:
    ds = sweep(Quarrelling(), {"x": [3, 1, 4, 9]}, record=["y"])
    np.testing.assert_array_equal(ds.y, np.sqrt([3, 1, 4, 9]))
    assert (ds.failure == "").all()


# --- failures


def test_a_point_that_fails_says_why_and_the_rest_arrives() -> None:
    ds = sweep(Fragile(), {"x": [1, -1, 4, 7, 9], "seed": range(2)}, record=["y@:", "count"])
    reasons = ds.failure.sel(seed=1).values.tolist()
    assert reasons[0] == reasons[2] == reasons[4] == ""
    assert "y did not stay finite" in reasons[1]
    assert reasons[3] == "ZeroDivisionError: seven is too much"
    assert ds.y.sel(seed=0, step=2).values[[0, 2, 4]].tolist() == [1, 2, 3]
    assert np.isnan(ds.y.values[[1, 3]]).all()
    assert ds["count"].dtype == np.float64
    assert ds["count"].sel(x=9, seed=1) == 3


def test_a_point_that_ends_its_process_in_python_has_failed_like_any_other() -> None:
    ds = sweep(Fragile(), {"x": [1, 8, 4]}, record=["y"])
    assert ds.failure.values.tolist() == ["", "SystemExit: eight ends it all", ""]
    assert ds.y.values[[0, 2]].tolist() == [1, 2]


def test_whole_numbers_stay_whole_where_nothing_fails() -> None:
    assert sweep(Fragile(), {"x": [1, 4]}, record=["count"])["count"].dtype == np.int64


def test_where_every_point_fails_what_is_one_number_at_each_is_missing_and_the_reasons_are_there() -> None:
    ds = sweep(Fragile(), {"x": [7], "seed": range(2)}, record=["y", "count@:"])
    assert set(ds.failure.values.ravel()) == {"ZeroDivisionError: seven is too much"}
    assert np.isnan(ds.y).all()
    assert (ds.y.dims, ds.y.attrs["units"]) == (("x", "seed"), "m")
    assert "count" not in ds  # how many there would have been, nobody knows


def test_single_precision_stays_where_points_fail() -> None:
    ds = sweep(Fragile(), {"x": [1, 7, 4]}, record=["small"])
    assert ds.small.dtype == np.float32
    assert ds.small.values.tolist()[::2] == [1, 2]
    assert np.isnan(ds.small.values[1])


@pytest.mark.parametrize("ending", ["nc", "zarr"])
@pytest.mark.parametrize("interrupted", [False, True])
def test_failed_points_are_run_again_where_asked_and_no_others(ending, interrupted, tmp_path, monkeypatch):
    path, ran = tmp_path / f"s.{ending}", []

    class Mended(Fragile):
        @classmethod
        def solve(cls, p: Any) -> dict[str, np.ndarray]:
            ran.extend(p.x)
            if "well" not in ran and (p.x == 4).any():
                raise RuntimeError("not today")
            return super().solve(p)

    over, record = {"x": [1, 4, 7, 9]}, ["y@:", "count"]
    before = _sweep.save
    if interrupted:
        monkeypatch.setattr(_sweep, "save", interrupt)
        with pytest.raises(KeyboardInterrupt):
            sweep(Mended(), over, record=record, output=path)
        monkeypatch.setattr(_sweep, "save", before)
    else:
        sweep(Mended(), over, record=record, output=path)
    ran[:] = ["well"]
    ds = sweep(Mended(), over, record=record, output=path, retry_failed=True)
    assert set(ran) == {"well", 4, 7}
    assert ds.failure.values.tolist() == ["", "", "ZeroDivisionError: seven is too much", ""]
    assert ds["count"].dtype == np.float64
    np.testing.assert_array_equal(ds.y[[0, 1, 3]], sweep(Fragile(), {"x": [1, 4, 9]}, record=record).y)
    xr.testing.assert_identical(load(path), ds)
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_whole_numbers_are_whole_again_once_no_point_fails(tmp_path: Path) -> None:
    broken = True

    class Mended(Fragile):
        @classmethod
        def solve(cls, p: Any) -> dict[str, np.ndarray]:
            if broken and (p.x == 4).any():
                raise RuntimeError("not today")
            return super().solve(p)

    path, over, record = tmp_path / "s.nc", {"seed": range(3), "x": [1, 4]}, ["count@:", "measured", "y"]
    assert sweep(Mended(), over, record=record, output=path)["count"].dtype == np.float64
    broken = False
    ds = sweep(Mended(), over, record=record, output=path, retry_failed=True)
    assert (ds["count"].dtype, ds.y.dtype) == (np.int64, np.float64)
    fresh = sweep(Fragile(), over, record=record)
    np.testing.assert_array_equal(ds["count"], fresh["count"])
    xr.testing.assert_identical(load(path), ds)
    assert list(load(path)) == list(ds) == list(fresh)


def test_a_number_in_the_file_that_is_not_whole_stays_so_beside_whole_ones(tmp_path: Path) -> None:
    broken = True

    class Mended(Fragile):
        """Of a whole type at one point alone."""

        @classmethod
        def solve(cls, p: Any) -> dict[str, np.ndarray]:
            if broken and (p.x == 4).any():
                raise RuntimeError("not today")
            computed = super().solve(p)
            half = computed["count"] + 0.5
            return computed | {"count": computed["count"] if (p.x == 4).all() else half}

    path, over = tmp_path / "s.nc", {"x": [1, 4]}
    sweep(Mended(), over, record=["count"], output=path)
    broken = False
    ds = sweep(Mended(), over, record=["count"], output=path, retry_failed=True)
    assert ds["count"].values.tolist() == [2.5, 2.0]


def test_a_retry_that_was_interrupted_goes_on_from_the_file_and_what_it_has_added(tmp_path, monkeypatch):
    path, over, wells, ran = tmp_path / "s.nc", {"seed": range(2), "x": [1, 4, 9]}, [], []

    class Mended(Fragile):
        @classmethod
        def solve(cls, p: Any) -> dict[str, np.ndarray]:
            if not set(p.x) <= {1, *wells}:
                raise RuntimeError("not today")
            ran.extend(p.x)
            return super().solve(p)

    sweep(Mended(), over, record=["y@:"], output=path)
    wells += [4]
    with monkeypatch.context() as patch:
        patch.setattr(_sweep, "save", interrupt)
        with pytest.raises(
            KeyboardInterrupt, match=r"--resume goes on with the points kept in s\.nc\.part: 4"
        ):
            sweep(Mended(), over, record=["y@:"], output=path, retry_failed=True)
    wells += [9]
    ran.clear()
    ds = sweep(Mended(), over, record=["y@:"], output=path, resume=True)
    assert not ran  # those that failed again were run
    assert (ds.failure != "").sum() == 2
    ds = sweep(Mended(), over, record=["y@:"], output=path, retry_failed=True)
    assert set(ran) == {9}
    np.testing.assert_array_equal(ds.y, sweep(Fragile(), over, record=["y@:"]).y)
    assert [file.name for file in tmp_path.iterdir()] == ["s.nc"]


def interrupt(*_: Any) -> None:
    raise KeyboardInterrupt


def test_to_run_failed_points_again_needs_none(tmp_path: Path) -> None:
    over = {"x": [1, 4]}
    first = sweep(Fragile(), over, record=["y"], output=tmp_path / "s.nc", retry_failed=True)
    again = sweep(Fragile(), over, record=["y"], output=tmp_path / "s.nc", retry_failed=True)
    xr.testing.assert_identical(again, first)


@given(st.data())
@settings(max_examples=60)
def test_what_is_read_of_a_variable_is_what_lies_in_its_parts(data: st.DataObject) -> None:
    shape = data.draw(st.sampled_from([(7,), (3, 4), (2, 1, 3)]))
    beyond = data.draw(st.sampled_from([(), (5,), (2, 3)]))
    count = math.prod(shape)
    chance = np.random.default_rng(data.draw(st.integers(0, 99)))
    whole = chance.standard_normal((count, *beyond))
    failed = chance.random(count) < data.draw(st.sampled_from([0, 0.3]))
    parts = []
    for points in np.array_split(chance.permutation(count), data.draw(st.integers(1, 4))):
        kept = xr.Dataset({"v": (("batch", "a", "b")[: 1 + len(beyond)], whole[points[~failed[points]]])})
        reasons = ["no" if failed[i] else "" for i in points]
        parts.append(Part(points, reasons, kept))
    whole[failed] = np.nan
    expected = whole.reshape(*shape, *beyond)
    found = gathered(parts, ("x", "y", "z")[: len(shape)], shape)
    forwards = [st.slices(n).filter(lambda cut: (cut.step or 1) > 0) for n in expected.shape]
    key = tuple(
        data.draw(st.one_of(st.integers(0, n - 1), cut, st.just([n - 1, 0])))
        for n, cut in zip(expected.shape, forwards)
    )
    lazy = found.v[key].values
    np.testing.assert_array_equal(lazy, xr.Variable(found.v.dims, expected)[key].values)
    np.testing.assert_array_equal(found.v.values, expected)
    np.testing.assert_array_equal(found.failure.values.ravel() == "no", failed)


def test_what_is_gone_over_comes_first_among_the_dimensions() -> None:
    # in this order pandas stacks them
    ds = sweep(SMALL, {"seed": range(2), "K": [1, 2]}, record=["theta@:"])
    assert list(ds.sizes) == ["seed", "K", "time", "oscillator"]
    assert list(ds.to_dataframe().index.names) == ["seed", "K", "time", "oscillator"]


@pytest.mark.parametrize("ending", ["nc", "zarr"])
def test_a_sweep_saved_and_loaded_is_identical(ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"s.{ending}"
    ds = sweep(Fragile(), {"x": [1, -1, 4], "seed": range(2)}, record=["y@:", "count"], output=path)
    assert load(path).identical(ds)
    assert list(load(path).sizes) == list(ds.sizes)
    assert sorted(p.name for p in tmp_path.iterdir()) == [path.name]
    assert load(save(ds, path)).identical(ds)


# --- what is not taken without a word


def test_a_file_that_is_there_is_not_written_over(tmp_path: Path) -> None:
    sweep(SMALL, {"seed": [0, 1]}, output=tmp_path / "sweep.nc")
    before = (tmp_path / "sweep.nc").read_bytes()
    with pytest.raises(FileExistsError, match="is there already; take another name"):
        sweep(SMALL, {"seed": [2]}, output=tmp_path / "sweep.nc")
    assert (tmp_path / "sweep.nc").read_bytes() == before


def test_a_value_that_is_given_twice_is_refused_but_not_along_with_others() -> None:
    with pytest.raises(ParameterError, match="K has a value twice"):
        sweep(SMALL, {"K": [1.0, 1.0, 2.0]})
    both = sweep(SMALL, {"point": {"K": [1.0, 1.0], "seed": [0, 1]}})
    assert both.sizes["point"] == 2


def test_times_run_forwards() -> None:
    with pytest.raises(ParameterError, match="from the first of two numbers to the second"):
        sweep(SMALL, {"seed": [0]}, record=["r@5:1:3"])


def test_an_angle_is_recorded_only_where_it_is_asked_for() -> None:
    assert "psi" not in sweep(SMALL, {"seed": [0]})
    assert "psi" in sweep(SMALL, {"seed": [0]}, record=["psi"])
