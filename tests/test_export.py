"""`sims export` gives the same numbers to every other tool: read back as that tool does, nothing is lost."""

import io
import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from commands import Run, files
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from test_plot_sweeps import KINDS

from sims import Attention, Kuramoto, Simulation, _discover, save
from sims._discover import UnknownName
from sims._export import as_json, as_npz, as_tables, export, labels, tables
from sims._simulation import ParameterError

pandas = pytest.importorskip("pandas")
SUBJECTS = _discover.subjects("sims")
LABELS = {"long_name": "what is left", "symbol": "x", "units": "m"}
ANY = st.floats(allow_nan=True, allow_infinity=True, allow_subnormal=True)
WORDS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=8)


@st.composite
def datasets(draw: st.DrawFn) -> xr.Dataset:
    """Numbers of all sorts and words, along one dimension with a coordinate and one without."""
    rows, columns = draw(st.integers(1, 5)), draw(st.integers(1, 4))
    time = np.sort(draw(arrays.arrays(float, rows, elements=st.floats(-1e9, 1e9), unique=True)))
    return xr.Dataset(
        {
            "x": (("time", "unit"), draw(arrays.arrays(float, (rows, columns), elements=ANY)), LABELS),
            "count": ("time", draw(arrays.arrays(np.int64, rows)), LABELS),
            "fine": ("unit", draw(arrays.arrays(bool, columns)), LABELS),
            "word": ("unit", np.array(draw(st.lists(WORDS, min_size=columns, max_size=columns))), LABELS),
        },
        {"time": ("time", time, {"long_name": "time", "symbol": "t", "units": "s"})},
        {"simulation": "own", "title": "Own.", "parameters": '{"K": 2.0}', "seed": 1},
    )


def read_csv(page: bytes) -> "pandas.DataFrame":
    return pandas.read_csv(io.BytesIO(page), keep_default_na=False, na_values=[""])


# --- nothing is lost


@given(datasets())
def test_json_gives_the_dataset_back(data: xr.Dataset) -> None:
    def strict(word: str) -> None:
        raise AssertionError(f"{word} is no JSON")

    back = xr.Dataset.from_dict(json.loads(as_json(data), parse_constant=strict))
    for name, v in data.variables.items():
        # what is missing is null, and so the array that has some is one of objects
        values = back[name].values if v.dtype.kind == "U" else back[name].values.astype(v.dtype)
        np.testing.assert_array_equal(values, v.values)
        assert back[name].dims == v.dims
        assert back[name].attrs == v.attrs
    assert back.attrs == data.attrs


@given(datasets())
def test_npz_gives_every_array_back_without_a_pickle(data: xr.Dataset) -> None:
    with np.load(io.BytesIO(as_npz(data)), allow_pickle=False) as back:
        assert set(back.files) == {*map(str, data.variables), "__labels__"}
        for name, v in data.variables.items():
            np.testing.assert_array_equal(back[str(name)], v.values)
            assert back[str(name)].dtype.kind == v.dtype.kind
        told = json.loads(str(back["__labels__"]))
    assert told["variables"]["x"] == {"dimensions": ["time", "unit"], **LABELS}
    assert told["attributes"]["parameters"] == {"K": 2.0}


@given(datasets())
def test_csv_gives_every_number_back_to_the_bit(data: xr.Dataset) -> None:
    pages = dict(as_tables(data.drop_vars("word"), Path("run.csv"), "csv"))
    assert list(pages) == ["run.time.unit.csv", "run.time.csv", "run.unit.csv", "run.labels.json"]
    long = read_csv(pages["run.time.unit.csv"])
    assert list(long) == ["time", "unit", "x"]
    np.testing.assert_array_equal(long["x"].to_numpy(float), data.x.values.ravel())
    np.testing.assert_array_equal(long["time"], np.repeat(data.time.values, data.sizes["unit"]))
    np.testing.assert_array_equal(read_csv(pages["run.time.csv"])["count"], data["count"])
    np.testing.assert_array_equal(read_csv(pages["run.unit.csv"])["fine"], data["fine"])


@given(datasets())
def test_parquet_gives_every_column_back_with_its_labels(data: xr.Dataset) -> None:
    pytest.importorskip("pyarrow")
    pages = dict(as_tables(data, Path("run.parquet"), "parquet"))
    long = pandas.read_parquet(io.BytesIO(pages["run.time.unit.parquet"]))
    np.testing.assert_array_equal(long["x"].to_numpy(float), data.x.values.ravel())
    assert long.attrs["variables"]["x"]["units"] == "m"
    words = pandas.read_parquet(io.BytesIO(pages["run.unit.parquet"]))
    assert list(words["word"]) == data.word.values.tolist()
    assert words["fine"].dtype == bool


@pytest.mark.parametrize("subject", SUBJECTS)
def test_every_simulation_goes_through_every_form(subject: str, tmp_path: Path) -> None:
    run = _discover.find("sims", subject, Simulation)().run()
    (path,) = export(run, tmp_path / "run.json", "json")
    back = xr.Dataset.from_dict(json.loads(path.read_text(encoding="utf-8")))
    assert back.identical(run.drop_vars([name for name, v in run.variables.items() if not v.size]))
    (path,) = export(run, tmp_path / "run.npz", "npz")
    with np.load(path, allow_pickle=False) as npz:
        assert all(np.array_equal(npz[str(name)], v.values) for name, v in run.variables.items())
    *pages, told = export(run, tmp_path / "run.csv", "csv")
    assert len(pages) == len(tables(run))
    assert sum(len(page.read_text().splitlines()[0].split(",")) for page in pages) >= len(run.data_vars)
    assert set(json.loads(told.read_text())["variables"]) == set(run.variables)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_sweep_is_one_table_of_a_row_for_each_point(kind: str, tmp_path: Path) -> None:
    data = KINDS[kind].drop_vars("failure")
    path, _ = export(data, tmp_path / "sweep.csv", "csv")
    table = pandas.read_csv(path)
    assert list(table)[-1] == "r"
    assert set(table) == {*map(str, data.dims), *map(str, data.coords), "r"}
    np.testing.assert_array_equal(table["r"], data.r.values.ravel())


