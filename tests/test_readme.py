"""README.md tells the truth: every command and every snippet in it is run, section by section.

A section starts in an empty folder and its blocks are run in order, as a reader would. Renders of the four
films take minutes: here a frame of the same film with the same parameters is drawn; `pytest -m slow` runs
them as printed.
"""

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import NamedTuple

import pytest

from scenes._film import Film
from sims import _discover, load

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
BIN = Path(sys.executable).parent
FILMS = set(_discover.subjects("scenes"))


class Block(NamedTuple):
    """A fenced block: its language, its text, and the file it is, where the words before it say so."""

    language: str
    text: str
    file: str | None


def sections() -> dict[str, list[Block]]:
    found: dict[str, list[Block]] = {}
    pattern = r"(?:This is `(?P<file>\w+\.py)`:\n\n)?^```(?P<language>\w+)\n(?P<text>.*?)^```$"
    for title, body in re.findall(r"^#{1,2} (.*?)$(.*?)(?=^#{1,2} |\Z)", README, re.M | re.S):
        for match in re.finditer(pattern, body, re.M | re.S):
            found.setdefault(title, []).append(Block(match["language"], match["text"], match["file"]))
    return found


def commands() -> list[str]:
    """Every command printed."""
    blocks = [block for section in sections().values() for block in section if block.language == "console"]
    return [line[2:].split("  #")[0] for block in blocks for line in block.text.splitlines()]


def is_long(words: list[str]) -> bool:
    """Whether a command renders one of the four films, or all."""
    return words[:2] == ["scenes", "render"] and words[2] in (*FILMS, "--all") and "--help" not in words


LONG = [command for command in commands() if is_long(shlex.split(command))]


def with_ours() -> dict[str, str]:
    """An environment in which our commands are found."""
    return os.environ | {"PATH": f"{BIN}:{os.environ['PATH']}", "MPLBACKEND": "Agg", "COLUMNS": "100"}


def run(words: list[str], folder: Path) -> str:
    done = subprocess.run(
        words, cwd=folder, env=with_ours(), capture_output=True, text=True, timeout=3600, check=False
    )
    assert done.returncode == 0, f"{shlex.join(words)}:\n{done.stdout}\n{done.stderr}"
    return done.stdout


def shortened(words: list[str]) -> list[str]:
    """A moment of one film, small and drawn here: with the same parameters, theme and format."""
    name = words[2] if words[2] in FILMS else "metronomes"
    words = [name, *[w for w in words[3:] if w not in FILMS], "--output", f"renders/{name}"]
    for option in ("--quality", "--from", "--to", "--scheduler"):
        if option in words:
            i = words.index(option)
            words = words[:i] + words[i + 2 :]
    return [
        "scenes",
        "render",
        *words,
        "--quality",
        "draft",
        "--from",
        "2",
        "--to",
        "2.2",
        "--without",
        "all",
    ]


def served(words: list[str], folder: Path) -> str:
    """What a server says at once, to a program that reads it; only Ctrl-C ends it."""
    environment = {k: v for k, v in with_ours().items() if k != "PYTHONUNBUFFERED"}
    process = subprocess.Popen(
        [*words, "--port", "0"], cwd=folder, stdout=subprocess.PIPE, text=True, env=environment
    )
    silence = threading.Timer(120, process.kill)
    silence.start()
    try:
        assert process.stdout
        said = process.stdout.readline()
        process.send_signal(signal.SIGINT)
        assert process.wait() == 0, "it said nothing"
    finally:
        silence.cancel()
        process.kill()
    return said


def play(section: str, folder: Path) -> str:
    """Run a section's blocks in a folder; returns all they print."""
    said = ""
    for i, block in enumerate(sections()[section]):
        if block.language == "python":
            name = block.file or f"snippet_{i}.py"
            (folder / name).write_text(block.text)
            said += "" if block.file else run([sys.executable, name], folder)
        elif block.language == "console":
            for line in block.text.splitlines():
                assert line.startswith("$ "), f"what a command prints may change: {line}"
                words = shlex.split(line[2:], comments=True)
                if words[:2] == ["scenes", "serve"]:
                    said += served(words, folder)
                elif words[0] in ("sims", "scenes"):
                    said += run(shortened(words) if is_long(words) else words, folder)
    return said


