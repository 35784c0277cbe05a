"""A simulation as a notebook shows it: its equation, parameters and recorded variables.

Plain HTML without scripts or style sheets: it takes the notebook's own type and colours, light or dark, and
stays as it is when the notebook is saved, printed or read without a network.
"""

import inspect
import re
import sys
from collections.abc import Iterator, Sequence
from html import escape
from itertools import groupby

from sims._command import allowed, as_typed
from sims._simulation import Simulation, labels_of

LEFT = "text-align:left;vertical-align:baseline;padding:.15em 1em .15em 0"


def simulation(sim: Simulation) -> str:
    """What `Simulation._repr_html_` gives."""
    kind = type(sim)
    # a notebook's own module has no docstring, or that of whoever started it
    module = None if kind.__module__ == "__main__" else sys.modules.get(kind.__module__)
    doc = inspect.cleandoc(getattr(module, "__doc__", None) or kind.__doc__ or "A simulation.")
    about, *references = re.split(r"\nReferences?: ", doc)
    equation, more = _first_equation(about)
    parts = [
        f'<div style="max-width:60em"><p><strong>{escape(kind.__name__)}</strong>: {equation[0]}</p>',
        *equation[1:],
        table("Parameters", ("name", "symbol", "value", "unit", "allowed", "meaning"), _parameters(sim)),
        _folded(
            "Recorded variables",
            table("", ("name", "symbol", "dimensions", "unit", "meaning"), _recorded(kind)),
        ),
        _folded("More, and where it comes from", "".join([*more, *map(_paragraph, references)])),
        "</div>",
    ]
    return "\n".join(filter(None, parts))


def _parameters(sim: Simulation) -> Iterator[tuple[str, ...]]:
    """A row for each; a value that is not the default is bold."""
    for name, field in type(sim).model_fields.items():
        value = getattr(sim, name)
        text = escape(as_typed(value) or "none")
        if value != field.default:
            was = escape(as_typed(field.default) or "none", quote=True)
            text = f'<strong title="default: {was}">{text}</strong>'
        labels = labels_of(type(sim), name)
        yield (
            f"<code>{escape(name)}</code>",
            symbol(labels["symbol"]),
            text,
            escape(labels["units"]),
            escape(allowed(field)),
            escape(labels["long_name"]),
        )


def _recorded(kind: type[Simulation]) -> Iterator[tuple[str, ...]]:
    for name, (dims, meaning, mark, unit) in kind.variables.items():
        yield (
            f"<code>{escape(name)}</code>",
            symbol(mark),
            escape(", ".join(dims)),
            escape(unit),
            escape(meaning),
        )


def symbol(text: str) -> str:
    """A symbol with its index set low."""
    return re.sub(r"_(\w+)", r"<sub>\1</sub>", escape(text))


def table(caption: str, head: Sequence[str], rows: Iterator[tuple[str, ...]]) -> str:
    """A table of cells that are HTML."""
    named = f'<caption style="{LEFT}">{escape(caption)}</caption>' if caption else ""
    heads = "".join(f'<th scope="col" style="{LEFT}">{escape(cell)}</th>' for cell in head)
    body = "\n".join(
        "<tr>" + "".join(f'<td style="{LEFT}">{cell}</td>' for cell in row) + "</tr>" for row in rows
    )
    return f"<table>{named}<thead><tr>{heads}</tr></thead>\n<tbody>\n{body}\n</tbody></table>"


def _folded(summary: str, inner: str) -> str:
    return f"<details><summary>{escape(summary)}</summary>\n{inner}</details>" if inner else ""


def _first_equation(doc: str) -> tuple[list[str], list[str]]:
    """A docstring's blocks up to its first equation, and the others."""
    blocks = list(_blocks(doc))
    first = next((i + 1 for i, block in enumerate(blocks) if block.startswith("<pre")), len(blocks))
    return [re.sub("^<p>|</p>$", "", blocks[0]), *blocks[1:first]], blocks[first:]


def _blocks(doc: str) -> Iterator[str]:
    """Words as paragraphs, indented lines as they stand."""
    for part in doc.strip().split("\n\n"):
        for indented, lines in groupby(part.split("\n"), lambda line: line.startswith(" ")):
            text = "\n".join(lines)
            yield f"<pre>{escape(inspect.cleandoc(text))}</pre>" if indented else _paragraph(text)


def _paragraph(text: str) -> str:
    return f"<p>{escape(' '.join(text.split()))}</p>"
