"""The `sims` command as its user meets it: what it says, how it refuses, what it leaves behind."""

import os
import pickle
import re
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from commands import Run, on_a_terminal, read, shell
from rich.cells import cell_len

from sims import Kuramoto, Simulation, _discover, load, save

SUBJECTS = _discover.subjects("sims")


# --- list and show


def test_list_names_every_simulation_with_its_first_line(sims: Run) -> None:
    code, out, _ = sims("list", columns=200)
    assert code == 0
    assert [line.split()[0] for line in out.splitlines()] == list(SUBJECTS)
    assert "when does a crowd of clocks agree?" in out


def test_list_answers_within_half_a_second(tmp_path: Path) -> None:
    def seconds() -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        assert shell("list", cwd=tmp_path).returncode == 0
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime

    assert min(seconds() for _ in range(5)) < 0.5


def modules_after(words: list[str], cwd: Path) -> set[str]:
    code = (
        "import sys\n"
        "from sims.__main__ import main\n"
        f"sys.argv = ['sims', *{words}]\n"
        "try:\n    main()\n"
        "finally:\n    print('modules', *sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=cwd, capture_output=True, text=True)
    return set(done.stdout.splitlines()[-1].split())


@pytest.mark.parametrize("words", [["list"], ["--help"], ["run", "--help"], ["--version"]])
def test_list_and_help_import_no_simulation_and_nothing_heavy(words: list[str], tmp_path: Path) -> None:
    heavy = {"manim", "matplotlib", "numpy", "scipy", "xarray", "pydantic", "sims._simulation"}
    assert not modules_after(words, tmp_path) & (heavy | {f"sims.{name}" for name in SUBJECTS})


def test_show_imports_that_simulation_alone(tmp_path: Path) -> None:
    modules = modules_after(["show", "kuramoto"], tmp_path)
    assert "sims.kuramoto" in modules
    assert not modules & (
        {"manim", "matplotlib"} | {f"sims.{name}" for name in SUBJECTS if name != "kuramoto"}
    )


def test_a_broken_file_does_not_break_the_list(tmp_path: Path) -> None:
    broken = tmp_path / "broken.py"
    broken.write_text("def f(:\n")
    assert _discover.headline(broken) == "(cannot be read: invalid syntax, line 1)"
    broken.write_bytes(b'"""\xff"""')
    assert _discover.headline(broken).startswith("(cannot be read: ")
    broken.write_bytes(b"x = 1\x00")
    assert _discover.headline(broken).startswith("(cannot be read: ")
    broken.write_text("x = 1\n")
    assert _discover.headline(broken) == ""


def test_show_tells_equation_parameters_variables_and_references(sims: Run) -> None:
    code, out, _ = sims("show", "kuramoto", columns=120)
    assert code == 0
    assert "dθᵢ/dt = ωᵢ + (K/N) Σⱼ sin(θⱼ - θᵢ - α)" in out
    assert out.index("Parameters of Kuramoto") < out.index("Recorded variables") < out.index("References")
    words = " ".join(out.split())
    assert "K K 2.5 0 to 1,000 rad/s coupling strength" in words
    assert "theta time, oscillator θ rad phase, unwrapped" in words
    assert "Strogatz 2000" in out


@pytest.mark.parametrize("columns", [40, 80])
@pytest.mark.parametrize("subject", SUBJECTS)
def test_show_and_help_keep_within_the_terminal(sims: Run, subject: str, columns: int) -> None:
    for words in (["show", subject], ["run", subject, "--help"]):
        code, out, _ = sims(*words, columns=columns)
        assert code == 0
        assert max(map(cell_len, out.splitlines())) <= columns
    for name in _discover.find("sims", subject, Simulation).model_fields:
        assert f"--{name}" in out or columns == 40


@pytest.mark.parametrize("columns", [40, 80])
@pytest.mark.parametrize(
    "words", [["--help"], ["list"], ["run", "--help"], ["plot", "--help"], ["show", "-h"]]
)
def test_every_other_help_keeps_within_the_terminal(words: list[str], columns: int, tmp_path: Path) -> None:
    done = shell(*words, cwd=tmp_path, env=os.environ | {"COLUMNS": str(columns)})
    assert done.returncode == 0
    assert max(map(cell_len, done.stdout.splitlines())) <= columns


def test_help_of_a_simulation_teaches_its_parameters(sims: Run) -> None:
    _, out, _ = sims("run", "kuramoto", "--help", columns=200)
    assert "Usage: sims run kuramoto [OPTIONS]" in out
    assert "coupling strength; K in rad/s, 0 to 1,000 [default: 2.5]" in out
    assert "lorentzian, normal, uniform, equal, given [default: lorentzian]" in out
    assert "--output" in out


# --- run


def test_run_saves_a_trajectory_and_says_what_it_measured(sims: Run, tmp_path: Path) -> None:
    code, out, err = sims("run", "kuramoto", "--K", 3, "--steps", "1e2")
    assert (code, err) == (0, "")
    trajectory = load(tmp_path / "kuramoto.nc")
    sim = Kuramoto(K=3, steps=100)
    xr.testing.assert_identical(trajectory, sim.run())
    for what, value in sim.measure(trajectory).items():
        assert what in out
        assert f"{value:.6g}" in out
    assert "kuramoto.nc (" in out
    assert "sims plot kuramoto.nc" in out
    assert "sims.load('kuramoto.nc')" in out


def test_run_writes_where_it_is_told_even_with_spaces(sims: Run, tmp_path: Path) -> None:
    code, out, _ = sims("run", "kuramoto", "--steps", 10, "-o", "my run.nc")
    assert code == 0
    assert "sims plot 'my run.nc'" in out
    assert [path.name for path in tmp_path.iterdir()] == ["my run.nc"]


def test_names_are_typed_as_they_are_or_with_hyphens(sims: Run, tmp_path: Path) -> None:
    for spelling in ("--theta_0", "--theta-0"):
        assert sims("run", "metronomes", spelling, 0.3, "--periods", 1)[0] == 0
        assert '"theta_0": 0.3' in load(tmp_path / "metronomes.nc").attrs["parameters"]


@pytest.mark.parametrize("words", [["--hidden", "5", "4"], ["--hidden", "5,4"], ["--hidden=5,4"]])
def test_several_values_are_typed_with_spaces_or_commas(sims: Run, tmp_path: Path, words: list[str]) -> None:
    assert sims("run", "backprop", *words, "--steps", 2)[0] == 0
    assert '"hidden": [5, 4]' in load(tmp_path / "backprop.nc").attrs["parameters"]


def test_negative_values_need_no_quoting(sims: Run, tmp_path: Path) -> None:
    words = ["--frequencies", "given", "--n", 2, "--given", -1, "-2e-1", "--centre", -3, "--steps", 2]
    assert sims("run", "kuramoto", *words)[0] == 0
    parameters = load(tmp_path / "kuramoto.nc").attrs["parameters"]
    assert '"given": [-1.0, -0.2]' in parameters
    assert '"centre": -3.0' in parameters


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--K", "-3"], "K must be >= 0 (rad/s); got -3.0"),
        (["--K", "nan"], "K must be a finite number >= 0 and <= 1,000 (rad/s); got nan"),
        (["--K=-inf"], "K must be a finite number >= 0 and <= 1,000 (rad/s); got -inf"),
        (["--K", "strong"], "K must be a finite number >= 0 and <= 1,000 (rad/s); got 'strong'"),
        (["--n", "1.5"], "n must be a whole number >= 1 and <= 1,000,000; got '1.5'"),
        (["--n", "1e9"], "n must be <= 1,000,000; got 1000000000"),
        (["--n", "9" * 30], f"n must be <= 1,000,000; got {'9' * 30}"),
        (["--n="], "n must be a whole number >= 1 and <= 1,000,000; got ''"),
        (
            ["--frequencies", "lorenz"],
            "frequencies must be one of lorentzian, normal, uniform, equal, given; got 'lorenz'",
        ),
        (["--given", "1", "2"], "given goes with frequencies='given' and only with it; got (1.0, 2.0)"),
        (["--k", "3"], "there is no option --k: did you mean --K?"),
        (["--steops", "3"], "there is no option --steops: did you mean --steps?"),
        (["--K"], "Parameter --K requires an argument."),
        (["3"], "nothing is known to do with 3"),
        (["-o", "run.txt"], "the name must end in .nc; got run.txt"),
        (["-o", "none/run.nc"], "the folder none does not exist; make it or write elsewhere"),
    ],
)
def test_a_mistake_is_told_in_one_line(refused: Callable[..., str], words: list[str], message: str) -> None:
    assert refused("run", "kuramoto", *words) == message