@pytest.fixture(scope="module")
def subject(tmp_path_factory) -> Path:
    """The folder of a reader who has followed how a subject is added."""
    folder = tmp_path_factory.mktemp("subject")
    play("Adding a subject", folder)
    return folder


PLAYED = [title for title in sections() if title != "Adding a subject"]


@pytest.mark.parametrize("section", PLAYED)
def test_a_section_runs_as_printed(section, tmp_path):
    said = play(section, tmp_path)
    body = README.split(f"# {section}\n")[1].split("\n## ")[0]
    for promised in re.findall(r"^It prints `(.*?)`|^print\(.*\)  # (\{.*\})$", body, re.M):
        assert "".join(promised) in said


@pytest.mark.slow
@pytest.mark.parametrize("command", LONG)
def test_a_film_renders_as_printed(command, tmp_path):
    words = shlex.split(command)
    if "--scheduler" not in words:
        assert "renders/" in run(words, tmp_path)


def test_the_first_example_is_eight_lines():
    example = next(block for block in sections()["learning-dynamics"] if block.language == "python")
    assert len(example.text.splitlines()) == 8


def test_every_make_command_is_a_target_and_every_target_is_told():
    targets = set(re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.M)[1].split())
    told = {word.strip("`") for word in re.findall(r"make \w+", README)}
    assert {word.split()[1] for word in told} == targets - {"help", "installed"}


def test_every_command_is_one_of_ours_or_the_activation_of_the_environment():
    for command in commands():
        ours = command.split()[0] in ("make", "sims", "scenes")
        assert ours or command == "source .venv/bin/activate", command
    assert (BIN / "activate").exists()


def test_every_simulation_and_every_film_is_listed():
    body = README.split("## Simulations and films")[1].split("\n## ")[0]
    sims, scenes = body.split("| `scenes` |")
    cells = re.findall(r"^\| (`.*?) \|", sims, re.M)
    assert {name for cell in cells for name in re.findall(r"`(\w+)`", cell)} - {"sims"} == set(
        _discover.subjects("sims")
    )
    questions = dict(re.findall(r"^\| `(\w+)` \| (.*?) \|$", scenes, re.M))
    assert questions == {name: _discover.find("scenes", name, Film).question for name in FILMS}


def test_every_link_and_picture_is_there():
    for target in re.findall(r"\]\((.*?)\)", README):
        assert (ROOT / target).exists(), target


# --- what lies beside a clip


def told_files() -> set[str]:
    """The files of the course author's table."""
    table = README.split("## For the course author")[1].split("\n## ")[0]
    cells = re.findall(r"^\| (`.*?`) \|", table, re.M)
    return {name for cell in cells for name in re.findall(r"`(.*?)`", cell)}


def test_the_files_of_a_bundle_are_those_the_course_author_is_told_of(subject):
    data = {f"{name}.nc" for name in _discover.find("scenes", "metronomes", Film).simulations()}
    assert data <= told_files()
    bundle = {path.name for path in (subject / "renders" / "my_film").iterdir()}
    assert bundle - {"decay.nc"} == told_files() - data


# --- a subject of one's own


def test_the_subjects_numbers_are_those_of_theory(subject):
    run = load(subject / "my_sim.nc")
    assert '"rate": 0.5' in run.attrs["parameters"]
    assert float(run.x[-1]) == pytest.approx(2.718281828459045 ** (-0.5 * 6), rel=1e-8)


def test_moved_into_the_project_both_files_are_found_by_name_and_keep_the_promises(subject, tmp_path):
    for name in ("sims", "scenes", "tests"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    shutil.copy(subject / "my_sim.py", tmp_path / "sims" / "decay.py")
    film = (subject / "my_film.py").read_text()
    (tmp_path / "scenes" / "fading.py").write_text(film.replace("from my_sim import", "from sims import"))
    for command in ("sims", "scenes"):
        assert re.search(r"^(decay|fading) ", run([sys.executable, "-m", command, "list"], tmp_path), re.M)
    run([sys.executable, "-m", "scenes", "still", "fading", "--at", "7", "--quality", "draft"], tmp_path)
    promises = [
        "-m",
        "pytest",
        "-q",
        "tests/test_every_simulation.py",
        "-k",
        "decay",
        "-p",
        "no:cacheprovider",
    ]
    assert " passed" in run([sys.executable, *promises], tmp_path)
