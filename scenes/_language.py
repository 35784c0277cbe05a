"""The words of films in other languages: a table beside each film, as translators' programs read it.

    self.beat("in phase", said("After {swings:.0f} swings they agree.", swings=until))

English stands in the films themselves. `metronomes.de.po` beside `metronomes.py` holds the German for each of
its sentences (gettext's PO files: Poedit, Weblate, Lokalize), `shared.de.po` in `scenes` the words of parts
and pages that all films share, the decimal sign and the language's own name.
"""

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING

import polib

from sims._command import Mistyped

if TYPE_CHECKING:
    from scenes._film import Film

ENGLISH = "en"
SHARED = Path(__file__).parent / "shared.py"
POINT = re.compile(r"(?<=\d)\.(?=\d)")
THOUSANDS, THIN = re.compile(r"(?<=\d),(?=\d{3})"), "\u202f"


class Catalogue:
    """Words of one language, and which of them were asked for."""

    def __init__(self, lang: str = ENGLISH, tables: tuple[Path, ...] = ()) -> None:
        self.lang = lang
        self.words: dict[str, str] = {}
        self.decimal = "."
        self.asked: dict[str, None] = {}  # templates, in the order in which they were first asked for
        self._given: set[str] = set()  # what came of them: no template, should it be asked for again
        for table in tables:
            for entry in polib.pofile(str(table)):
                if entry.msgctxt == "decimal sign":
                    self.decimal = entry.msgstr or "."
                elif entry.msgstr and not entry.obsolete and not entry.fuzzy:
                    self.words[entry.msgid] = entry.msgstr

    def said(self, template: str, values: dict[str, object]) -> str:
        """The template in this language, with its values, numbers written as is usual there."""
        if template in self._given:
            return template
        self.asked.setdefault(template)
        text = self.words.get(template, template)
        text = text.format(**values) if values else text
        if self.decimal != ".":
            text = POINT.sub(self.decimal, text)
        self._given.add(text)
        return text


_catalogue: ContextVar[Catalogue | None] = ContextVar("_catalogue", default=None)


def said(template: str, /, **values: object) -> str:
    """What is said or written, in the film's language; `{name:.2f}` takes the value of that name."""
    catalogue = _catalogue.get()
    if catalogue is None:
        return template.format(**values) if values else template
    return catalogue.said(template, values)


def with_decimal_sign(text: str, comma: str = ",") -> str:
    """A text that is no sentence, such as a live number or a formula, its decimal points as is usual here."""
    catalogue = _catalogue.get()
    if catalogue is None or catalogue.decimal != ",":
        return text
    return POINT.sub(comma, THOUSANDS.sub(THIN, text))


def lang() -> str:
    """The language in force."""
    catalogue = _catalogue.get()
    return catalogue.lang if catalogue else ENGLISH


@contextmanager
def speaking(lang: str, kind: type | None = None) -> Iterator[Catalogue]:
    """Within this block what is said is said in this language, with the words of this film's table first.

    Raises Mistyped where the film has no table for it.
    """
    catalogue = Catalogue(lang, tables(lang, kind))
    token = _catalogue.set(catalogue)
    try:
        yield catalogue
    finally:
        _catalogue.reset(token)


def tables(lang: str, kind: type | None = None) -> tuple[Path, ...]:
    """Where the words of a language lie: those that all share, and over them the film's own."""
    if lang == ENGLISH:
        return ()
    shared = table(SHARED, lang)
    common = (shared,) if shared.exists() else ()
    if kind is None:
        return common
    there = languages(kind)
    if lang not in there:
        raise Mistyped(
            f"{kind.__name__} has no words in “{lang}”; there are: {', '.join(there)}. "
            f"`scenes translate {_typed(kind)} {lang}` writes a table to fill in"
        )
    return *common, table(_file(kind), lang)


def languages(kind: type) -> list[str]:
    """The languages a film speaks, English first."""
    file = _file(kind)
    found = file.parent.glob(f"{file.stem}.*.po")
    return [ENGLISH, *sorted(path.name.split(".")[-2] for path in found)]


def table(file: Path, lang: str) -> Path:
    """Where the words of a film's file are in a language."""
    return file.with_name(f"{file.stem}.{lang}.po")


def _file(kind: type) -> Path:
    """The film's own file; one without, as of a film typed into a notebook, has no tables beside it."""
    return Path(getattr(sys.modules.get(kind.__module__), "__file__", None) or kind.__name__)


def _typed(kind: type) -> str:
    """What a film is called on the command line: one of ours by its name, any other by its file."""
    file = _file(kind)
    return file.stem if file.parent == SHARED.parent else f"./{file.name}"


def translate(kind: "type[Film]", lang: str) -> tuple[Path, int, int]:
    """Write or complete the table of a film's words: where, how many entries, how many without words.

    What was translated stays; what is no longer asked for is kept at the end, as obsolete.
    """
    from scenes._render import Quality, play
    from sims._file import write_whole

    if not re.fullmatch(r"[a-z]{2,3}(-[A-Za-z0-9]+)*", lang) or lang == ENGLISH:
        raise Mistyped(f"“{lang}” is no language to translate into: de, fr, pt-BR")
    path = table(_file(kind), lang)
    if not _file(kind).exists():
        raise Mistyped(f"{kind.__name__} has no file that a table could lie beside")
    film = play(kind, quality=Quality(320, 180, 30), draw=False)
    where = {beat.name: "name of a beat" for beat in film.beats}
    for beat in film.beats:
        where[beat.caption] = "said at {}:{:02}".format(*divmod(beat.frame // 30, 60))
    common = {entry.msgid for t in tables(lang) for entry in polib.pofile(str(t))}
    new = polib.POFile(wrapwidth=100)
    new.metadata = {"Content-Type": "text/plain; charset=utf-8", "Language": lang}
    for text in dict.fromkeys([kind.question, about(kind), *film.asked]):
        if text not in common and any(letter.isalpha() for letter in text):
            flags = ["python-brace-format"] if "{" in text else []
            new.append(polib.POEntry(msgid=text, comment=where.get(text, ""), flags=flags))
    if path.exists():
        old = polib.pofile(str(path), wrapwidth=100)
        old.merge(new)
        new = old
    write_whole(path, str(new).encode())
    return path, len([entry for entry in new if not entry.obsolete]), len(new.untranslated_entries())


def about(kind: "type[Film]") -> str:
    """What a film is about, in a sentence: the first line of its docstring."""
    return (kind.__doc__ or "").strip().split("\n")[0]
