"""What the commands `sims` and `scenes` share: options made from simulations, one clear line per mistake."""

import errno
import inspect
import io
import os
import shutil
import signal
import sys
import textwrap
import traceback
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple, NoReturn, get_args, get_origin

from cyclopts import App, CycloptsError, Group, Parameter, Token, UnknownOptionError, UnusedCliTokensError

from sims._discover import UnknownName, headline, own_place, subjects

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

    from sims._simulation import Simulation

# results and errors come back to `guarded`, which alone prints and exits
PLAIN: dict[str, Any] = {
    "help_format": "plaintext",
    "result_action": "return_value",
    "print_error": False,
    "exit_on_error": False,
    "suppress_keyboard_interrupt": False,
}
Word = int | float | str
METAVARS = {int: "INT", float: "NUMBER"}
USERS = (
    FileNotFoundError,
    FileExistsError,
    IsADirectoryError,
    NotADirectoryError,
    PermissionError,
    ConnectionError,
)


def command(usage: str, action: Callable[..., None], about: str) -> App:
    """One command as an App of its own: `usage` is what is typed before its options, `about` its help."""
    app = App(
        name=usage,
        help=about,
        version_flags=(),
        group_parameters=Group("Options", sort_key=2),
        **PLAIN,
    )
    app.default(action)
    app["--help"].show = False
    return app


def told_version(program: str) -> str:
    """What `--version` prints."""
    from importlib.metadata import version

    return f"{program} {version('learning-dynamics')}"


def print_subjects(package: str) -> None:
    """Name and first line of every subject of a package, within the terminal's width."""
    known = subjects(package)
    margin = max(map(len, known)) + 2
    for name, path in known.items():
        line = name.ljust(margin) + headline(path)
        print(textwrap.fill(line, shutil.get_terminal_size().columns, subsequent_indent=" " * margin))


class Option(NamedTuple):
    """A parameter on the command line: what is typed, and where the value goes."""

    typed: str
    parameter: str
    sims: tuple[str, ...]
    shown: bool


def takes(
    sims: Mapping[str, "Simulation"],
    action: Callable[..., None],
    kept: Mapping[str, Collection[str]] | None = None,
) -> Callable[..., None]:
    """`action` with an option for every parameter of `sims` beside its own.

    `action(changed, …)` gets the simulations by name, changed as typed; its other arguments stay options
    of its own. `--seed 7` sets the seed of every simulation that has one, `--board.seed 7` that of `board`
    alone. What is `kept`, such as {"alone": {"beta"}}, only the second form changes: a film's contrast.

    Raises ParameterError for a value out of bounds, before `action` is called.
    """
    _, *own = inspect.signature(action, eval_str=True).parameters.values()
    found = _options(sims, kept or {}, taken={f"--{p.name}" for p in own})
    options = {f"option_{i}": option for i, option in enumerate(found)}

    def run(*args: Any, **typed: Any) -> None:
        changes: dict[str, dict[str, Any]] = {name: {} for name in sims}
        for key, option in options.items():
            if key in typed:
                value = typed.pop(key)
                for name in option.sims:
                    changes[name][option.parameter] = value
        changed = {name: sim.model_copy(update=changes[name]) for name, sim in sims.items()}
        action(changed, *args, **typed)

    run.__doc__ = action.__doc__
    run.__annotations__ = {}
    parameters = [*own, *(_parameter(key, option, sims) for key, option in options.items())]
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return run


def _options(
    sims: Mapping[str, "Simulation"], kept: Mapping[str, Collection[str]], taken: Collection[str]
) -> Iterator[Option]:
    """Every spelling of every parameter; `--board.beta` comes after `--beta` and so has the last word."""
    owners: dict[str, list[str]] = {}
    for sim, simulation in sims.items():
        for parameter in type(simulation).model_fields:
            owners.setdefault(parameter, []).append(sim)
    plain, dotted = [], []
    for parameter, having in owners.items():
        reached = tuple(sim for sim in having if parameter not in kept.get(sim, ())) or tuple(having)
        if f"--{parameter}" not in taken:
            plain.append(Option(f"--{parameter}", parameter, reached, shown=True))
        for sim in having:
            shown = f"--{parameter}" in taken or sim not in reached
            dotted.append(Option(f"--{sim}.{parameter}", parameter, (sim,), shown))
    for option in plain + dotted:
        yield option
        if "_" in option.typed:
            yield option._replace(typed="--" + option.typed[2:].replace("_", "-"), shown=False)


