"""`sims sweep`: the values of a sweep in words, and what is told of it.

K=0:4:41           41 values from 0 to 4
D=0.001:1:7:log    seven, each the same multiple of the one before
n=10,20,50         these
seed=0:32          the whole numbers from 0 to before 32
"""

import shlex
import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Annotated, Any, get_args

import numpy as np
from cyclopts import Parameter, Token
from cyclopts.validators import Number

from sims._axes import Over, Range, axes, known, latin, random
from sims._command import Mistyped, as_typed, tell, value_of

if TYPE_CHECKING:
    from sims._simulation import Simulation
    from sims._sweep import Design

POINT = "point"  # the dimension of parameters that change together
Words = tuple[str, ...]


def _grouped(_: Any, tokens: Sequence[Token]) -> tuple[Words, ...]:
    """The words after each mention of an option."""
    groups: list[list[str]] = []
    for token in tokens:
        if token.index == 0:
            groups.append([])
        groups[-1].append(token.value)
    return tuple(map(tuple, groups))


def _listed(_: Any, tokens: Sequence[Token]) -> Words:
    return tuple(word for token in tokens for word in token.value.split(",") if word)


def several(metavar: str, about: str, converter: Any) -> Parameter:
    """An option that takes several words."""
    return Parameter(
        help=about,
        converter=converter,
        consume_multiple=True,
        negative=(),
        metavar=metavar,
        show_default=False,
    )


Grid = Annotated[
    tuple[Words, ...],
    several(
        "NAME=VALUES...", "K=0:4:41, D=0.001:1:7:log, n=10,20 or seed=0:32; several go together", _grouped
    ),
]
Drawn = Annotated[
    tuple[Words, ...],
    several(
        "COUNT NAME=RANGE...", "so many points at random, as in --random 100 K=0:4 D=0.001:1:log", _grouped
    ),
]
Spread = Annotated[
    tuple[Words, ...],
    several("COUNT NAME=RANGE...", "the same, but filling every range evenly: a Latin hypercube", _grouped),
]
Recorded = Annotated[
    Words,
    several(
        "NAME[@WHEN]...",
        "r (late mean, or last step), r@end, r@10, r@0:20:5, r@: (all of it), measured; "
        "what is one number at a time unless given",
        _listed,
    ),
]
Jobs = Annotated[int, Parameter(help="processes", validator=Number(gte=1, lte=1024))]
Scheduler = Annotated[
    str | None, Parameter(help="of a Dask cluster that computes, such as tcp://host:8786", metavar="ADDRESS")
]
Resume = Annotated[bool, Parameter(help="do only what is missing of an interrupted sweep", negative="")]
RetryFailed = Annotated[
    bool, Parameter(help="run failed points again, also of a finished sweep; else as --resume", negative="")
]
DryRun = Annotated[
    bool, Parameter(help="say how many points, how much disk and roughly how long; no more", negative="")
]


def over_in_words(
    sim: "Simulation", grid: Sequence[Words], drawn: Sequence[Words], spread: Sequence[Words]
) -> Over:
    """The dimensions that --over, --random and --latin describe; designs are drawn with the seed."""
    kind, over = type(sim), dict[str, Any]()
    if not (grid or drawn or spread):
        raise Mistyped("say what to go over, such as --over seed=0:8; sims sweep NAME --help tells more")
    for group in grid:
        columns = _once(group, (_column(kind, word) for word in group))
        over[_name(over, columns)] = columns if len(columns) > 1 else next(iter(columns.values()))
    for make, groups in ((random, drawn), (latin, spread)):
        for count, *words in groups:
            if not words:
                raise Mistyped(f"--{make.__name__} needs a count and ranges, such as 100 K=0:4; got {count}")
            ranges = _once(words, (_range(kind, word) for word in words))
            points = _whole(f"--{make.__name__}", count)
            over[_name(over, (POINT, POINT))] = make(points, ranges, seed=int(getattr(sim, "seed", 0)))
    for name in (name for axis in axes(kind, over) for name in axis.columns):
        if _in_vain(sim, name) and not (name == "seed" and (drawn or spread)):
            typed = f"--{name} {as_typed(getattr(sim, name))}"
            raise Mistyped(f"{name} is gone over, so {typed} would say nothing; leave one of them out")
    return over


def _in_vain(sim: "Simulation", name: str) -> bool:
    """Whether a parameter that is gone over was given a value of its own, and not because others need it."""
    from sims._simulation import ParameterError

    others = {key: value for key, value in dict(sim).items() if key != name}
    try:
        return bool(getattr(type(sim)(**others), name) != getattr(sim, name))
    except ParameterError:
        return False