def test_a_mistyped_name_or_command_is_suggested(refused: Callable[..., str]) -> None:
    assert refused("run", "kuramto") == "there is no 'kuramto' in sims: did you mean kuramoto?"
    assert refused("show", "Metronome") == "there is no 'Metronome' in sims: did you mean metronomes?"
    assert 'Did you mean "list"?' in refused("lst")
    assert "requires an argument" in refused("run")
    assert refused("run", "none.py") == "there is no file none.py"


LONG = ["run", "kuramoto", "--n", "1000000", "--steps", "1000"]


def test_a_path_that_cannot_be_written_is_refused_before_the_run(
    refused: Callable[..., str], tmp_path: Path
) -> None:
    folder, file = tmp_path / "folder.nc", tmp_path / "file"
    folder.mkdir()
    file.touch()
    os.mkfifo(tmp_path / "pipe.nc")
    start = time.perf_counter()
    assert refused(*LONG, "-o", folder) == f"{folder} is a folder; give the name of a file in it"
    assert refused(*LONG, "-o", file / "run.nc") == f"{file} is not a folder; write elsewhere"
    assert refused(*LONG, "-o", tmp_path / "pipe.nc").endswith("pipe.nc is not a file; give another name")
    assert refused(*LONG, "-o", "/proc/self/run.nc").startswith("cannot write /proc/self/run.nc: ")
    assert time.perf_counter() - start < 5


