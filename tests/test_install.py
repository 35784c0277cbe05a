"""The two commands of the README on a fresh machine: what is installed, and what is said when it cannot be.

Each test runs the real script in a copy of the project, with a PATH that holds only what the test allows.
"""

import importlib.util
import os
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ASKED = ("pyproject.toml", "constraints.txt", "Makefile", ".ci/install")
# what any Debian, however small, and any Mac has
TOOLS = (
    "sh", "cat", "chmod", "cksum", "date", "dirname", "env", "fold", "grep", "id", "mkdir", "mktemp", "rm",
    "sleep", "tail", "touch", "uname",
)  # fmt: skip
PYTHON = getattr(sys, "_base_executable", sys.executable)
NOBODY = 65534

# stands for a Python: says its version, makes a .venv of copies of itself, and lets `pip` act as a test wants
PRETENDER = """#!/bin/sh
case "$*" in
    *ensurepip*) {ensurepip} ;;
    *version_info*) echo {version} ;;
    *sysconfig*) echo "{headers}" ;;
    *'-m venv'*)
        [ -f .venv ] && echo 'in the way' >&2 && exit 1
        rm -rf .venv && mkdir -p .venv/bin && cat "$0" >.venv/bin/python && chmod +x .venv/bin/python ;;
    *'import cairo, manimpango'*) exit 1 ;;
    *'pip --version'*) ;;
    *'pip '*download*) {online} ;;
    *'pip install'*) echo pip >>"{notes}"; {pip} ;;
    *) echo "not known: $*" >&2; exit 9 ;;
esac
"""


