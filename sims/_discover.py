"""From a name, or a user's own file, to its class: the name is the file's, and only that file is imported."""

import ast
import difflib
import importlib
import importlib.util
import inspect
import sys
from collections.abc import Sequence
from pathlib import Path
from traceback import walk_tb
from types import ModuleType
from typing import TypeVar

T = TypeVar("T")
OWN = "own."  # what the module of a user's own file is called, before its name


class UnknownName(LookupError):
    """No such subject; suggests the nearest."""


def subjects(package: str) -> dict[str, Path]:
    """Every public file of a package, by name: each is a subject."""
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise UnknownName(f"there is no package {package}")
    folder = Path(next(iter(spec.submodule_search_locations)))
    return {path.stem: path for path in sorted(folder.glob("*.py")) if not path.stem.startswith("_")}


def headline(path: Path) -> str:
    """The first line of a file's docstring, read without importing it."""
    try:
        doc = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    except SyntaxError as error:
        return f"(cannot be read: {error.msg}, line {error.lineno})"
    except ValueError as error:
        return f"(cannot be read: {error})"
    return (doc or "").split("\n")[0]


def nearest(word: str, known: Sequence[str]) -> str:
    """`; did you mean K?` for a word that is nearly known, else the list of what is known."""
    lowered = {name.lower(): name for name in known}
    close = difflib.get_close_matches(word.lower(), lowered, n=1, cutoff=0.5)
    return f"did you mean {lowered[close[0]]}?" if close else f"known are {', '.join(known)}"


def find(package: str, name: str, base: type[T]) -> type[T]:
    """The subclass of `base` in the subject `name` of `package`, or in the user's file at the path `name`."""
    module = _own_file(name) if name.endswith(".py") else _subject(package, name)
    kinds = [
        kind
        for kind in vars(module).values()
        if inspect.isclass(kind) and issubclass(kind, base) and kind.__module__ == module.__name__
    ]
    if len(kinds) != 1:
        found = ", ".join(kind.__name__ for kind in kinds) or "none"
        raise UnknownName(f"{name} must hold exactly one {base.__name__}; it holds {found}")
    return kinds[0]


def own_place(error: BaseException) -> tuple[str, int] | None:
    """File and line an error comes from in a user's own file; None where none has a part in it."""
    frames = walk_tb(error.__traceback__)
    own = [
        (f.f_code.co_filename, line) for f, line in frames if str(f.f_globals.get("__name__")).startswith(OWN)
    ]
    return own[-1] if own else None


def _subject(package: str, name: str) -> ModuleType:
    known = subjects(package)
    if name not in known:
        raise UnknownName(f"there is no {name!r} in {package}: {nearest(name, list(known))}")
    return importlib.import_module(f"{package}.{name}")


def _own_file(name: str) -> ModuleType:
    path = Path(name)
    if not path.is_file():
        raise UnknownName(f"there is no file {path}")
    module_name = OWN + path.stem
    spec = importlib.util.spec_from_file_location(module_name, path)
    if spec is None or spec.loader is None:
        raise UnknownName(f"{path} cannot be imported")
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module
    # last, so that a neighbour can be imported but never hides a library
    sys.path.append(str(path.parent.resolve()))
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[module_name]
        raise
    return module