def _parameter(key: str, option: Option, sims: Mapping[str, "Simulation"]) -> inspect.Parameter:
    """An option as cyclopts reads it: default, type and help from the simulation it belongs to."""
    sim = sims[option.sims[0]]
    field = type(sim).model_fields[option.parameter]
    several = isinstance(field.default, tuple)
    kind: Any = get_args(field.annotation)[0] if several else field.annotation
    defaults = {name: as_typed(getattr(sims[name], option.parameter)) or "none" for name in option.sims}
    alike = len(set(defaults.values())) == 1
    owners = f" of {', '.join(option.sims)}" if len(sims) > 1 else ""
    about = Parameter(
        name=option.typed,
        help=_about(field),
        group=Group(f"Parameters{owners}", sort_key=1),
        converter=None if kind is bool else partial(_read, kind, several),
        consume_multiple=several,
        negative=None if kind is bool else (),
        metavar=METAVARS.get(kind, "WORD") + ("..." if several else ""),
        show=option.shown,
        show_default=defaults[option.sims[0]] if alike else ", ".join(map(" ".join, defaults.items())),
    )
    # any word is let in: what it may be, the simulation itself says best
    hint: Any = bool if kind is bool else tuple[Word, ...] if several else Word
    annotation: Any = Annotated[hint, about]
    return inspect.Parameter(
        key, inspect.Parameter.KEYWORD_ONLY, default=getattr(sim, option.parameter), annotation=annotation
    )


def _read(kind: Any, several: bool, _: Any, tokens: Sequence[Token]) -> Any:
    """The value of an option; several as `6 6` or `6,6`."""
    words = [token.value for token in tokens]
    if not several:
        return value_of(kind, words[0])
    if kind is not str:
        words = [part for word in words for part in word.split(",") if part]
    return tuple(value_of(kind, word) for word in words)


def value_of(kind: Any, word: str) -> Any:
    """The number a word stands for (`1e4` is whole); any other word is the simulation's to refuse."""
    if kind is bool:
        return {"true": True, "yes": True, "false": False, "no": False}.get(word.lower(), word)
    if kind not in (int, float):
        return word
    try:
        value = float(word)
        return int(value) if kind is int and value.is_integer() and abs(value) < 2**53 else kind(word)
    except ValueError:
        return word


def choices(field: "FieldInfo") -> tuple[str, ...]:
    """What a parameter that is a word may be."""
    return get_args(field.annotation) if get_origin(field.annotation) is Literal else ()


def told(field: "FieldInfo", key: str) -> Any:
    """Symbol, unit or bounds of a parameter."""
    extra = field.json_schema_extra
    return extra[key] if isinstance(extra, dict) else ""


def allowed(field: "FieldInfo") -> str:
    """What a parameter may be: `0 to 1,000`, `above 0 to 10`, `lorentzian, normal`."""
    if choices(field):
        return ", ".join(choices(field))
    words = {"ge": "{}", "gt": "above {}", "le": "to {}", "lt": "to below {}"}
    limits = told(field, "bounds")
    span = " ".join(text.format(as_read(limits[key])) for key, text in words.items() if key in limits)
    return f"each {span}" if span and isinstance(field.default, tuple) else span


def _about(field: "FieldInfo") -> str:
    """Help of an option: `coupling strength; K in rad/s, 0 to 1,000`."""
    symbol, unit = told(field, "symbol"), told(field, "unit")
    quantity = f"{symbol} in {unit}" if symbol and unit else symbol or unit
    facts = ", ".join(filter(None, (quantity, allowed(field))))
    return f"{field.description}; {facts}" if facts else str(field.description)


def as_read(value: float) -> str:
    """A number for reading: 1,000,000 and 6.283."""
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:.4g}"


def as_typed(value: Any) -> str:
    """A value as it is typed on the command line."""
    if isinstance(value, tuple):
        return " ".join(map(as_typed, value))
    if isinstance(value, float):
        return f"{value:.10g}" if len(f"{value:.10g}") <= 8 else f"{value:.4g}"
    return str(value)


