"""A simulation told in words: its equation, parameters, recorded variables and references."""

import inspect
import re
import sys
import textwrap
from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from sims._command import allowed, as_typed, told
from sims._simulation import Simulation

NARROW = 60


def show(kind: type[Simulation], console: Console) -> None:
    """Print what a reader of the subject's file would want to know first."""
    doc = inspect.getdoc(sys.modules[kind.__module__]) or inspect.getdoc(kind) or ""
    about, *references = re.split(r"\nReferences?: ", doc)
    console.print(reflow(about, console.width), markup=False, highlight=False)
    parameters = [
        (
            name,
            told(f, "symbol"),
            as_typed(f.default) or "none",
            allowed(f),
            told(f, "unit"),
            str(f.description),
        )
        for name, f in kind.model_fields.items()
    ]
    head = ("name", "symbol", "default", "allowed", "unit", "meaning")
    _table(console, f"Parameters of {kind.__name__}", head, parameters)
    recorded = [(name, ", ".join(v.dims), v.symbol, v.unit, v.meaning) for name, v in kind.variables.items()]
    _table(console, "Recorded variables", ("name", "dimensions", "symbol", "unit", "meaning"), recorded)
    for text in references:
        console.print("\nReferences", style="bold")
        console.print(reflow(text, console.width), markup=False, highlight=False)


def reflow(doc: str, width: int) -> str:
    """A docstring for a terminal: words flow, indented lines, the equations, keep their place."""
    return "\n\n".join(_paragraph(text, min(width, 100)) for text in doc.strip().split("\n\n"))


def _paragraph(text: str, width: int) -> str:
    lines, flowing = [], ""
    for line in text.split("\n"):
        indent = line[: len(line) - len(line.lstrip())]
        if not indent:
            flowing = f"{flowing} {line}".strip()
            continue
        lines += textwrap.wrap(flowing, width)
        lines += textwrap.wrap(line.strip(), width, initial_indent=indent, subsequent_indent=indent + "  ")
        flowing = ""
    return "\n".join(lines + textwrap.wrap(flowing, width))


def _table(console: Console, title: str, head: Sequence[str], rows: Sequence[tuple[str, ...]]) -> None:
    console.print(f"\n{title}", style="bold")
    if console.width < NARROW:
        for name, *facts, meaning in rows:
            said = ", ".join(f"{key} {fact}" for key, fact in zip(head[1:], facts) if fact)
            for line, indent in ((f"{name}: {meaning}", ""), (said, "    ")):
                print(textwrap.fill(line, console.width, initial_indent=indent, subsequent_indent="    "))
        return
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="dim")
    for key in head:
        table.add_column(key, no_wrap=key == "name", max_width=14 if key in ("default", "allowed") else None)
    for row in rows:
        table.add_row(*map(escape, row))
    console.print(table)