class Machine:
    """A folder that holds a copy of the project, and the only programs that its commands can find."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.project, self.bin = folder, folder / "project", folder / "bin"
        for path in (self.bin, self.project / ".ci", folder / "headers", folder / "home", folder / "tmp"):
            path.mkdir(parents=True)
        (folder / "tmp").chmod(0o777)
        for name in ASKED:
            shutil.copy(ROOT / name, self.project / name)
        (folder / "headers" / "Python.h").touch()
        self.has(*TOOLS, "make")
        self.pretends("cc")
        self.pretends("pkg-config")

    def has(self, *tools: str) -> None:
        """Let the machine have tools that this one has."""
        for tool in tools:
            (self.bin / tool).symlink_to(shutil.which(tool) or pytest.skip(f"this machine has no {tool}"))

    def pretends(self, tool: str, does: str = "exit 0") -> None:
        """A program of this name that does no more than `does`."""
        path = self.bin / tool
        path.unlink(missing_ok=True)
        path.write_text(f"#!/bin/sh\n{does}\n")
        path.chmod(0o755)

    def python(self, **does: str) -> None:
        """A pretended Python: its `version`, and what `pip`, `ensurepip` and being `online` come to."""
        usual = {"version": "3.11", "pip": "exit 0", "ensurepip": "exit 0", "online": "exit 0"}
        places = {"headers": self.folder / "headers", "notes": self.folder / "notes"}
        (self.bin / "python3").write_text(PRETENDER.format(**usual | does | places))
        (self.bin / "python3").chmod(0o755)

    def start(self, *command: str, **more: str) -> subprocess.Popen[str]:
        folders = {"PATH": "bin", "HOME": "home", "TMPDIR": "tmp"}
        environment = {key: str(self.folder / name) for key, name in folders.items()} | {"LC_ALL": "C.UTF-8"}
        return subprocess.Popen(
            command or ("sh", ".ci/install"),
            cwd=self.project,
            env=environment | more,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def run(self, *command: str, **more: str) -> tuple[int, str, str]:
        """Exit status, what was said, and what was complained of, on one line."""
        running = self.start(*command, **more)
        said, complained = running.communicate(timeout=120)
        return running.returncode, said, " ".join(complained.split())

    def installs(self) -> int:
        """How often pip was asked to install."""
        notes = self.folder / "notes"
        return len(notes.read_text().split()) if notes.exists() else 0

    @property
    def left(self) -> list[str]:
        """What lies in the project that was not there before."""
        return sorted(path.name for path in self.project.iterdir() if path.name not in (*ASKED, ".ci"))


@pytest.fixture
def machine() -> Iterator[Machine]:
    # not pytest's own folder, which other users cannot enter
    folder = Path(tempfile.mkdtemp(prefix="machine-"))
    folder.chmod(0o755)
    yield Machine(folder)
    shutil.rmtree(folder)


def test_the_second_run_says_and_does_nothing(machine):
    machine.python()
    status, said, complained = machine.run()
    assert (status, complained) == (0, "")
    assert "Installed in" in said
    start = time.perf_counter()
    assert machine.run() == (0, "", "")
    assert time.perf_counter() - start < 1
    assert machine.installs() == 1


@pytest.mark.parametrize("changed", ["pyproject.toml", "constraints.txt", ".ci/install"])
def test_a_change_of_what_is_asked_for_is_installed_again(machine, changed):
    machine.python()
    machine.run()
    with (machine.project / changed).open("a") as file:
        file.write("\n# changed\n")
    assert machine.run()[0] == 0
    assert machine.installs() == 2


def test_a_project_that_was_moved_is_installed_again(machine):
    machine.python()
    machine.run()
    machine.project = machine.project.rename(machine.folder / "elsewhere, with a space")
    status, _, complained = machine.run()
    assert (status, complained) == (0, "")
    assert machine.installs() == 2


def test_an_environment_whose_python_has_gone_is_made_anew(machine):
    machine.python()
    machine.run()
    python = machine.project / ".venv" / "bin" / "python"
    python.unlink()
    python.symlink_to("/nowhere/python3")
    machine.run()
    assert machine.installs() == 2


def test_both_commands_install_first_and_stop_where_that_fails(machine):
    machine.python(version="3.9")
    for command in ("demo", "test", "films"):
        status, said, complained = machine.run("make", command)
        assert status != 0
        assert "Python 3.11 or newer is needed" in complained
        assert said == ""


@pytest.mark.parametrize("version", ["3.10", "not there"])
def test_a_python_too_old_or_none_is_told_with_where_to_get_one(machine, version):
    if version != "not there":
        machine.python(version=version)
    status, _, complained = machine.run()
    assert status == 1
    assert f"Python 3.11 or newer is needed; python3 is {version}." in complained
    assert "apt-get install python3" in complained
    assert "brew install python" in complained
    assert machine.left == []


def test_a_newer_python_beside_an_old_one_is_found(machine):
    machine.python(version="3.12")
    (machine.bin / "python3").rename(machine.bin / "python3.12")
    machine.python(version="3.9", pip="exit 1")
    assert machine.run()[0] == 0


def test_the_python_named_by_the_user_is_taken(machine):
    machine.python(version="3.13")
    (machine.bin / "python3").rename(machine.folder / "mine")
    machine.python(version="3.11", pip="exit 1")
    assert "/nowhere/python3 is not there" in machine.run(PYTHON="/nowhere/python3")[2]
    assert machine.run(PYTHON=str(machine.folder / "mine"))[0] == 0
    assert machine.run(PYTHON="/nowhere/python3")[0] == 0, "what is installed stays so"


MISSING = {
    "a C compiler": (["cc"], "gcc libc6-dev"),
    "pkg-config": (["pkg-config"], "pkg-config libcairo2-dev libpango1.0-dev"),
    "Python's headers": (["Python.h"], "python3.11-dev"),
    "Python's venv module": (["ensurepip"], "python3.11-venv"),
    "Cairo's headers": (["cairo"], "libcairo2-dev"),
    "Pango's headers": (["pangocairo"], "libpango1.0-dev"),
}


def take_away(machine: Machine, things: list[str]) -> None:
    machine.python(ensurepip="exit 1" if "ensurepip" in things else "exit 0")
    for thing in things:
        (machine.bin / thing).unlink(missing_ok=True)
        if thing.endswith("cairo"):
            machine.pretends("pkg-config", f'[ "$2" != {thing} ]')
    if "Python.h" in things:
        (machine.folder / "headers" / "Python.h").unlink()


@pytest.mark.parametrize("what", MISSING)
def test_without_apt_get_each_missing_thing_is_named_with_its_cure(machine, what):
    things, packages = MISSING[what]
    take_away(machine, things)
    status, said, complained = machine.run()
    assert (status, said) == (1, "")
    assert what in complained
    assert "there is no apt-get here" in complained
    assert f"apt-get install {packages}" in complained
    assert "brew install cairo pkg-config" in complained
    assert machine.left == []


@pytest.mark.parametrize("what", MISSING)
def test_root_installs_each_missing_thing_with_apt_get(machine, what):
    things, packages = MISSING[what]
    take_away(machine, things)
    machine.pretends("id", "echo 0")
    machine.pretends("apt-get", f'echo "$*" >>{machine.folder}/apt')
    status, said, complained = machine.run()
    assert status == 1
    assert f"Installing with apt-get: {packages}" in said
    assert packages in (machine.folder / "apt").read_text()
    assert f"Still missing after apt-get: {what}" in complained, "this apt-get does nothing"
    assert machine.left == []


def test_a_package_list_that_is_old_is_fetched_again(machine):
    take_away(machine, ["Python.h"])
    machine.pretends("id", "echo 0")
    header, fresh = machine.folder / "headers" / "Python.h", machine.folder / "fresh"
    machine.pretends(
        "apt-get", f'case "$*" in *update*) touch {fresh} ;; *) [ -e {fresh} ] && touch {header} ;; esac'
    )
    assert machine.run()[0] == 0


def test_a_failing_apt_get_gives_its_last_words_and_the_cure(machine):
    take_away(machine, ["cc"])
    machine.pretends("id", "echo 0")
    machine.pretends("apt-get", "echo 'E: Unable to fetch some archives' >&2; exit 100")
    status, _, complained = machine.run()
    assert status == 1
    assert "E: Unable to fetch some archives apt-get could not install gcc libc6-dev" in complained
    assert "connect and run the command again" in complained
    assert machine.left == []


def test_whoever_is_not_root_and_has_no_sudo_is_told_what_to_ask_for(machine):
    take_away(machine, ["cc"])
    machine.pretends("apt-get", "exit 1")
    (machine.bin / "id").unlink()
    machine.has("id")
    command = ["sh", ".ci/install"]
    if os.getuid() == 0:
        machine.has("setpriv")
        machine.project.chmod(0o777)
        command = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", *command]
    status, _, complained = machine.run(*command)
    assert status == 1
    assert "has no right to install it: not root, and sudo is missing" in complained
    assert "Ask whoever runs this machine for: apt-get install gcc libc6-dev" in complained
    assert machine.left == []


def test_sudo_that_wants_a_password_where_none_can_be_asked_is_not_waited_for(machine):
    take_away(machine, ["cc"])
    machine.pretends("id", 'case "$*" in -u) echo 1000 ;; *) echo ada ;; esac')
    machine.pretends("apt-get", "exit 1")
    machine.pretends("sudo", "echo 'sudo: a password is required' >&2; exit 1")
    status, _, complained = machine.run()
    assert status == 1
    assert "ada has no right to install it" in complained


def test_neither_apt_get_nor_sudo_is_called_where_nothing_is_missing(machine):
    machine.python()
    machine.pretends("id", "echo 1000")
    for program in ("apt-get", "sudo"):
        machine.pretends(program, "echo called >&2; exit 1")
    assert machine.run()[0] == 0
    assert machine.run() == (0, "", "")


def test_a_file_in_the_way_of_the_environment_is_left_alone(machine):
    machine.python()
    (machine.project / ".venv").write_text("mine")
    status, _, complained = machine.run()
    assert status == 1
    assert "in the way python3 could not make the virtual environment .venv; why stands above" in complained
    assert (machine.project / ".venv").read_text() == "mine"


def test_a_folder_of_someone_else_is_told_as_such(machine):
    if os.getuid() != 0:
        pytest.skip("only root can be someone else")
    machine.has("setpriv")
    machine.python()
    status, _, complained = machine.run(
        "setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "sh", ".ci/install"
    )
    assert status == 1
    assert "cannot be written" in complained
    assert machine.left == []


def test_without_network_a_real_pip_fails_with_one_paragraph_and_leaves_nothing(machine):
    headers = Path(sysconfig.get_path("include")) / "Python.h"
    if not headers.exists() or not importlib.util.find_spec("ensurepip"):
        pytest.skip("this Python could not install anything: it lacks its headers or ensurepip")
    unreachable = {"PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_CONFIG_FILE": os.devnull}
    status, _, complained = machine.run(PYTHON=PYTHON, PIP_RETRIES="0", **unreachable)
    assert status == 1
    assert "The package index could not be reached. Connect to the network" in complained
    assert machine.left == []


FAILURES = {
    "ERROR: Could not install: [Errno 28] No space left on device": "The disk is full",
    "ERROR: Failed building wheel for pycairo": "A package could not be compiled.",
    "error: metadata-generation-failed": "A package could not be compiled.",
    "ERROR: Cannot install numpy because of conflicting dependencies.": "pip could not install the packages.",
}


@pytest.mark.parametrize(("words", "told"), FAILURES.items())
def test_each_failure_of_pip_gets_its_own_paragraph_and_leaves_nothing(machine, words, told):
    machine.python(pip=f"echo '{words}' >&2; exit 1")
    status, said, complained = machine.run()
    assert status == 1
    assert told in complained
    assert "Installed" not in said
    assert machine.left == []
    log = re.search(r"is in (\S+)\.$", complained)
    assert log
    assert words in Path(log[1]).read_text()


def test_whatever_pip_says_without_network_the_network_is_what_is_told(machine):
    machine.python(pip="echo 'ERROR: conflicting dependencies.' >&2; exit 1", online="exit 1")
    complained = machine.run()[2]
    assert "The package index could not be reached." in complained
    assert "conflicting" not in complained


def test_a_failed_change_leaves_the_old_environment_but_not_as_whole(machine):
    machine.python()
    machine.run()
    machine.python(pip="exit 1")
    shutil.copy(machine.bin / "python3", machine.project / ".venv" / "bin" / "python")
    pins = machine.project / "constraints.txt"
    before = pins.read_text()
    pins.write_text(before + "\n# changed\n")
    assert machine.run()[0] == 1
    assert machine.left == [".venv"]
    pins.write_text(before)
    assert machine.run()[0] == 1, "half changed, so not whole for the old pins either"


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupted_installation_leaves_nothing(machine, sent):
    machine.python(pip="sleep 60")
    running = machine.start()
    while machine.installs() == 0 and running.poll() is None:
        time.sleep(0.02)
    os.killpg(running.pid, sent)
    running.communicate(timeout=20)
    assert running.returncode != 0
    assert machine.left == []


def test_every_line_fits_eighty_columns(machine):
    take_away(machine, ["cc", "ensurepip", "Python.h", "pkg-config"])
    assert max(map(len, machine.start().communicate()[1].splitlines())) <= 80


def test_continuous_integration_runs_make_test_and_hands_on_its_status(machine):
    shutil.copy(ROOT / ".ci" / "run", machine.project / ".ci" / "run")
    machine.has("bash")
    machine.pretends("make", 'echo "make $*"; exit 3')
    assert machine.run("bash", ".ci/run") == (3, "make test\n", "")