def tell(facts: Mapping[str, str]) -> None:
    """Print facts one below the other, their values aligned."""
    margin = max(map(len, facts)) + 2
    for what, value in facts.items():
        print(what.ljust(margin) + value)


class Mistyped(ValueError):
    """A command line that cannot be followed; says what would do."""


def writable(path: Path, *endings: str) -> Path:
    """`path`, once it is sure that a file with one of the endings can be written there.

    Raises Mistyped for another ending, OSError where nothing can be written.
    """
    from sims._file import check_writable

    if path.suffix.lower() not in endings and not path.is_dir():
        raise Mistyped(f"the name must end in {' or '.join(endings)}; got {path}")
    check_writable(path)
    return path


def guarded(program: str, work: Callable[[], object]) -> NoReturn:
    """Do the work of a command and leave: one line and no traceback, whatever happens.

    Exit status 0, 2 for what the user can mend, 1 for what we or the machine must, 130 after Ctrl-C, 143
    where it was asked to end, as batch systems do.
    """
    asked = [signal.SIGINT]

    def end(number: int, _: object) -> None:
        """What Ctrl-C does: what was finished is kept, and told."""
        asked.append(signal.Signals(number))
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, end)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    status, line = 0, ""
    try:
        work()
        sys.stdout.flush()
    except KeyboardInterrupt as error:
        status, line = 128 + asked[-1], str(error) or "interrupted"
    except BrokenPipeError:
        status = 141
    # a command is where every error ends; a traceback would tell its user nothing
    except Exception as error:
        status, line = verdict(error)
    # only here, where the frames of the work are gone, has its progress bar left the terminal
    if line:
        print(f"{program}: {' '.join(line.split())}", file=sys.stderr)
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(status)


def verdict(error: Exception) -> tuple[int, str]:
    """Exit status and message of an error: 2 where the user can mend it, 1 where not."""
    if isinstance(error, CycloptsError):
        return 2, _mistyped(error)
    if isinstance(error, (UnknownName, Mistyped)):
        return 2, str(error)
    if isinstance(error, OSError):
        place = f"{error.filename}: " if error.filename else ""
        users = isinstance(error, USERS) or error.errno == errno.EROFS
        return 2 if users else 1, place + (error.strerror or str(error))
    from sims._simulation import ParameterError
    from sims._trajectory import Diverged, TrajectoryError

    if isinstance(error, (ParameterError, TrajectoryError)):
        return 2, str(error)
    if isinstance(error, Diverged):
        return 1, str(error)
    if isinstance(error, MemoryError):
        return 1, f"not enough memory: {str(error) or 'the machine has none left'}; ask for less at once"
    file, line, ours = _origin(error)
    what = f"{file}, line {line}: {type(error).__name__}: {getattr(error, 'msg', '') or error}"
    return (1, f"a fault of ours, please report it: {what}") if ours else (2, what)


def _mistyped(error: CycloptsError) -> str:
    if isinstance(error, UnknownOptionError):
        from sims._discover import nearest

        typed = (error.token.keyword or error.token.value).split("=")[0]
        known = [name for argument in error.argument_collection if argument.show for name in argument.names]
        return f"there is no option {typed}: {nearest(typed, known)}"
    if isinstance(error, UnusedCliTokensError):
        return f"nothing is known to do with {' '.join(error.unused_tokens or ())}"
    return str(error)


def _origin(error: Exception) -> tuple[str, int, bool]:
    """File and line an error comes from, and whether the file is ours: a user's own has the first say."""
    if isinstance(error, SyntaxError) and error.filename:
        ours = any(Path(error.filename).is_relative_to(folder) for folder in _folders())
        return error.filename, error.lineno or 0, ours
    if own := own_place(error):
        return *own, False
    *_, (frame, line) = traceback.walk_tb(error.__traceback__)
    return Path(frame.f_code.co_filename).name, line, True


def _folders() -> list[Path]:
    """Where our packages lie."""
    packages = (sys.modules[name] for name in ("sims", "scenes") if name in sys.modules)
    return [Path(package.__file__).parent for package in packages if package.__file__]
