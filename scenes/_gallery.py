"""All clips of a folder on one page, `index.html`: to search, filter, read and play, without a server."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scenes._bundle import Bundle, NoBundle
from scenes._language import lang, said
from scenes._look import address, called, templates
from scenes._page import TYPES, embeds, player, whole
from sims._command import Mistyped
from sims._file import write_whole


@dataclass(frozen=True)
class Card:
    """A clip as the gallery shows it; `folder` and `page` are addresses beside the gallery's own."""

    bundle: Bundle
    folder: str
    page: str  # its own, or the clip where it has none
    player: dict[str, Any]
    embeds: list[tuple[str, str]]


def write(folder: Path) -> Path:
    """Write index.html over every bundle that lies in a folder, in the language in force; returns its path.

    A folder without provenance.json holds no bundle. One that is damaged is told of on the page and on
    stderr, and the others are shown. Raises Mistyped where there is no such folder.
    """
    if not folder.is_dir():
        raise Mistyped(f"there is no folder {folder}; `scenes render metronomes` makes renders/metronomes")
    cards, damaged = [], []
    for path in sorted(told.parent for told in folder.glob("*/provenance.json")):
        try:
            cards.append(card(path))
        except (NoBundle, OSError) as error:
            damaged.append(str(error).encode(errors="replace").decode())
            print(f"scenes: left out of the gallery: {damaged[-1]}", file=sys.stderr)
    page = templates().get_template("gallery.html")
    text = page.render(lang=lang(), cards=cards, damaged=damaged, filters=filters(cards))
    return write_whole(folder / "index.html", text.encode())


def card(folder: Path) -> Card:
    """The bundle in a folder as the gallery shows it. Raises NoBundle."""
    bundle = Bundle.read(folder)
    whole(bundle)
    page = "index.html" if (folder / "index.html").exists() else bundle.clip
    return Card(
        bundle=bundle,
        folder=folder.name,
        page=address(folder.name, page),
        player=player(bundle, TYPES.get(Path(bundle.clip).suffix, "")),
        embeds=embeds(folder),
    )


def filters(cards: list[Card]) -> dict[str, tuple[str, dict[str, str]]]:
    """What there is to choose from, with their labels and values; what all clips share is no choice."""
    bundles = [card.bundle for card in cards]
    sizes = sorted({(b.height, b.width) for b in bundles})
    every = {
        "film": (said("Film"), {b.film: b.film for b in sorted(bundles, key=lambda b: b.film)}),
        "lang": (said("Captions"), {each: called(each) for b in bundles for each in b.languages}),
        "theme": (said("Colours"), {b.theme: said(b.theme.capitalize()) for b in bundles}),
        "size": (said("Size"), {f"{w}×{h}": f"{w} × {h}" for h, w in sizes}),
    }
    return {name: (label, choices) for name, (label, choices) in every.items() if len(choices) > 1}
