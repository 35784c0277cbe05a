"""Films in another language: the same film with other words, from a table that translators' programs read."""

import dataclasses
import re
import string
import sys
from pathlib import Path

import polib
import pytest
import test_every_film as every
import xarray as xr

from scenes import _render
from scenes._film import Film
from scenes._language import (
    SHARED,
    about,
    languages,
    said,
    speaking,
    table,
    tables,
    translate,
    with_decimal_sign,
)
from scenes._theme import math
from scenes.metronomes import Metronomes
from scenes.parts.number import Readout
from sims import Simulation, _discover
from sims._command import Mistyped

SCENES = Path(__file__).parents[1] / "scenes"
TABLES = sorted(SCENES.glob("*.de.po"))
ASKED = re.compile(r"""\bsaid\(\s*(["'])(.+?)\1""")
OWN = '''"""How fast does it fade?"""

from scenes._film import Film
from scenes._language import said
from scenes._theme import words


class Fade(Film):
    """A number that fades."""

    question = "How fast does it fade?"

    def construct(self):
        self.add(self.title, words("a name", 22))
        self.beat("rise", "They agree for good.")
        self.names_data(said("seed {seed} · K={K:.2f}", seed=3, K=2.5))
        self.wait(1)
'''
TRANSLATED = {
    "How fast does it fade?": "Wie schnell vergeht es?",
    "They agree for good.": "Sie bleiben einig, seit 1.5 Jahren.",
    "seed {seed} · K={K:.2f}": "K={K:.2f} · Seed {seed}",
}


def own(folder: Path, source: str = OWN) -> type[Film]:
    """A user's own film, read from its file anew."""
    path = folder / "fade.py"
    path.write_text(source)
    return _discover.find("scenes", str(path), Film)


def fill(path: Path, words: dict[str, str]) -> None:
    """What a translator does."""
    entries = polib.pofile(str(path))
    for entry in entries:
        entry.msgstr = words.get(entry.msgid, entry.msgstr)
    entries.save()


def german(folder: Path) -> type[Film]:
    """The user's own film with a table beside it."""
    kind = own(folder)
    path, _, _ = translate(kind, "de")
    fill(path, TRANSLATED)
    return kind


# ---------------------------------------------------------------------------------------- what is said


def test_outside_a_film_what_is_said_is_english():
    assert said("after {swings:.1f} swings", swings=2.25) == "after 2.2 swings"
    assert said("a {brace} without values") == "a {brace} without values"
    assert with_decimal_sign("1.5") == "1.5"


def test_a_table_says_a_sentence_its_own_way_with_the_values_where_it_wants_them(tmp_path):
    with speaking("de", german(tmp_path)):
        assert said("How fast does it fade?") == "Wie schnell vergeht es?"
        assert said("seed {seed} · K={K:.2f}", seed=3, K=2.5) == "K=2,50 · Seed 3"


def test_numbers_get_a_decimal_comma_and_the_ends_of_sentences_stay():
    with speaking("de"):
        assert said("{x:.3f} of 1.5. Then 2. And 3.", x=-0.25) == "-0,250 of 1,5. Then 2. And 3."
        assert with_decimal_sign("eta = 1.5", '","') == 'eta = 1","5'


def test_what_was_said_can_be_said_again_and_is_asked_for_once(tmp_path):
    with speaking("de", german(tmp_path)) as catalogue:
        once = said("seed {seed} · K={K:.2f}", seed=3, K=2.5)
        assert said(once) == once
        assert said(said("They agree for good.")) == "Sie bleiben einig, seit 1,5 Jahren."
        assert list(catalogue.asked) == ["seed {seed} · K={K:.2f}", "They agree for good."]


def test_words_marked_fuzzy_or_obsolete_are_not_used(tmp_path):
    kind = german(tmp_path)
    entries = polib.pofile(str(tmp_path / "fade.de.po"))
    entries.find("How fast does it fade?").flags.append("fuzzy")
    entries.find("They agree for good.").obsolete = True
    entries.save()
    with speaking("de", kind):
        assert said("How fast does it fade?") == "How fast does it fade?"
        assert said("They agree for good.") == "They agree for good."


def test_after_a_film_english_is_spoken_again(tmp_path):
    kind = german(tmp_path)
    with pytest.raises(ZeroDivisionError), speaking("de", kind):
        1 / 0  # noqa: B018
    assert said("They agree for good.") == "They agree for good."


def test_a_language_without_words_is_refused_with_the_command_that_writes_a_table():
    with pytest.raises(Mistyped) as refused:
        _render.plan(Metronomes, lang="fr")
    assert "Metronomes has no words in “fr”; there are: en, de" in str(refused.value)
    assert "`scenes translate metronomes fr`" in str(refused.value)


def test_a_live_number_is_read_back_from_its_decimal_comma():
    run = xr.Dataset({"x": ("time", [0.0, -2.5])}, {"time": [0.0, 1.0]})
    with _render.studio(every.SMALL, "dark", "de", Metronomes):
        shown = Readout(run, "x", "{:+.2f}", (0, 0)).show(1.0)
        assert shown.number.text == "−2,50"
        assert shown.read()["x"] == pytest.approx(-2.5)