def _once(words: Sequence[str], pairs: Iterator[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(words):
        raise Mistyped(f"a parameter is given twice in {' '.join(words)}")
    return found


def _name(over: Over, columns: Sequence[str] | Mapping[str, Any]) -> str:
    """The dimension of one parameter is called as it is, that of several `point`."""
    if len(columns) == 1:
        name = next(iter(columns))
        if name in over:
            raise Mistyped(f"{name} is gone over twice; give its values once")
        return name
    taken = sum(name.startswith(POINT) for name in over)
    return f"{POINT}_{taken + 1}" if taken else POINT


def _split(kind: "type[Simulation]", word: str) -> tuple[str, Any, str]:
    """Name, type and values of `K=0:4:41`; a dash in a name is an underscore."""
    name, equals, said = word.partition("=")
    if not equals or not said:
        raise Mistyped(f"say NAME=VALUES, such as K=0:4:41 or seed=0:32; got {word}")
    field = kind.model_fields[known(kind, name.strip().replace("-", "_"))]
    entry = get_args(field.annotation)[0] if isinstance(field.default, tuple) else field.annotation
    return name.strip().replace("-", "_"), entry, said


def _column(kind: "type[Simulation]", word: str) -> tuple[str, Sequence[Any]]:
    """Name and values of `K=0:4:41` and its like."""
    name, entry, said = _split(kind, word)
    if isinstance(kind.model_fields[name].default, tuple):
        return name, [tuple(value_of(entry, part) for part in row.split()) for row in said.split(",")]
    span = said.split(":")
    if entry not in (int, float) or len(span) == 1:
        return name, [value_of(entry, part) for part in said.split(",")]
    if len(span) == 2 and entry is int:
        return name, range(_whole(name, span[0]), _whole(name, span[1]))
    if len(span) not in (3, 4) or span[3:] not in ([], ["log"]):
        example = f"{name}={span[0]}:{span[1]}:11"
        raise Mistyped(f"{word} needs a number of values, such as {example} or {example}:log")
    low, high, count = _number(name, span[0]), _number(name, span[1]), _whole(name, span[2])
    if count < 1:
        raise Mistyped(f"{word} asks for {count} values; at least one is needed")
    if span[3:] and min(low, high) <= 0:
        raise Mistyped(f"{word}: a logarithmic range needs limits above 0")
    values = np.geomspace(low, high, count) if span[3:] else np.linspace(low, high, count)
    return name, values.tolist() if entry is float else np.unique(values.round().astype(int)).tolist()


def _range(kind: "type[Simulation]", word: str) -> tuple[str, Range]:
    """Name and range of `K=0:4`, `D=0.001:1:log`, `seed=0:1000`, `scheme=rk4,euler`."""
    name, entry, said = _split(kind, word)
    span = said.split(":")
    if entry not in (int, float) or len(span) == 1:
        return _column(kind, word)
    if len(span) > 3 or span[2:] not in ([], ["log"]) or (entry is int and span[2:]):
        raise Mistyped(f"{word}: a design draws from a range, such as {name}={span[0]}:{span[1]}")
    if entry is int:
        return name, range(_whole(name, span[0]), _whole(name, span[1]))
    low, high = (_number(name, part) for part in span[:2])
    return name, (low, high, "log") if span[2:] else (low, high)


def _number(name: str, word: str) -> float:
    try:
        return float(word)
    except ValueError:
        raise Mistyped(f"{name} needs a number here; got {word!r}") from None


def _whole(name: str, word: str) -> int:
    value = _number(name, word)
    if not value.is_integer():
        raise Mistyped(f"{name} needs a whole number here; got {word!r}")
    return int(value)


# ------------------------------------------------------------------------------------------- what is told


def swept(
    wanted: "Design", output: Path, resume: bool, retry_failed: bool, jobs: int, scheduler: str | None
) -> None:
    """Run a sweep; say what failed, how long it took and what to do next.

    Raises Diverged where nothing but failures came out.
    """
    from sims._sweep import computed
    from sims._trajectory import Diverged

    began = perf_counter()
    with warnings.catch_warnings():
        warnings.showwarning = lambda said, *_: print(f"sims: {said}", file=sys.stderr)
        dataset = computed(wanted, output, resume, retry_failed, jobs, scheduler, sys.stderr.isatty())
    took = perf_counter() - began
    failed = dataset.failure.values[dataset.failure.values != ""]
    size = sum(file.stat().st_size for file in ([output] if output.is_file() else output.rglob("*")))
    told = {"points": counted(wanted)}
    if len(failed):
        told["failed"] = f"{len(failed):,}; the first: {failed[0]}"
    tell(
        told
        | {
            "computed in": f"{took:.1f} s",
            "saved": f"{output} ({size / 1e6:.2f} MB)",
            "look at it": f"sims plot {shlex.quote(str(output))}",
            "load it": f"sims.load({str(output)!r})",
        }
    )
    if len(failed) == len(wanted.points):
        raise Diverged(
            f"every point failed; the first: {failed[0]}; once that is mended, --retry-failed runs them again"
        )


def foretold(wanted: "Design", output: Path, jobs: int) -> None:
    """Say what a sweep would take, and compute no more than tells it."""
    from sims._estimate import estimate

    seconds, writing, nbytes, free = estimate(wanted, output.parent)
    jobs = min(jobs, len(wanted.points))
    many = f"in {jobs} processes" if jobs > 1 else "in one process"
    until = ", twice that until it is done" if nbytes >= 1e9 else ""
    short = f"; only {_bytes(free)} are free" if free < 2 * nbytes else ""
    tell(
        {
            "points": counted(wanted),
            "recorded": ", ".join(wanted.asked),
            "disk": f"{_bytes(nbytes)} before compression{until}{short}",
            "time": f"{_duration(seconds / jobs + writing)} {many}",
        }
    )


def _bytes(count: float) -> str:
    size, unit = next(((n, u) for n, u in ((1e9, "GB"), (1e6, "MB")) if count >= n), (1e3, "kB"))
    return f"{count / size:,.1f} {unit}"


def _duration(seconds: float) -> str:
    """In words of two units at most."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"about {hours} h {minutes} min"
    if minutes:
        return f"about {minutes} min {rest} s"
    return f"about {rest} s" if rest else "less than a second"


def counted(wanted: "Design") -> str:
    """How many points: `1,312 = 41 K × 32 seed`."""
    sizes = " × ".join(f"{axis.size:,} {' + '.join(axis.columns)}" for axis in wanted.axes)
    return f"{len(wanted.points):,} = {sizes}"