# --- the tables


def test_one_table_has_the_plain_name_and_single_values_a_row(tmp_path: Path) -> None:
    one = Kuramoto(n=3, steps=10).run()[["r", "psi"]]
    assert [path.name for path in export(one, tmp_path / "run.csv", "csv")] == ["run.csv", "run.labels.json"]
    last = Kuramoto(n=3, steps=10).run().isel(time=-1, drop=True)[["r", "theta"]]
    *paths, _ = export(last, tmp_path / "last.csv", "csv")
    assert [path.name for path in paths] == ["last.value.csv", "last.oscillator.csv"]
    assert paths[0].read_text() == f"r\n{float(last.r)!r}\n"


def test_coordinates_come_first_and_variables_of_one_shape_side_by_side() -> None:
    sweep = KINDS["a design of three"]
    pages = dict(as_tables(sweep, Path("s.csv"), "csv"))
    head = pages["s.csv"].decode().splitlines()[0]
    assert head == "point,seed,K,D,alpha,r,failure"


def test_only_named_variables_are_written_with_their_coordinates(tmp_path: Path) -> None:
    run = Attention(steps=4).run()
    (path,) = export(run, tmp_path / "run.npz", "npz", ("loss", "probability"))
    with np.load(path) as npz:
        assert set(npz.files) == {"step", "sense", "loss", "probability", "__labels__"}


def test_the_same_run_gives_the_same_bytes(tmp_path: Path) -> None:
    run = Kuramoto(n=3, steps=10).run()
    for to in ("csv", "json", "npz"):
        first = [path.read_bytes() for path in export(run, tmp_path / f"a.{to}", to)]  # type: ignore[arg-type]
        assert [path.read_bytes() for path in export(run, tmp_path / f"b.{to}", to)] == first  # type: ignore[arg-type]


def test_labels_are_plain_json_of_what_the_run_tells() -> None:
    run = Kuramoto(n=3, steps=10, K=3.5).run()
    told = json.loads(json.dumps(labels(run)))
    assert told["attributes"]["parameters"]["K"] == 3.5
    assert told["variables"]["energy"]["units"] == "rad²/s"


# --- what goes wrong


def test_an_unknown_variable_is_refused_with_the_nearest(tmp_path: Path) -> None:
    run = Kuramoto(n=3, steps=10).run()
    with pytest.raises(UnknownName, match="thet is not in this file: did you mean theta"):
        export(run, tmp_path / "run.csv", "csv", ("thet",))
    with pytest.raises(UnknownName, match="time comes with whatever lies along it"):
        export(run, tmp_path / "run.csv", "csv", ("time",))
    assert files(tmp_path) == []


def test_parquet_without_pyarrow_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sims._export.find_spec", lambda name: None)
    with pytest.raises(ParameterError, match=r"pip install '\.\[parquet\]'"):
        export(Kuramoto(n=3, steps=10).run(), tmp_path / "run.parquet", "parquet")
    assert files(tmp_path) == []


def test_a_disk_that_fills_leaves_all_the_old_files_and_none_of_the_new(tmp_path: Path) -> None:
    save(Kuramoto(n=30, steps=200).run(), tmp_path / "run.nc")
    old = {name: tmp_path / name for name in ("run.time.csv", "run.labels.json")}
    for path in old.values():
        path.write_text("old")
    before = files(tmp_path)

    def small() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))

    words = [sys.executable, "-m", "sims", "export", "run.nc", "--to", "csv"]
    done = subprocess.run(
        words, cwd=tmp_path, capture_output=True, text=True, preexec_fn=small, env=os.environ
    )
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "run.time.oscillator.csv: File too large" in done.stderr
    assert files(tmp_path) == before
    assert all(path.read_text() == "old" for path in old.values())


def test_the_command_names_what_it_wrote(sims: Run, tmp_path: Path) -> None:
    save(Kuramoto(n=3, steps=10).run(), tmp_path / "run.nc")
    code, out, err = sims("export", "run.nc", "r", "theta", "--to", "csv", "-o", "out.csv")
    assert (code, err) == (0, "")
    assert out.split() == ["out.time.csv", "out.time.oscillator.csv", "out.labels.json"]
    assert sims("export", "run.nc", "--to", "json")[1].split() == ["run.json"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["run.nc", "--to", "xls"], 'Invalid value "xls" for --to'),
        (["run.nc", "--to", "csv", "-o", "run.txt"], "the name must end in .csv; got run.txt"),
        (["run.nc", "--to", "csv", "-o", "no/run.csv"], "the folder no does not exist"),
        (["none.nc", "--to", "csv"], "none.nc does not exist"),
        (["run.nc", "rr", "--to", "csv"], "did you mean r?"),
    ],
)
def test_a_mistake_is_one_line(sims: Run, tmp_path: Path, words: list[str], said: str) -> None:
    save(Kuramoto(n=3, steps=10).run(), tmp_path / "run.nc")
    code, out, err = sims("export", *words)
    assert (code, out) == (2, "")
    assert len(err.strip().splitlines()) == 1
    assert said in err
    assert files(tmp_path) == [tmp_path / "run.nc"]
