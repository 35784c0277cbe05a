"""The code keeps its style: linted, formatted, strictly typed where numbers are made, apart from films."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCES = sorted([*ROOT.glob("sims/*.py"), *ROOT.glob("scenes/**/*.py")])


@pytest.mark.parametrize(
    "words",
    [("ruff", "check", "."), ("ruff", "format", "--check", "."), ("mypy", "--strict", "sims")],
    ids=["linted", "formatted", "strictly typed"],
)
def test_the_code_is(words):
    done = subprocess.run(
        [sys.executable, "-m", *words], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]


def imported(path: Path) -> set[str]:
    """The packages a file names in its imports, anywhere in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {name.name.split(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.split(".")[0])
    return found


@pytest.mark.parametrize("path", [p for p in SOURCES if p.parent.name == "sims"], ids=lambda p: p.stem)
def test_simulations_know_nothing_of_films(path):
    assert not imported(path) & {"manim", "scenes"}


@pytest.mark.parametrize("path", [p for p in SOURCES if "scenes" in p.parts], ids=lambda p: p.stem)
def test_films_hold_no_chance_and_no_clock_of_their_own(path):
    text = path.read_text()
    for word in ("always_redraw", "TracedPath", ".become(", "add_updater", "np.random", "default_rng"):
        assert word not in text, f"{path.name} uses {word}"


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: p.stem)
def test_a_file_fits_a_sitting(path):
    assert len(path.read_text().splitlines()) <= 400
