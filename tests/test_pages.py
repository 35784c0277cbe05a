"""A clip's page and the gallery as they are written."""

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import polib
import pytest
from flat_bundle import flat_bundle

from scenes import _gallery, _page
from scenes._bundle import Bundle, NoBundle
from scenes._formats import FORMATS
from scenes._language import speaking
from sims._command import Mistyped

SOURCES = Path(_page.__file__).parent


class Read(HTMLParser):
    """What a page refers to, its languages, and its text outside of scripts and styles."""

    def __init__(self, path):
        super().__init__()
        self.links, self.sources, self.langs, self.text, self.inside = [], [], [], [], []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        told = dict(attributes)
        self.inside = [tag] if tag in ("script", "style") else []
        self.links += [told[name] for name in ("href", "src", "poster") if told.get(name)]
        self.sources += [told["type"]] if tag == "source" else []
        self.langs += [told["lang"]] if "lang" in told else []

    def handle_endtag(self, tag):
        self.inside = []

    def handle_data(self, data):
        self.text += [] if self.inside else data.split()


@pytest.fixture
def bundle(tmp_path):
    return flat_bundle(tmp_path / "renders" / "a clip #1")


def test_a_page_is_the_same_whenever_it_is_written_and_links_only_to_what_is_there(bundle):
    for name in ("clip.en.vtt", "clip.de.srt", "clocks.nc", "slides.html", "explore.html", "sections/01.mp4"):
        (bundle.folder / name).parent.mkdir(exist_ok=True)
        (bundle.folder / name).write_bytes(b"some")
    _page.write(bundle)
    first = (bundle.folder / "index.html").read_bytes()
    _page.write(Bundle.read(bundle.folder))
    assert (bundle.folder / "index.html").read_bytes() == first
    links = [
        unquote(link) for link in Read(bundle.folder / "index.html").links if not link.startswith("data:")
    ]
    assert {"clip.mp4", "clip.webp", "clip.en.vtt", "clip.de.srt", "clocks.nc", "slides.html"} < set(links)
    assert "sections/01.mp4" in links
    assert [link for link in links if not (bundle.folder / link).exists()] == []
    assert b"http" not in re.sub(rb"https://schema.org|data:[^\"']+", b"", first)


def test_the_gallery_links_to_pages_in_folders_of_any_name(bundle):
    renders = bundle.folder.parent
    flat_bundle(renders / "why? 100% 漢字 ü&amp;")
    _page.write(bundle)
    path = _gallery.write(renders)
    links = [unquote(link.partition("#")[0]) for link in Read(path).links if not link.startswith("data:")]
    assert "a clip #1/index.html" in links
    assert "why? 100% 漢字 ü&amp;/clip.mp4" in links  # it has no page of its own
    assert [link for link in links if not (renders / link).exists()] == []


def test_the_codecs_are_those_of_the_clip(tmp_path):
    """In MP4 the header `avcC` holds a version, then profile, what it keeps to, and level: ISO 14496-15."""
    bundle = flat_bundle(tmp_path / "mp4")
    clip = (bundle.folder / "clip.mp4").read_bytes()
    header = clip[clip.index(b"avcC") + 4 :]
    _page.write(bundle)
    told = Read(bundle.folder / "index.html").sources
    assert told == [f'video/mp4; codecs="avc1.{header[1]:02x}{header[2]:02x}{header[3]:02x}"']
    webm = flat_bundle(tmp_path / "webm", form=FORMATS["webm"])
    _page.write(webm)
    assert Read(webm.folder / "index.html").sources == ['video/webm; codecs="vp9"']


def test_a_clip_that_browsers_do_not_play_is_shown_by_its_poster(bundle):
    (bundle.folder / "clip.mov").write_bytes(b"ProRes")
    _page.write(replace(bundle, clip="clip.mov"))
    text = (bundle.folder / "index.html").read_text()
    assert "<video" not in text
    assert '<img src="clip.webp"' in text
    assert 'href="clip.mov"' in text