def test_a_run_larger_than_memory_is_ours_to_tell(refused: Callable[..., str]) -> None:
    told = refused("run", "kuramoto", "--n", "1000000", "--steps", "10000000", status=1)
    assert told.startswith("not enough memory: ")


def test_a_disk_that_fills_keeps_the_old_file_and_exits_with_one(tmp_path: Path) -> None:
    old = save(Kuramoto(steps=10).run(), tmp_path / "run.nc").read_bytes()

    def little_room() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))

    done = shell("run", "kuramoto", "-o", "run.nc", cwd=tmp_path, preexec_fn=little_room)
    assert done.returncode == 1
    assert done.stderr == "sims: cannot write run.nc: File too large\n"
    assert done.stdout == ""
    assert [path.name for path in tmp_path.iterdir()] == ["run.nc"]
    assert (tmp_path / "run.nc").read_bytes() == old


def test_a_full_or_closed_output_ends_in_one_line_or_none(tmp_path: Path) -> None:
    line = [sys.executable, "-m", "sims", "list"]
    with open("/dev/full", "w") as full:
        done = subprocess.run(line, cwd=tmp_path, stdout=full, stderr=subprocess.PIPE, text=True)
    assert (done.returncode, done.stderr) == (1, "sims: No space left on device\n")
    reader, writer = os.pipe()
    os.close(reader)
    closed = subprocess.run(line, cwd=tmp_path, stdout=writer, stderr=subprocess.PIPE, text=True)
    os.close(writer)
    assert (closed.returncode, closed.stderr) == (141, "")


def test_a_terminal_without_greek_still_gets_its_answer(tmp_path: Path) -> None:
    plain = os.environ | {"PYTHONIOENCODING": "ascii", "COLUMNS": "80"}
    done = shell("show", "kuramoto", cwd=tmp_path, env=plain)
    assert (done.returncode, done.stderr) == (0, "")
    assert "coupling strength" in done.stdout


# --- a user's own file


