"""What pages share: the films' colours and letters as CSS, templates, and numbers as they are read."""

import logging
from base64 import b64encode
from dataclasses import asdict
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import quote

import fontpkg
from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont
from fontTools.varLib.instancer import instantiateVariableFont
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from scenes._captions import minutes
from scenes._language import ENGLISH, SHARED, said, speaking, table, with_decimal_sign
from scenes._theme import MONO, SANS, THEMES, Theme

LETTERS = "".join(map(chr, [*range(0x20, 0x7F), *range(0xA0, 0x17F), *range(0x391, 0x3CA)])) + (
    "–—‘’‚“”„…·×−°±≤≥≈→←↑↓∂∑√∞▶₀₁₂₃₄₅₆₇₈₉⁰¹²³⁴⁵⁶⁷⁸⁹⁻ȧẋθ̇"
)


@cache
def faces() -> str:
    """The films' two families as @font-face rules with the Latin and Greek letters in them, some 70 kB."""
    return "\n".join(
        [
            face(SANS, "inter", "400 700", {"opsz": 14, "wght": (400, 700)}),
            face(MONO, "jetbrains-mono", "400", {"wght": 400}),
        ]
    )


def face(family: str, package: str, weight: str, axes: dict[str, Any]) -> str:
    """One family as an @font-face rule, at these places or ranges of its axes."""
    logging.getLogger("fontTools").setLevel(logging.WARNING)  # it names every letter it takes
    font = TTFont(fontpkg.path(package), recalcTimestamp=False, lazy=True)
    # what Inter's other features bring along takes ten times as long to find as all the rest
    subset = Subsetter(Options(layout_features=["kern", "tnum", "mark"], hinting=False, name_IDs=[1, 2]))
    subset.populate(text=LETTERS)
    subset.subset(font)
    small = instantiateVariableFont(font, axes, inplace=True)
    small.flavor, data = "woff", BytesIO()
    small.save(data)
    return (
        f'@font-face {{ font-family: "{family}"; font-weight: {weight}; font-display: swap; '
        f"src: url({data_address(data.getvalue(), 'font/woff')}) format('woff') }}"
    )


def data_address(content: bytes, kind: str) -> str:
    """Content as an address that needs neither a file nor a network.

    Chromium lets no page from file:// read captions or letters that lie in a file beside it.
    """
    return f"data:{kind};base64,{b64encode(content).decode()}"


def variables(theme: Theme) -> str:
    """A theme's colours as CSS variables, each named by its meaning: --ink."""
    roles = {role: code for role, code in asdict(theme).items() if role != "name"}
    return " ".join(f"--{role}: {code};" for role, code in roles.items())


def number(value: Any, digits: int = 12) -> str:
    """A parameter or a measured value as text, with the decimal sign of the language in force."""
    if value is None:
        return "—"
    if isinstance(value, bool):
        return said("yes") if value else said("no")
    if isinstance(value, float):
        return with_decimal_sign(f"{value:.{digits}g}".replace("-", "−"))
    if isinstance(value, list | tuple):
        return "; ".join(number(each, digits) for each in value)
    return str(value)


def megabytes(count: int) -> str:
    """How large a file is: 5.6 MB, 20 kB."""
    if count >= 1e6:
        return with_decimal_sign(f"{count / 1e6:.1f}") + " MB"
    return f"{max(count / 1e3, 1):.0f} kB"


def address(*parts: str) -> str:
    """Names of folders and files as a relative address; empty ones are left out."""
    return "/".join(quote(part, safe="", errors="surrogateescape") for part in parts if part)


def called(lang: str) -> str:
    """What a language calls itself, or its code where no table says."""
    with speaking(lang):
        name = said("English")
    return name if lang == ENGLISH or name != "English" else lang


def spoken_by_pages(lang: str) -> str:
    """The language itself where its words for pages are there, else English."""
    return lang if table(SHARED, lang).exists() else ENGLISH


@cache
def templates() -> Environment:
    """The templates of pages; all that is filled into them is escaped."""
    pages = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    pages.globals |= {"said": said, "called": called, "address": address, "faces": faces}
    pages.globals |= {name: variables(theme) for name, theme in THEMES.items()}
    pages.filters |= {"minutes": minutes, "number": number, "megabytes": megabytes}
    return pages
