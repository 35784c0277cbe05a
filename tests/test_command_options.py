"""Options made from simulations, as `sims` and `scenes` share them, and what becomes of an error."""

import errno
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import numpy as np
import pytest

from sims import Batch, ParameterError, Simulation, param, variable
from sims._command import Mistyped, command, guarded, takes, verdict, writable


class Pendulum(Simulation):
    """A pendulum."""

    beta: float = param(0.0, "coupling", symbol="β", ge=0, lt=1)
    n: int = param(5, "number", symbol="N", ge=1, le=10, shape=True)
    theta_0: float = param(0.4, "amplitude", unit="rad", ge=0, le=1)
    start: tuple[float, ...] = param((0.0, 1.0), "start", ge=-1, le=1, shape=True)
    word: Literal["up", "down"] = param("up", "direction", shape=True)
    output: int = param(1, "named as the command's own option", ge=0, le=9)
    seed: int = param(0, "seed", ge=0, le=100)

    variables = {"time": variable("time", "time")}

    @classmethod
    def solve(cls, p: Batch) -> dict[str, np.ndarray]:
        return {"time": np.arange(3.0)}


class Bowl(Simulation):
    """A bowl."""

    eta: float = param(0.1, "learning rate", ge=0, le=10)
    damped: bool = param(False, "whether damped", shape=True)
    seed: int = param(3, "seed", ge=0, le=100)

    variables = {"step": variable("step", "step")}


SIMS: dict[str, Simulation] = {"alone": Pendulum(), "board": Pendulum(beta=0.1, n=7), "bowl": Bowl()}


def typed(
    words: str, sims: Mapping[str, Simulation] = SIMS, kept: Mapping[str, set[str]] | None = None
) -> tuple[dict[str, Simulation], str]:
    """The simulations and the own option that an action gets for what was typed."""
    got: list[tuple[dict[str, Simulation], str]] = []

    def action(changed: dict[str, Simulation], /, *, output: str = "here") -> None:
        got.append((changed, output))

    command("try it", takes(sims, action, kept), "About.")(words.split())
    return got[0]


def test_nothing_typed_changes_nothing() -> None:
    assert typed("") == (SIMS, "here")


def test_a_name_sets_the_parameter_wherever_there_is_one() -> None:
    sims, _ = typed("--seed 7")
    assert {name: sim.seed for name, sim in sims.items()} == {"alone": 7, "board": 7, "bowl": 7}  # type: ignore[attr-defined]
    assert sims == {name: sim.model_copy(update={"seed": 7}) for name, sim in SIMS.items()}


def test_a_simulations_name_before_it_sets_it_there_alone_and_has_the_last_word() -> None:
    sims, _ = typed("--board.seed 8 --seed 7 --bowl.eta 2")
    assert sims["alone"] == Pendulum(seed=7)
    assert sims["board"] == Pendulum(beta=0.1, n=7, seed=8)
    assert sims["bowl"] == Bowl(seed=7, eta=2)


def test_what_a_film_keeps_is_changed_only_by_its_full_name() -> None:
    kept = {"alone": {"beta"}}
    assert typed("--beta 0.2", kept=kept)[0]["alone"] == Pendulum()
    assert typed("--beta 0.2", kept=kept)[0]["board"] == Pendulum(beta=0.2, n=7)
    assert typed("--alone.beta 0.2", kept=kept)[0]["alone"] == Pendulum(beta=0.2)


def test_hyphens_stand_for_underscores() -> None:
    assert typed("--theta-0 0.3") == typed("--theta_0 0.3")
    assert typed("--board.theta-0 0.3") == typed("--board.theta_0 0.3")


def test_a_parameter_named_as_an_option_of_the_command_is_reached_by_its_full_name() -> None:
    sims, own = typed("--output there --board.output 5")
    assert own == "there"
    assert sims["board"] == Pendulum(beta=0.1, n=7, output=5)
    assert sims["alone"] == Pendulum()


def test_words_become_the_values_they_stand_for() -> None:
    sims, _ = typed("--start -1 0.5 --word down --n 1e1 --damped")
    assert sims["alone"] == Pendulum(start=(-1.0, 0.5), word="down", n=10)
    assert sims["bowl"] == Bowl(damped=True)
    assert typed("--start=-1,0.5")[0]["alone"] == Pendulum(start=(-1.0, 0.5))
    assert type(sims["alone"].n) is int  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "words", ["--beta 1", "--seed 1.5", "--word sideways", "--start 0 2", "--board.n 11"]
)
def test_a_value_out_of_bounds_never_reaches_the_action(words: str) -> None:
    with pytest.raises(ParameterError, match="must"):
        typed(words)


def test_help_groups_the_parameters_by_whose_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    app = command("try it", takes(SIMS, lambda sims: None), "About.")
    app(["--help"])
    out = capsys.readouterr().out
    assert "Parameters of alone, board, bowl" in out
    assert "Parameters of alone, board" in out
    assert "Parameters of bowl" in out
    assert "[default: alone 0, board 0.1]" in " ".join(out.replace("│", "").split())
    assert "--board.seed" not in out


def test_errors_the_user_can_mend_exit_with_two_and_others_with_one() -> None:
    assert verdict(ParameterError("K must be >= 0; got -3")) == (2, "K must be >= 0; got -3")
    assert verdict(FileNotFoundError(errno.ENOENT, "No such file", "a.nc")) == (2, "a.nc: No such file")
    assert verdict(OSError(errno.EROFS, "Read-only file system", "a.nc"))[0] == 2
    assert verdict(OSError(errno.ENOSPC, "No space left on device"))[0] == 1
    assert verdict(MemoryError())[0] == 1


@pytest.mark.parametrize(
    ("error", "status", "line"),
    [
        (KeyboardInterrupt(), 130, "sims: interrupted\n"),
        (Mistyped("two\n  lines"), 2, "sims: two lines\n"),
        (KeyError("x"), 1, "sims: a fault of ours, please report it: test_command_options.py, line "),
    ],
)
def test_every_error_becomes_one_line_and_a_status(
    capsys: pytest.CaptureFixture[str], error: BaseException, status: int, line: str
) -> None:
    def work() -> None:
        raise error

    with pytest.raises(SystemExit) as left:
        guarded("sims", work)
    assert left.value.code == status
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(line)
    assert err.count("\n") == 1


def test_a_path_is_checked_for_its_ending_and_its_folder(tmp_path: Path) -> None:
    assert writable(tmp_path / "a.png", ".png") == tmp_path / "a.png"
    assert writable(tmp_path / "a.PNG", ".png") == tmp_path / "a.PNG"
    with pytest.raises(Mistyped, match=r"must end in \.png or \.svg; got .*a\.jpg"):
        writable(tmp_path / "a.jpg", ".png", ".svg")
    with pytest.raises(IsADirectoryError):
        writable(tmp_path, ".png")