def test_a_number_in_a_formula_has_a_comma_as_tight_as_its_point():
    width = {}
    for lang in ("en", "de"):
        with _render.studio(every.SMALL, "dark", lang, Metronomes):
            width[lang] = math("eta = 1.5").width
            loose = math("eta = 1, 5").width
    assert width["de"] == pytest.approx(width["en"], rel=0.02)
    assert loose > 1.04 * width["en"]


# --------------------------------------------------------------------------------------------- tables


@pytest.mark.parametrize("path", TABLES, ids=[path.stem for path in TABLES])
def test_a_table_is_whole(path):
    """Read strictly: every entry has words, none is doubtful or twice there, values are kept as they are."""
    entries = polib.pofile(str(path), check_for_duplicates=True)
    assert entries.metadata["Language"] == "de"
    assert entries.percent_translated() == 100
    assert not entries.fuzzy_entries()
    for entry in entries:
        if not entry.obsolete:
            assert values(entry.msgstr) == values(entry.msgid), entry.msgid
            assert entry.msgstr == entry.msgstr.strip(), entry.msgid
            assert not re.search(r"[\"”]|\.{3}|\d\.\d", entry.msgstr), entry.msgstr
            assert entry.msgstr.count("„") == entry.msgstr.count("“"), entry.msgstr


def values(text: str) -> list[tuple[str | None, ...]]:
    """The places where values stand, and how they are written."""
    return sorted(place[1:] for place in string.Formatter().parse(text) if place[1] is not None)


@pytest.mark.parametrize("name", every.NAMES)
def test_no_german_is_taken_for_english_that_would_be_said_otherwise(name):
    """What was said may be said again: so no German words may be other words' English."""
    kind = every.film(name)
    with speaking("de", kind) as catalogue:
        for text in catalogue.words.values():
            assert catalogue.words.get(text, text) == text


def test_words_that_pages_share_are_all_in_the_shared_table():
    files = {*SCENES.glob("_*.py"), *(SCENES / "pages").glob("*.html")} - {SCENES / "_language.py"}
    asked = {text for file in files for _, text in ASKED.findall(file.read_text())}
    assert len(asked) > 20
    known = {entry.msgid for entry in polib.pofile(str(table(SHARED, "de"))) if not entry.obsolete}
    assert asked <= known


# ------------------------------------------------------------------------------------ films, in German


@pytest.fixture(scope="module", params=every.NAMES)
def name(request):
    return request.param


@pytest.fixture(scope="module")
def english(name):
    return _render.plan(every.film(name), fps=every.SMALL.fps)


@dataclasses.dataclass
class Told:
    """A film played in German."""

    plan: _render.Plan
    asked: list[str]
    tour: every.Tour


def told(kind: type[Film], simulations: dict[str, Simulation], frames: set[int], theme: str) -> Told:
    tour = every.Tour()

    def look(k, painter, scene):
        tour.texts[k] = every.texts(scene)

    film = _render.play(
        kind, simulations, quality=every.SMALL, theme=theme, lang="de", wanted=frames, sink=look, draw=False
    )
    plan = _render.Plan(
        film.renderer.frame, every.SMALL.fps, tuple(film.beats), tuple(film.renderer.durations)
    )
    return Told(plan, film.asked, tour)


@pytest.fixture(scope="module")
def spoken(name, english):
    """The film as it is, on a dark ground."""
    return told(every.film(name), {}, set(every.key_frames(english)), "dark")


@pytest.fixture(scope="module")
def otherwise(name, english):
    """The film with other seeds, on a light ground."""
    kind = every.film(name)
    seeded = {key: sim for key, sim in kind.simulations().items() if "seed" in type(sim).model_fields}
    other = {key: sim.model_copy(update={"seed": sim.seed + 1}) for key, sim in seeded.items()}
    return told(kind, other, set(every.key_frames(english)), "light")


def unknown(kind: type[Film], asked: list[str]) -> list[str]:
    """Words a film asks for and has none for; what has no letters says the same in every language."""
    with speaking("de", kind) as catalogue:
        return [text for text in asked if any(map(str.isalpha, text)) and text not in catalogue.words]


def test_a_film_speaks_german(name):
    assert "de" in languages(every.film(name))


def test_it_asks_for_nothing_that_its_table_lacks(name, spoken, otherwise):
    kind = every.film(name)
    asked = [kind.question, about(kind), *spoken.asked, *otherwise.asked]
    assert unknown(kind, asked) == []


def test_its_table_holds_nothing_that_it_does_not_ask_for(name, spoken):
    kind = every.film(name)
    asked = {kind.question, about(kind), *spoken.asked}
    own = polib.pofile(str(tables("de", kind)[-1]))
    assert [entry.msgid for entry in own if not entry.obsolete and entry.msgid not in asked] == []


def test_every_beat_begins_in_the_same_frame_in_both_languages(english, spoken):
    assert spoken.plan.durations == english.durations
    assert spoken.plan.frames == english.frames
    assert [beat.frame for beat in spoken.plan.beats] == [beat.frame for beat in english.beats]
    both = zip(spoken.plan.beats, english.beats, strict=True)
    assert all(there.caption != here.caption for there, here in both)


