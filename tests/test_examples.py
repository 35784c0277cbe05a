"""The worked notebooks run top to bottom in a fresh kernel, and say again what they say in the file.

`python tests/test_examples.py` runs them and stores what they say: to be done after a change to one of them,
or to what it computes.
"""

import os
import re
import socket
import sys
import tempfile
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

import nbformat
import pytest
from nbclient import NotebookClient
from nbformat import NotebookNode

EXAMPLES = Path(__file__).parents[1] / "sims" / "examples"
NOTEBOOKS = sorted(EXAMPLES.glob("*.ipynb"))
each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
# nothing else may be told of who ran a notebook, when and where
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


@contextmanager
def a_fresh_kernel(home: Path) -> Iterator[None]:
    """Kernels begun within are of this Python, with one thread and without the user's own settings."""
    settings = {
        "JUPYTER_PREFER_ENV_PATH": "1",
        "JUPYTER_DATA_DIR": str(home / "data"),
        "JUPYTER_CONFIG_DIR": str(home / "config"),
        "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
        "IPYTHONDIR": str(home / "ipython"),
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }
    with patch.dict(os.environ, settings):
        for name in ("MPLBACKEND", "DISPLAY", "JUPYTER_PATH"):
            os.environ.pop(name, None)
        yield


def run(path: Path, folder: Path) -> NotebookNode:
    """The notebook as it comes out of a fresh kernel in `folder`, with nothing in it but what it says."""
    notebook = nbformat.read(path, as_version=4)
    with tempfile.TemporaryDirectory() as home, a_fresh_kernel(Path(home)):
        where = {"metadata": {"path": str(folder)}}
        client = NotebookClient(notebook, timeout=1200, kernel_name="python3", resources=where)
        kernel = client.create_kernel_manager()
        kernel.transport, kernel.ip = "ipc", str(Path(home) / "kernel")  # a port might be another's by then
        client.execute()
    notebook.metadata = nbformat.from_dict(METADATA)
    for cell in notebook.cells:
        cell.metadata = NotebookNode()
        for output in cell.get("outputs", []):
            output.pop("transient", None)
            if "metadata" in output:
                output.metadata = NotebookNode()
    return notebook


def code(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def printed(cell: NotebookNode, stream: str = "stdout") -> str:
    return "".join(output.text for output in cell.outputs if output.get("name") == stream)


def shown(cell: NotebookNode) -> list[str]:
    """What a cell shows beside what it prints, in words: tables, and the sizes of figures."""
    kinds = ("text/plain", "text/html")
    return [output.data[kind] for output in cell.outputs for kind in kinds if kind in output.get("data", {})]


def pictures(notebook: NotebookNode) -> list[bytes]:
    shown = (output.get("data", {}) for cell in code(notebook) for output in cell.outputs)
    return [b64decode(data["image/png"]) for data in shown if "image/png" in data]


def test_there_are_three():
    assert [path.stem for path in NOTEBOOKS] == ["gru", "metronomes", "two_banks"]


@each_notebook
def test_a_notebook_runs_top_to_bottom_and_says_what_it_says_in_the_file(path, tmp_path):
    fresh = run(path, tmp_path)
    assert [printed(cell, "stderr") for cell in code(fresh)] == [""] * len(code(fresh))
    for stored, again in zip(code(nbformat.read(path, as_version=4)), code(fresh), strict=True):
        assert printed(again) == printed(stored)
        assert shown(again) == shown(stored)
    assert not list(tmp_path.iterdir())


@each_notebook
def test_what_a_notebook_says_is_stored_whole_and_tells_nothing_of_who_ran_it(path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert notebook.metadata == METADATA
    assert [cell.execution_count for cell in code(notebook)] == list(range(1, len(code(notebook)) + 1))
    assert not any(cell.metadata for cell in notebook.cells)
    for cell in code(notebook):
        assert {output.output_type for output in cell.outputs} <= {"stream", "display_data", "execute_result"}
        assert printed(cell, "stderr") == ""
    told = "\n".join(part for cell in code(notebook) for part in (printed(cell), *shown(cell)))
    text = "\n".join([told, *(cell.source for cell in notebook.cells)])
    assert str(Path.home()) not in text
    assert not re.search(rf"\b{re.escape(socket.gethostname())}\b", text)
    assert not re.search(r"(?<![\w.])/\w+/|\b[A-Z]:\\", text)


@each_notebook
def test_a_notebook_shows_three_figures_or_more_and_is_small(path):
    found = pictures(nbformat.read(path, as_version=4))
    assert len(found) >= 3
    assert all(picture.startswith(b"\x89PNG") for picture in found)
    assert path.stat().st_size < 400_000


@each_notebook
def test_a_notebook_is_read_in_a_few_minutes(path):
    cells = nbformat.read(path, as_version=4).cells
    assert 8 <= len(cells) <= 15
    assert max(len(cell.source.splitlines()) for cell in cells) <= 15
    first, *others = (cell.source for cell in cells if cell.cell_type == "code")
    assert re.search(r"^(import|from) ", first, re.M)
    assert not any(re.search(r"^\s*(import|from) \w", source, re.M) for source in others)


def test_the_readme_tells_which_notebook_answers_what():
    told = re.findall(r"\((\w+)\.ipynb\)", (EXAMPLES / "README.md").read_text())
    assert sorted(told) == [path.stem for path in NOTEBOOKS]


if __name__ == "__main__":
    for path in [Path(name) for name in sys.argv[1:]] or NOTEBOOKS:
        with tempfile.TemporaryDirectory() as folder:
            nbformat.write(run(path, Path(folder)), path)
        print(path.name, f"{path.stat().st_size / 1000:.0f} kB")
