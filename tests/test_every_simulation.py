"""Promises that every simulation keeps, found by discovery: a new file in sims/ is held to them at once."""

import ast
import json
import math
import subprocess
import sys
import time
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from pydantic.fields import FieldInfo

import sims
from sims import Diverged, ParameterError, Simulation, _discover, load, save

SUBJECTS = _discover.subjects("sims")
# elementwise in the batch: one alone and many at once are equal to the byte
ELEMENTWISE = {"kuramoto", "metronomes"}
NUMBERS = (int, float)


@pytest.fixture(params=SUBJECTS, scope="session")
def subject(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@cache
def kind(subject: str) -> type[Simulation]:
    return _discover.find("sims", subject, Simulation)


@cache
def run(subject: str) -> xr.Dataset:
    return kind(subject)().run()


def entry_type(field: FieldInfo) -> Any:
    return get_args(field.annotation)[0] if get_origin(field.annotation) is tuple else field.annotation


def bounds(field: FieldInfo) -> dict[str, float]:
    assert isinstance(field.json_schema_extra, dict)
    return field.json_schema_extra["bounds"]  # type: ignore[return-value]


def numbers(subject: str) -> dict[str, FieldInfo]:
    return {name: f for name, f in kind(subject).model_fields.items() if f.annotation in NUMBERS}


# --- the file


def test_the_file_opens_with_one_line_and_names_its_source(subject: str) -> None:
    doc = ast.get_docstring(ast.parse(SUBJECTS[subject].read_text())) or ""
    first, second, *_ = [*doc.split("\n"), ""]
    assert first.endswith((".", "?"))
    assert len(first) <= 100
    assert second == ""
    assert _discover.headline(SUBJECTS[subject]) == first
    assert any(line.startswith(("Reference: ", "References: ")) for line in doc.split("\n"))


def test_the_file_holds_one_simulation_that_sims_gives_by_name(subject: str) -> None:
    name = kind(subject).__name__
    assert name.lower() == subject.replace("_", "")
    assert getattr(sims, name) is kind(subject)
    assert name in dir(sims)


def test_no_simulation_imports_manim_or_matplotlib() -> None:
    code = (
        "import sys, sims\n"
        f"for subject in {list(SUBJECTS)}:\n"
        "    __import__(f'sims.{subject}')\n"
        "    assert not {'manim', 'matplotlib', 'torch'} & set(sys.modules), subject\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


# --- its parameters


def test_every_parameter_says_what_it_means_and_what_it_may_be(subject: str) -> None:
    for name, field in kind(subject).model_fields.items():
        assert field.description, name
        assert not field.description.endswith("."), name
        entry = entry_type(field)
        if entry in NUMBERS:
            low, high = bounds(field).keys() & {"ge", "gt"}, bounds(field).keys() & {"le", "lt"}
            assert len(low) == len(high) == 1, f"{name} needs a lower and an upper bound"
        else:
            assert entry is bool or get_origin(entry) is Literal, f"{name} needs choices"


def test_a_simulation_is_frozen(subject: str) -> None:
    sim = kind(subject)()
    for name in kind(subject).model_fields:
        with pytest.raises(ValidationError, match="frozen"):
            setattr(sim, name, getattr(sim, name))


def test_numpy_numbers_lists_and_arrays_are_welcome(subject: str) -> None:
    sim = kind(subject)()
    for name, value in dict(sim).items():
        if isinstance(value, tuple):
            assert sim.model_copy(update={name: list(value)}) == sim
            assert sim.model_copy(update={name: np.array(value)}) == sim
        elif isinstance(value, NUMBERS):
            assert sim.model_copy(update={name: np.array(value)[()]}) == sim


@st.composite
def variations(draw: st.DrawFn, subject: str) -> Simulation:
    """The simulation with one parameter changed, as far as its own rules allow."""
    sim = kind(subject)()
    name = draw(st.sampled_from(sorted(kind(subject).model_fields)))
    field = kind(subject).model_fields[name]
    value = draw(within(field))
    try:
        return sim.model_copy(update={name: value})
    except ParameterError:
        return sim


def within(field: FieldInfo) -> st.SearchStrategy[Any]:
    """Any value that a parameter's type and bounds allow."""
    entry, limits = entry_type(field), bounds(field)
    low, high = limits.get("ge", limits.get("gt")), limits.get("le", limits.get("lt"))
    if entry is int:
        one: st.SearchStrategy[Any] = st.integers(int(low), int(high))  # type: ignore[arg-type]
    elif entry is float:
        one = st.floats(low, high, exclude_min="gt" in limits, exclude_max="lt" in limits)
    else:
        one = st.sampled_from([True, False] if entry is bool else get_args(entry))
    return st.lists(one, max_size=3).map(tuple) if isinstance(field.default, tuple) else one


@given(data=st.data())
def test_repr_is_the_code_that_makes_it_again_and_json_its_provenance(
    subject: str, data: st.DataObject
) -> None:
    sim = data.draw(variations(subject))
    assert eval(repr(sim), {kind(subject).__name__: kind(subject)}) == sim
    assert kind(subject)(**json.loads(json.dumps(dict(sim)))) == sim
    assert type(sim).model_validate_json(sim.model_dump_json()) == sim


def refused(subject: str, name: str, value: object) -> str:
    """The message with which a value is refused, however it comes in."""
    with pytest.raises(ParameterError) as made:
        kind(subject)(**{name: value})
    with pytest.raises(ParameterError) as copied:
        kind(subject)().model_copy(update={name: value})
    assert str(copied.value) == str(made.value)
    message = str(made.value)
    assert "\n" not in message
    return message


@given(data=st.data())
def test_a_number_out_of_bounds_is_refused_by_name_bound_and_value(subject: str, data: st.DataObject) -> None:
    fields = kind(subject).model_fields
    name = data.draw(st.sampled_from(sorted(n for n, f in fields.items() if entry_type(f) in NUMBERS)))
    field, entry = fields[name], entry_type(fields[name])
    side, limit = data.draw(st.sampled_from(sorted(bounds(field).items())))
    if entry is int:
        away = data.draw(st.integers(0 if side in ("gt", "lt") else 1, 10**12))
        value: float = int(limit) - away if side in ("ge", "gt") else int(limit) + away
    else:
        edge = math.nextafter(limit, -math.inf if side in ("ge", "gt") else math.inf)
        edge = limit if side in ("gt", "lt") else edge
        reach = (-1e300, edge) if side in ("ge", "gt") else (edge, 1e300)
        value = data.draw(st.floats(*reach, allow_subnormal=False))
    given_value = (value,) if isinstance(field.default, tuple) else value
    message = refused(subject, name, given_value)
    assert name in message
    assert {"ge": ">=", "gt": ">", "le": "<=", "lt": "<"}[side] + f" {limit:,.10g}" in message
    assert f"got {given_value!r}" in message


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_finite_number_is_refused(subject: str, value: float) -> None:
    for name, field in numbers(subject).items():
        message = refused(subject, name, value)
        assert name in message
        assert f"got {value!r}" in message
        assert all(f"{limit:,.10g}" in message for limit in bounds(field).values())


WRONG = st.one_of(
    st.none(),
    st.text(),
    st.binary(),
    st.complex_numbers(),
    st.dictionaries(st.text(), st.integers()),
    st.just(object),
)


@given(data=st.data())
def test_a_value_of_the_wrong_type_is_refused_by_name_and_value(subject: str, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(kind(subject).model_fields)))
    field = kind(subject).model_fields[name]
    extra = {int: st.floats(0.01, 0.99) | st.booleans(), float: st.booleans()}.get(
        entry_type(field), st.integers()
    )
    value = data.draw(WRONG | extra)
    if value in get_args(field.annotation):
        return
    message = refused(subject, name, value)
    assert name in message
    assert f"got {value!r}" in message
    assert all(choice in message for choice in get_args(field.annotation) if isinstance(choice, str))


@given(word=st.text("abcdefghijklmnopqrstuvwxyzKN_", min_size=1, max_size=12))
def test_an_unknown_parameter_is_refused_by_name(subject: str, word: str) -> None:
    if word not in kind(subject).model_fields:
        assert repr(word) in refused(subject, word, 1)


def test_a_parameter_nearly_right_is_suggested(subject: str) -> None:
    for name in kind(subject).model_fields:
        if len(name) > 4:
            assert f"did you mean {name}?" in refused(subject, f"{name[:-1]}{name[-1] * 2}", 1)


# --- its runs


def test_a_run_with_the_defaults_takes_less_than_five_seconds(subject: str) -> None:
    def seconds() -> float:
        start = time.process_time()
        kind(subject)().run()
        return time.process_time() - start

    assert min(seconds(), seconds()) < 5


def test_every_declared_variable_is_recorded_and_labelled(subject: str) -> None:
    trajectory = run(subject)
    declared = kind(subject).variables
    assert {name for name in declared if "{" not in name} <= set(trajectory.variables)
    for name, v in trajectory.variables.items():
        assert v.attrs["long_name"], name
        assert {"symbol", "units"} <= set(v.attrs), name
        assert v.attrs["symbol"] or v.dtype.kind != "f", name
        assert all(isinstance(text, str) for text in v.attrs.values()), name
        assert all(dim.isidentifier() for dim in v.dims), name
        assert v.dtype.kind in "fibU", name
        assert v.dtype.kind != "f" or (v.dtype == np.float64 and np.isfinite(v.values).all()), name
    assert {"time", "step"} & set(trajectory.dims)


def test_a_trajectory_carries_the_parameters_that_make_it_again(subject: str) -> None:
    attrs = run(subject).attrs
    assert attrs["simulation"] == subject
    assert attrs["title"]
    sim = kind(subject)(**json.loads(attrs["parameters"]))
    assert sim == kind(subject)()
    assert attrs["seed"] == getattr(sim, "seed", 0)


def test_what_was_measured_is_numbers_with_names(subject: str) -> None:
    measured = kind(subject)().measure(run(subject))
    assert measured
    assert all(isinstance(what, str) and type(value) is float for what, value in measured.items())


def test_a_trajectory_saved_and_loaded_is_identical(subject: str, tmp_path: Path) -> None:
    back = load(save(run(subject), tmp_path / "run.nc"))
    xr.testing.assert_identical(back, run(subject))
    for name, v in run(subject).variables.items():
        assert back[name].dtype.kind in (v.dtype.kind, "O")
        assert back[name].dims == v.dims


def test_measuring_a_loaded_trajectory_gives_the_same_numbers(subject: str, tmp_path: Path) -> None:
    back = load(save(run(subject), tmp_path / "run.nc"))
    sim = kind(subject)(**json.loads(back.attrs["parameters"]))
    assert sim.measure(back) == pytest.approx(sim.measure(run(subject)), rel=1e-12, nan_ok=True)


def test_the_same_seed_gives_the_same_bytes(subject: str, tmp_path: Path) -> None:
    first = save(run(subject), tmp_path / "first.nc").read_bytes()
    assert save(kind(subject)().run(), tmp_path / "second.nc").read_bytes() == first


def test_a_batch_equals_one_by_one(subject: str) -> None:
    if "seed" not in kind(subject).model_fields:
        pytest.skip("nothing to vary")
    members = [kind(subject)(seed=seed) for seed in (1, 2)]
    batch = kind(subject).run_batch(members)
    for i, sim in enumerate(members):
        alone = sim.run()
        for name, v in alone.variables.items():
            together = batch[name] if "batch" not in batch[name].dims else batch[name].isel(batch=i)
            if subject in ELEMENTWISE or v.dtype.kind != "f":
                assert together.values.tobytes() == v.values.tobytes(), name
            else:
                size = np.abs(v.values).max(initial=1.0)
                np.testing.assert_allclose(
                    together.values, v.values, rtol=1e-12, atol=1e-12 * size, err_msg=str(name)
                )


SHORT = {"steps": 20, "periods": 2.0, "epochs": 2}


def test_parameters_at_their_bounds_run_diverge_or_are_refused_but_never_fail(subject: str) -> None:
    short = kind(subject)()
    for name, value in SHORT.items():
        if name in kind(subject).model_fields:
            short = short.model_copy(update={name: value})
    for name, field in numbers(subject).items():
        assert isinstance(field.json_schema_extra, dict)
        if field.json_schema_extra["shape"]:
            continue
        for limit in bounds(field).values():
            value = entry_type(field)(limit)
            with np.errstate(all="ignore"), suppress(ParameterError, Diverged):
                trajectory = short.model_copy(update={name: value}).run()
                floats = [v.values for v in trajectory.variables.values() if v.dtype.kind == "f"]
                assert all(np.isfinite(values).all() for values in floats)


def test_a_star_brings_what_the_package_names() -> None:
    import sims

    found: dict[str, object] = {}
    exec("from sims import *", found)
    assert set(dir(sims)) <= set(found)
