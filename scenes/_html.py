"""A film as a notebook shows it: drawn at draft quality, with poster, captions and the words that are said.

All lies in the page itself, as data: addresses, so that the notebook shows it without a network, a server or
a file beside it, also when it is sent to someone else.
"""

import tempfile
from base64 import b64encode
from dataclasses import dataclass
from html import escape
from pathlib import Path

from scenes._film import Film
from scenes._formats import choose
from scenes._make import Made, make
from scenes._pieces import Order
from scenes._render import size

TYPES = {".mp4": "video/mp4", ".png": "image/png", ".vtt": "text/vtt"}


@dataclass(frozen=True)
class Shown(Order):
    """The order for a film that is at hand, and may have no file: one written in the notebook."""

    film: type[Film] = Film

    @property
    def kind(self) -> type[Film]:
        return self.film


def film(shown: Film) -> str:
    """What `Film._repr_html_` gives: the film with its simulations, as it is cached or drawn now."""
    kind = type(shown)
    parameters = {name: getattr(shown, name).model_dump_json() for name in kind.simulations()}
    name = kind.__module__.rpartition(".")[2] if kind.__module__ != "__main__" else kind.__name__
    order = Shown(name, parameters, size("draft"), "dark", choose("mp4"), True, film=kind)
    with tempfile.TemporaryDirectory(prefix="learning-dynamics-") as place:
        folder = Path(place)
        made = make(order, folder)
        return page(kind, made, folder)


def page(kind: type[Film], made: Made, folder: Path) -> str:
    """A clip's folder as one piece of HTML."""
    question = escape(kind.question, quote=True)
    lines = [
        f"<li>{int(at // 60)}:{int(at % 60):02d} <b>{escape(beat.name)}</b>: {escape(beat.caption)}</li>"
        for at, beat in ((beat.frame / made.plan.fps, beat) for beat in made.plan.beats)
    ]
    return "\n".join(
        [
            '<figure style="margin:0;max-width:854px">',
            f'<video controls playsinline preload="metadata" width="854" height="480" '
            f'style="width:100%;height:auto" aria-label="{question}" '
            f'poster="{address(folder / "clip.png")}" src="{address(made.path)}">',
            f'<track kind="captions" srclang="en" label="English" src="{address(folder / "clip.en.vtt")}">',
            "This page can't play films here; below is what is said.",
            "</video>",
            f"<details><summary>What is said</summary><ul>{''.join(lines)}</ul></details>",
            "</figure>",
        ]
    )


def address(file: Path) -> str:
    """A file as a data: address."""
    return f"data:{TYPES[file.suffix]};base64,{b64encode(file.read_bytes()).decode()}"
