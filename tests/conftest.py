"""Shared by all tests: one thread, so that times and bytes do not hang on the machine's load."""

import atexit
import os
import shutil
import signal
import tempfile

# started in the background of a shell, or with nohup, tests would hand these on to their children as ignored
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)

for library in ("OMP", "OPENBLAS", "MKL"):
    os.environ.setdefault(f"{library}_NUM_THREADS", "1")

# every process of tests begins with an empty cache and never sees the user's own
os.environ["LEARNING_DYNAMICS_CACHE"] = tempfile.mkdtemp(prefix="learning-dynamics-tests-")
atexit.register(shutil.rmtree, os.environ["LEARNING_DYNAMICS_CACHE"], ignore_errors=True)

import sys  # noqa: E402
from collections.abc import Callable  # noqa: E402
from pathlib import Path  # noqa: E402

import pytest  # noqa: E402
from commands import Run, files  # noqa: E402
from hypothesis import HealthCheck, settings  # noqa: E402

settings.register_profile(
    "quick", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)
settings.load_profile("quick")


@pytest.fixture(scope="session")
def own_simulation() -> str:
    """The source of a user's own simulation: what README's author of a new subject writes."""
    return '''"""A quantity that fades.

    dx/dt = -λ x

Reference: Rutherford 1900, Phil. Mag. 49, 1.
"""

import numpy as np

from sims import Batch, Simulation, param, variable


class Decay(Simulation):
    """Exponential decay."""

    rate: float = param(1.0, "rate of decay", symbol="λ", unit="1/s", ge=0, le=1e3)
    seed: int = param(0, "seed", ge=0, le=10)

    variables = {
        "time": variable("time", "time", "t", "s"),
        "x": variable("time", "what is left", "x"),
    }

    @classmethod
    def solve(cls, p: Batch) -> dict[str, np.ndarray]:
        t = np.linspace(0, 5, 101)
        return {"time": t, "x": np.exp(-p.rate[:, None] * t)}

    def measure(self, trajectory):
        return {"left at the end": float(trajectory.x[-1])}
'''


@pytest.fixture
def sims(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """`sims("list")` in an empty folder: exit status, what it printed, what it complained of."""
    from sims.__main__ import main

    monkeypatch.chdir(tmp_path)

    def command(*words: object, columns: int = 80) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["sims", *map(str, words)])
        monkeypatch.setenv("COLUMNS", str(columns))
        with pytest.raises(SystemExit) as left:
            main()
        out, err = capfd.readouterr()
        assert "Traceback" not in out + err
        assert isinstance(left.value.code, int)
        return left.value.code, out, err

    return command


@pytest.fixture
def refused(sims: Run, tmp_path: Path) -> Callable[..., str]:
    """The one line with which a command is refused as its user's mistake, leaving nothing behind."""

    def complaint(*words: object, status: int = 2) -> str:
        before = files(tmp_path)
        code, out, err = sims(*words)
        assert code == status, err
        assert out == ""
        assert err.startswith("sims: ")
        assert err.endswith("\n")
        assert err.count("\n") == 1
        assert files(tmp_path) == before
        return err[len("sims: ") : -1]

    return complaint