def test_a_users_own_file_runs_shows_and_plots(sims: Run, tmp_path: Path, own_simulation: str) -> None:
    (tmp_path / "my_sim.py").write_text(own_simulation)
    code, out, _ = sims("run", "./my_sim.py", "--rate", 2)
    assert code == 0
    assert f"left at the end  {np.exp(-10):.6g}" in out
    assert load("my_sim.nc").attrs["simulation"] == "my_sim"
    assert "dx/dt = -λ x" in sims("show", "my_sim.py")[1]
    assert "rate of decay; λ in 1/s, 0 to 1,000 [default: 1]" in sims("run", "my_sim.py", "--help")[1]
    assert sims("plot", "my_sim.nc")[0] == 0
    assert (tmp_path / "my_sim.png").stat().st_size > 5000


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ("import numpy as np", "import numpy as", 8, "SyntaxError: invalid syntax"),
        ("import numpy as np", "import nunpy as np", 8, "ModuleNotFoundError: No module named 'nunpy'"),
        ('param(1.0, "rate', 'params(1.0, "rate', 16, "NameError: name 'params' is not defined"),
        (
            'param(1.0, "rate of decay", symbol="λ", unit="1/s", ge=0, le=1e3)',
            "1.0",
            13,
            "Decay.rate must be",
        ),
        ("np.linspace(0, 5, 101)", "np.linspace(0, 5, 1 // 0)", 26, "ZeroDivisionError: integer"),
    ],
)
def test_a_users_broken_file_is_told_by_file_line_and_reason(
    refused: Callable[..., str],
    tmp_path: Path,
    own_simulation: str,
    old: str,
    new: str,
    line: int,
    message: str,
) -> None:
    path = tmp_path / "my_sim.py"
    path.write_text(own_simulation.replace(old, new))
    told = refused("run", path)
    assert told.startswith(f"{path}, line {line}: ")
    assert message in told


def test_a_users_file_must_hold_one_simulation(
    refused: Callable[..., str], tmp_path: Path, own_simulation: str
) -> None:
    path = tmp_path / "my_sim.py"
    path.write_text('"""Nothing."""\n')
    assert refused("run", path) == f"{path} must hold exactly one Simulation; it holds none"
    path.write_text(own_simulation + "\n\nclass Other(Decay):\n    pass\n")
    assert refused("run", path) == f"{path} must hold exactly one Simulation; it holds Decay, Other"


def test_a_users_file_may_import_its_neighbour(sims: Run, tmp_path: Path, own_simulation: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "neighbouring_rates.py").write_text("RATE = 1.5\n")
    source = own_simulation.replace("import numpy", "from neighbouring_rates import RATE\nimport numpy")
    (tmp_path / "folder" / "my_sim.py").write_text(source.replace("param(1.0,", "param(RATE,"))
    assert sims("run", "folder/my_sim.py")[0] == 0


def test_a_run_that_diverges_exits_with_one_and_writes_nothing(
    refused: Callable[..., str], tmp_path: Path, own_simulation: str
) -> None:
    path = tmp_path / "my_sim.py"
    path.write_text(own_simulation.replace("np.exp(-p.rate", "np.exp(1e4 * p.rate"))
    told = refused("run", path, status=1)
    assert told == "my_sim.x did not stay finite; try smaller steps or milder parameters"


# --- interruption


def test_ctrl_c_in_a_long_run_leaves_one_line_and_no_file(tmp_path: Path) -> None:
    words = ["run", "kuramoto", "--n", "1000", "--steps", "200000", "--every", "1000", "-o", "run.nc"]
    process, terminal = on_a_terminal(words, tmp_path)
    bar = read(terminal, lambda seen: "%" in seen and "kuramoto" in seen)
    assert "kuramoto" in bar
    assert "%" in bar
    os.write(terminal, b"\x03")
    rest = read(terminal, lambda seen: False)
    assert process.wait(10) == 130
    os.close(terminal)
    assert "Traceback" not in bar + rest
    assert rest.rstrip().endswith("sims: interrupted")
    assert list(tmp_path.iterdir()) == []


def test_a_progress_bar_fits_forty_columns_and_goes_when_done(tmp_path: Path) -> None:
    words = ["run", "kuramoto", "--n", "300", "--steps", "12000", "--every", "1000"]
    process, terminal = on_a_terminal(words, tmp_path, columns=40)
    seen = read(terminal, lambda seen: False)
    assert process.wait(10) == 0
    os.close(terminal)
    frames = seen.replace("\n", "\r").split("\r")
    assert any("%" in frame for frame in frames)
    assert max(cell_len(frame) for frame in frames if "%" in frame) <= 40
    assert "computed in" in seen