def test_every_german_caption_can_be_read_before_it_goes(name, spoken):
    every.test_every_caption_can_be_read_before_it_goes(name, spoken.plan)


@pytest.mark.parametrize(
    "promise",
    [
        every.test_text_stays_inside_the_safe_area,
        every.test_no_two_texts_overlap,
        every.test_no_text_is_smaller_than_the_badge,
    ],
    ids=["inside the safe area", "no two overlap", "none is too small"],
)
def test_german_texts_keep_what_english_ones_promise(name, spoken, promise):
    promise(name, spoken.tour)


def test_with_other_seeds_german_texts_stay_inside_the_safe_area(name, otherwise):
    every.test_text_stays_inside_the_safe_area(name, otherwise.tour)


@pytest.mark.parametrize(
    ("name", "simulation", "update"),
    [
        ("metronomes", "metronomes", {"n": 12, "beta": 0.0, "periods": 20.0}),
        ("blame_flows_backward", "backprop", {"hidden": (5, 4), "nudge": 0.001, "steps": 9}),
    ],
)
def test_other_parameters_ask_for_no_other_words(name, simulation, update):
    kind = every.film(name)
    other = {simulation: kind.simulations()[simulation].model_copy(update=update)}
    tale = told(kind, other, set(), "dark")
    assert unknown(kind, tale.asked) == []
    assert max(len(beat.caption) for beat in tale.plan.beats) <= 70


# --------------------------------------------------------------------------------- a user's own film


def test_a_users_own_film_speaks_from_the_table_beside_it(tmp_path):
    kind = german(tmp_path)
    assert languages(kind) == ["en", "de"]
    here, there = _render.plan(kind), _render.plan(kind, lang="de")
    assert [beat.caption for beat in here.beats] == ["They agree for good."]
    assert [beat.caption for beat in there.beats] == ["Sie bleiben einig, seit 1,5 Jahren."]
    assert (here.frames, here.durations) == (there.frames, there.durations)


def test_what_has_no_words_yet_stays_english(tmp_path):
    assert [beat.name for beat in _render.plan(german(tmp_path), lang="de").beats] == ["rise"]


def test_a_caption_too_long_in_its_language_is_named(tmp_path):
    kind = german(tmp_path)
    fill(tmp_path / "fade.de.po", {"They agree for good.": "Donau" * 15})
    with pytest.raises(ValueError, match="at most 70 characters; got 75: Donau"):
        _render.plan(kind, lang="de")


def test_a_new_table_holds_all_that_is_said_in_the_films_order(tmp_path):
    path, entries, left = translate(own(tmp_path), "de")
    assert path == tmp_path / "fade.de.po"
    found = polib.pofile(str(path), check_for_duplicates=True)
    assert [entry.msgid for entry in found] == [
        "How fast does it fade?",
        "A number that fades.",
        "a name",
        "They agree for good.",
        "rise",
        "seed {seed} · K={K:.2f}",
    ]
    assert (entries, left) == (6, 6)
    assert "python-brace-format" in found.find("seed {seed} · K={K:.2f}").flags


def test_completing_a_table_keeps_its_words_and_adds_what_is_new(tmp_path):
    german(tmp_path)
    changed = own(tmp_path, OWN.replace("They agree for good.", "They agree, at long last."))
    path, entries, left = translate(changed, "de")
    found = polib.pofile(str(path), check_for_duplicates=True)
    assert found.find("How fast does it fade?").msgstr == "Wie schnell vergeht es?"
    assert found.find("They agree, at long last.").msgstr == ""
    gone = found.find("They agree for good.", include_obsolete_entries=True)
    assert gone.obsolete
    assert (entries, left) == (6, 4)
    translate(own(tmp_path), "de")
    again = polib.pofile(str(path)).find("They agree for good.")
    assert again.msgstr == TRANSLATED["They agree for good."], "what comes back has its words again"


def test_a_translators_remark_stays(tmp_path):
    kind = german(tmp_path)
    path = tmp_path / "fade.de.po"
    entries = polib.pofile(str(path))
    entries.find("rise").tcomment = "as of the sun"
    entries.save()
    translate(kind, "de")
    assert polib.pofile(str(path)).find("rise").tcomment == "as of the sun"


@pytest.mark.parametrize("lang", ["en", "../de", "German", "d", ""])
def test_what_is_no_other_language_is_refused(tmp_path, lang):
    with pytest.raises(Mistyped, match="is no language to translate into: de, fr, pt-BR"):
        translate(own(tmp_path), lang)
    assert list(tmp_path.glob("*.po")) == []


def test_the_command_says_where_the_table_lies_and_how_much_is_to_do(tmp_path, monkeypatch, capfd):
    from scenes.__main__ import main

    own(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["scenes", "translate", "./fade.py", "pt-BR"])
    with pytest.raises(SystemExit) as left:
        main()
    assert left.value.code == 0
    assert "fade.pt-BR.po  6 entries, 6 of them without words yet" in capfd.readouterr().out