def test_embed_codes_are_on_the_page_as_they_lie_in_the_folder_the_web_first(bundle):
    codes = {"zoom.txt": "<b>&amp;</b>\n", "moodle.html": "<iframe>\n", "html.html": "<video>\n"}
    (bundle.folder / "embed").mkdir()
    for name, code in codes.items():
        (bundle.folder / "embed" / name).write_text(code)
    assert _page.embeds(bundle.folder) == [
        ("HTML", "<video>\n"),
        ("Moodle", "<iframe>\n"),
        ("zoom", "<b>&amp;</b>\n"),
    ]
    _page.write(bundle)
    assert "&lt;b&gt;&amp;amp;&lt;/b&gt;" in (bundle.folder / "index.html").read_text()


def test_a_german_film_has_a_german_page(tmp_path):
    bundle = flat_bundle(tmp_path / "clip", lang="de")
    words = {"de": bundle.cues["de"], "en": bundle.cues["de"]}
    titles = {lang: "Wie einigen sich Teile?" for lang in words}
    sims = {
        "clocks": replace(
            bundle.simulations["clocks"],
            parameters=(replace(bundle.simulations["clocks"].parameters[0], value=0.25, own=False),),
        )
    }
    _page.write(replace(bundle, cues=words, title=titles, about=titles, simulations=sims))
    page = Read(bundle.folder / "index.html")
    text = " ".join(page.text)
    assert page.langs[0] == "de"
    assert {"en", "de"} == set(page.langs)
    for said in (
        "Woher die Zahlen kommen",
        "Kapitel",
        "Zum Herunterladen",
        "0,25",
        "für diesen Clip geändert",
    ):
        assert said in text
    with speaking("de"):
        _gallery.write(tmp_path)
    assert "Galerie der Clips" in " ".join(Read(tmp_path / "index.html").text)


def test_everything_pages_say_has_german_words():
    asked = set()
    for path in (*SOURCES.glob("pages/[sgp]*.html"), *map(SOURCES.joinpath, ("_page.py", "_gallery.py"))):
        asked |= {a or b for a, b in re.findall(r"""said\((?:"([^"]+)"|'([^']+)')""", path.read_text())}
    assert len(asked) > 50
    german = {entry.msgid for entry in polib.pofile(str(SOURCES / "shared.de.po")) if entry.msgstr}
    assert asked - german == set()


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"title": {"de": "Ohne Englisch"}}, "no title in en"),
        ({"title": 3}, "title"),
        ({"seconds": "long"}, "seconds"),
        ({"seconds": float("nan")}, "a time is nan"),
        ({"seconds": float("inf")}, "a time is inf"),
        ({"clip": "../../secret.mp4"}, "no name of a file"),
        ({"clip": "gone.mp4"}, "holds no clip"),
        ({"simulations": {"clocks": {}}}, "not whole"),
        ({"format": 9}, "not of a bundle of this version"),
    ],
)
def test_a_damaged_bundle_is_told_of_and_does_not_stop_the_others(change, why, bundle, capsys):
    renders = bundle.folder.parent
    bad = flat_bundle(renders / "damaged").folder / "provenance.json"
    bad.write_text(json.dumps(json.loads(bad.read_text()) | change))
    path = _gallery.write(renders)
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert error.startswith("scenes: left out of the gallery: ")
    assert why in error
    assert str(renders / "damaged") in error
    text = " ".join(Read(path).text)
    assert why in text
    assert bundle.title["en"] in text
    with pytest.raises(NoBundle, match=re.escape(why)):
        _page.write(Bundle.read(bad.parent))


def test_a_clip_cut_off_has_no_page(bundle):
    clip = bundle.folder / "clip.mp4"
    clip.write_bytes(clip.read_bytes()[:500])
    with pytest.raises(NoBundle, match=r"clip\.mp4 cannot be read: .*; render the film again"):
        _page.write(bundle)
    assert not (bundle.folder / "index.html").exists()


def test_a_gallery_of_nothing_says_how_to_begin_and_one_of_no_folder_is_refused(tmp_path):
    (tmp_path / "notes").mkdir()
    assert "scenes render metronomes" in " ".join(Read(_gallery.write(tmp_path)).text)
    with pytest.raises(Mistyped, match="there is no folder"):
        _gallery.write(tmp_path / "nowhere")