def test_help_on_a_terminal_forty_columns_wide_breaks_no_line(tmp_path: Path) -> None:
    process, terminal = on_a_terminal(["run", "kuramoto", "--help"], tmp_path, columns=40)
    seen = read(terminal, lambda seen: False)
    assert process.wait(10) == 0
    os.close(terminal)
    plain = re.sub(r"\x1b\[[0-9;]*m", "", seen)
    assert "coupling strength" in plain
    assert max(map(cell_len, plain.splitlines())) <= 40


def test_away_from_a_terminal_a_long_run_is_silent(tmp_path: Path) -> None:
    done = shell("run", "kuramoto", "--n", "300", "--steps", "10000", "--every", "1000", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "%" not in done.stdout


def test_sigkill_while_running_keeps_the_old_file(tmp_path: Path) -> None:
    old = save(Kuramoto(steps=10).run(), tmp_path / "run.nc").read_bytes()
    line = [
        sys.executable,
        "-m",
        "sims",
        "run",
        "kuramoto",
        "--n",
        "1000",
        "--steps",
        "100000",
        "-o",
        "run.nc",
    ]
    process = subprocess.Popen(line, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(1.5)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert (tmp_path / "run.nc").read_bytes() == old


# --- plot


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "it is empty"),
        (b"time,theta\n", "it is not NetCDF-4"),
        (b"CDF\x01" + bytes(100), "it is NetCDF-3, not NetCDF-4"),
        (pickle.dumps(print), "it is a Python pickle, which is never opened"),
        (b"\x89HDF\r\n\x1a\n" + bytes(100), "run.nc is damaged: "),
    ],
)
def test_what_is_no_trajectory_is_refused_in_one_line(
    refused: Callable[..., str], tmp_path: Path, content: bytes, message: str
) -> None:
    (tmp_path / "run.nc").write_bytes(content)
    assert message in refused("plot", "run.nc")


def test_a_truncated_or_foreign_trajectory_is_refused_in_one_line(
    refused: Callable[..., str], tmp_path: Path
) -> None:
    path = save(Kuramoto(steps=10).run(), tmp_path / "run.nc")
    path.write_bytes(path.read_bytes()[:5000])
    assert "run.nc is damaged" in refused("plot", "run.nc")
    xr.Dataset({"x": ("time", [1.0])}).to_netcdf(path, engine="h5netcdf")
    assert "no trajectory of ours" in refused("plot", "run.nc")
    assert refused("plot", "none.nc") == "none.nc does not exist"
    assert refused("plot", tmp_path, "-o", "a.png") == f"{tmp_path} is a folder, not a trajectory"


def test_a_figure_goes_beside_its_trajectory_or_where_it_is_told(sims: Run, tmp_path: Path) -> None:
    (tmp_path / "runs").mkdir()
    path = save(Kuramoto(n=5, steps=50).run(), tmp_path / "runs" / "run.nc")
    assert sims("plot", path)[1] == f"{path.with_suffix('.png')}\n"
    assert sims("plot", path, "r", "theta", "-o", "figure.svg")[1] == "figure.svg\n"
    assert (tmp_path / "figure.svg").read_text().startswith("<?xml")


def test_a_wrong_figure_or_variable_is_refused_in_one_line(
    refused: Callable[..., str], tmp_path: Path
) -> None:
    save(Kuramoto(n=5, steps=50).run(), tmp_path / "run.nc")
    assert refused("plot", "run.nc", "-o", "a.jpg") == "the name must end in .png or .svg or .pdf; got a.jpg"
    assert refused("plot", "run.nc", "thet") == "thet is not in this trajectory: did you mean theta?"
    assert refused("plot", "run.nc", "time").startswith("time has nothing to draw: ")


def test_the_version_is_that_of_the_package(sims: Run) -> None:
    from importlib.metadata import version

    assert sims("--version")[:2] == (0, f"sims {version('learning-dynamics')}\n")
