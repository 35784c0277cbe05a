"""What the project is made of when it is installed: its pins, its packages, the files in them."""

import re
import subprocess
import sys
import tomllib
from importlib.metadata import distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]


def needed(name: str, extras: frozenset[str] = frozenset()) -> set[str]:
    """Every package that a package installed here needs, however far down."""
    found: set[str] = set()
    todo = [(name, extras)]
    done = set()
    while todo:
        name, extras = todo.pop()
        if (name, extras) in done:
            continue
        done.add((name, extras))
        for line in distribution(name).requires or []:
            asked = Requirement(line)
            wanted = [asked.marker is None or asked.marker.evaluate({"extra": e}) for e in (*extras, "")]
            if any(wanted):
                found.add(canonicalize_name(asked.name))
                todo.append((asked.name, frozenset(asked.extras)))
    return found - {"learning-dynamics"}


def pins() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    return dict(line.split("==") for line in lines if line and not line.startswith("#"))


def test_constraints_are_names_with_one_version_and_nothing_else():
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    for line in filter(None, lines):
        assert re.fullmatch(r"#.*|[A-Za-z0-9_.-]+==[0-9][0-9a-z.]*", line), line


def test_every_package_needed_however_far_down_is_pinned():
    pinned = {canonicalize_name(name) for name in pins()}
    assert needed("learning-dynamics", frozenset({"dev"})) - pinned == set()


def test_every_pin_lies_within_what_the_project_asks_for():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    pinned = {canonicalize_name(name): version for name, version in pins().items()}
    for line in (*project["dependencies"], *project["optional-dependencies"]["dev"]):
        asked = Requirement(line)
        assert asked.specifier.contains(pinned[canonicalize_name(asked.name)]), line


def test_what_is_installed_is_what_is_pinned():
    if not (ROOT / ".venv" / "installed").exists() or Path(sys.prefix) != ROOT / ".venv":
        pytest.skip("these tests run in an environment that `make test` did not make")
    pinned = {canonicalize_name(name): version for name, version in pins().items()}
    here = {name: distribution(name).version for name in needed("learning-dynamics", frozenset({"dev"}))}
    assert here == {name: pinned[name] for name in here}
    checked = subprocess.run(
        [sys.executable, "-m", "pip", "check"], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout


def test_every_package_and_every_file_in_one_is_declared():
    tools = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    sources = [path for top in ("sims", "scenes") for path in (ROOT / top).rglob("*") if path.is_file()]
    sources = [path.relative_to(ROOT) for path in sources if "__pycache__" not in path.parts]
    holding = {".".join(path.parent.parts) for path in sources if path.suffix == ".py"}
    assert set(tools["packages"]) == holding
    data = {
        f"{package.replace('.', '/')}/{name}"
        for package, names in tools["package-data"].items()
        for name in names
    }
    for path in sources:
        assert path.suffix == ".py" or any(path.match(pattern) for pattern in data), path
