"""A film as sections and slides: cut without a loss, one for each beat, the same bytes every time."""

import hashlib
import re
import shutil
import subprocess
import zipfile
from base64 import b64decode
from dataclasses import replace
from io import BytesIO

import av
import numpy as np
import pytest
from bs4 import BeautifulSoup
from clips import VIDEOS, decoded, encoded, samples
from flat_bundle import BEATS, GERMAN, colour, flat_bundle
from PIL import Image
from pptx import Presentation
from pptx.enum.shapes import MSO_SHAPE_TYPE

from scenes import _sections, _slides
from scenes._captions import Cue
from scenes._formats import FORMATS, DamagedPiece
from scenes._join import join
from scenes._theme import DARK, LIGHT

WITH_B_FRAMES = replace(
    FORMATS["mp4"], options={**FORMATS["mp4"].options, "preset": "fast", "x264-params": "bframes=3:b-adapt=0"}
)
HOSTILE = (
    ("<script>alert(1)</script>", "\"Quotes\" & 'more' <b>bold</b> </script><!-- {{ 7 * 7 }}"),
    ("🕰️ zwölf Größen", "An emoji 🎵, {braces} and a %s."),
    ("إيقاع واحد", "خمسة مسرعات على طاولة ثابتة"),
)
LENGTHS = (8, 10, 6)  # frames of the beats, unless said
SOFFICE = shutil.which("soffice")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A bundle of three beats in two languages with all that is made of it."""
    bundle = flat_bundle(tmp_path_factory.mktemp("slides") / "a film")
    _sections.write(bundle)
    _slides.write(bundle)
    return bundle


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    title = '</title><script>alert("title")</script> “quoted” 🎵 \u202eסוף'
    bundle = flat_bundle(tmp_path_factory.mktemp("hostile") / "a film", beats=HOSTILE, title=title)
    _sections.write(bundle)
    _slides.write(bundle)
    return bundle


def sections(bundle):
    return sorted((bundle.folder / "sections").iterdir())


def deck(bundle):
    return Presentation(str(bundle.folder / "slides.pptx"))


def movie(slide):
    (found,) = [shape for shape in slide.shapes if shape.shape_type == MSO_SHAPE_TYPE.MEDIA]
    return found


def page(bundle):
    return BeautifulSoup((bundle.folder / "slides.html").read_text(encoding="utf-8"), "html.parser")


@pytest.mark.parametrize("form", [*VIDEOS.values(), WITH_B_FRAMES], ids=[*VIDEOS, "mp4 with B-frames"])
def test_sections_hold_the_frames_of_the_clip_exactly_from_zero_at_its_rate(form, tmp_path):
    lengths, rate = (1, 24, 40), 60
    pieces, _ = encoded(tmp_path, form, lengths=lengths, fps=rate)
    bundle = flat_bundle(tmp_path / "film", lengths=lengths, frames=sum(lengths), fps=rate)
    (bundle.folder / bundle.clip).unlink()
    bundle = replace(bundle, clip=f"clip{form.suffix}", cues={"en": timed(lengths, rate)})
    clip = bundle.folder / bundle.clip
    join(pieces, clip, form, rate)
    if form is WITH_B_FRAMES:
        with av.open(str(clip)) as source:
            assert source.streams.video[0].codec_context.has_b_frames
    _sections.write(bundle)
    whole = decoded(clip)
    for path, length in zip(sections(bundle), lengths, strict=True):
        frames, expected = decoded(path), whole[:length]
        del whole[:length]
        assert len(frames) == length
        for k, (frame, meant) in enumerate(zip(frames, expected, strict=True)):
            assert abs(frame.pts * frame.time_base - k / rate) <= 0.0005
            assert all(np.array_equal(a, b) for a, b in zip(samples(frame), samples(meant), strict=True))
    assert not whole


def timed(lengths, rate):
    """Cues of beats of so many frames."""
    edges = np.cumsum([0, *lengths]) / rate
    times = zip(edges.tolist(), edges[1:].tolist(), BEATS, strict=False)
    return tuple(Cue(a, b, *words) for a, b, words in times)


def test_sections_are_named_by_number_and_beat_and_tell_their_words(made):
    names = ["01-a-fixed-table.mp4", "02-a-board-that-rolls.mp4", "03-to-remember.mp4"]
    assert [path.name for path in sections(made)] == names
    for path, (name, caption) in zip(sections(made), BEATS, strict=True):
        with av.open(str(path)) as section:
            assert section.metadata["title"] == name
            assert section.metadata["comment"] == caption


def test_names_of_sections_are_safe_in_any_script(hostile):
    names = [path.name for path in sections(hostile)]
    assert names == ["01-script-alert-1-script.mp4", "02-zwolf-grossen.mp4", "03.mp4"]


def test_sections_of_an_earlier_clip_go(made, tmp_path):
    bundle = flat_bundle(tmp_path / "film")
    _sections.write(bundle)
    (bundle.folder / "sections" / "04-gone.mp4").touch()
    _sections.write(bundle)
    assert len(sections(bundle)) == 3
    _slides.write(bundle)
    pictures = replace(bundle, clip="clip.gif")
    _sections.write(pictures)
    _slides.write(pictures)
    assert not list(bundle.folder.glob("s[el]*"))


def test_a_beat_in_which_nothing_is_played_has_neither_section_nor_slide(tmp_path):
    bundle = flat_bundle(tmp_path / "film")
    first, second, third = bundle.cues["en"]
    empty = replace(second, start=third.start, end=third.start)
    cues = (replace(first, end=third.start), empty, third)
    bundle = replace(bundle, cues={"en": cues})
    _sections.write(bundle)
    _slides.write(bundle)
    assert [path.name for path in sections(bundle)] == ["01-a-fixed-table.mp4", "02-to-remember.mp4"]
    assert [slide.shapes.title.text for slide in deck(bundle).slides] == ["a fixed table", "to remember"]


def test_sound_is_cut_with_its_beat(tmp_path):
    bundle = flat_bundle(tmp_path / "film")
    narrate(bundle.folder / bundle.clip, bundle.seconds)
    _sections.write(bundle)
    for path, cue in zip(sections(bundle), bundle.cues["en"], strict=True):
        with av.open(str(path)) as section:
            heard = sum(frame.samples / frame.sample_rate for frame in section.decode(audio=0))
        assert abs(heard - (cue.end - cue.start)) < 0.05  # two packets
    _slides.write(bundle)
    assert not page(bundle).select("video[muted]")
    assert "no sound" not in page(bundle).text


def narrate(clip, seconds):
    """Give a clip a sound track, a tone."""
    spoken = clip.with_name("spoken.mp4")
    with av.open(str(clip)) as source, av.open(str(spoken), "w") as to:
        held = source.streams.video[0]
        pictures, sound = to.add_stream_from_template(held), to.add_stream("aac", rate=24000, layout="mono")
        for packet in source.demux(held):
            if packet.size:
                packet.stream = pictures
                to.mux(packet)
        tone = np.sin(np.arange(int(24000 * seconds)) / 10).astype(np.float32)[None]
        frame = av.AudioFrame.from_ndarray(0.3 * tone, format="fltp", layout="mono")
        frame.sample_rate, frame.pts = 24000, 0
        to.mux(sound.encode(frame))
        to.mux(sound.encode(None))
    spoken.replace(clip)


@pytest.mark.parametrize("damage", ["cut off", "of another film", "encoded again"])
def test_a_clip_that_is_not_the_bundles_own_is_named_and_nothing_is_written(damage, tmp_path):
    bundle = flat_bundle(tmp_path / "film")
    clip = bundle.folder / bundle.clip
    if damage == "cut off":
        clip.write_bytes(clip.read_bytes()[:200])
    elif damage == "of another film":
        bundle = replace(bundle, frames=bundle.frames + 1)
    else:
        bundle = replace(bundle, cues={"en": timed((7, 9, 8), bundle.fps)})
    with pytest.raises(DamagedPiece, match=re.escape(str(clip)) + r" .*; remove it and run again"):
        _sections.write(bundle)
    with pytest.raises(DamagedPiece):
        _slides.write(bundle)
    assert not list(bundle.folder.glob("s[el]*"))
    assert not list(bundle.folder.glob(".*"))


def test_the_same_bundle_gives_the_same_bytes(made, tmp_path, monkeypatch):
    twin = replace(made, folder=tmp_path / "another name")
    shutil.copytree(made.folder, twin.folder)
    monkeypatch.setattr("time.time", lambda: 2e9)
    monkeypatch.setattr("zipfile.time.localtime", lambda *_: (2031, 2, 3, 4, 5, 6, 0, 0, 0))
    _sections.write(twin)
    _slides.write(twin)
    for name in ("slides.html", "slides.pptx", *(f"sections/{path.name}" for path in sections(made))):
        assert (twin.folder / name).read_bytes() == (made.folder / name).read_bytes()


def test_the_deck_has_a_slide_for_each_beat_with_movie_notes_alternative_text_and_title(made):
    slides = deck(made).slides
    for slide, section, own, german in zip(slides, sections(made), BEATS, GERMAN, strict=True):
        film = movie(slide)
        media = slide.part.related_part(film.element.xpath(".//a:videoFile/@r:link")[0])
        assert media.blob == section.read_bytes()
        assert film._element.nvPicPr.cNvPr.get("descr") == f"{own[0]}: {own[1]}"
        assert slide.shapes.title.text == own[0]
        assert slide.shapes[0].shape_id == slide.shapes.title.shape_id  # read first, hidden by the film
        notes = slide.notes_slide.notes_text_frame.text
        assert own[1] in notes
        assert f"{german[0]}: {german[1]}" in notes
        assert str(slide.background.fill.fore_color.rgb) == DARK.ground[1:]


def test_the_film_fills_slides_of_powerpoints_own_size(made):
    slides = deck(made)
    assert (slides.slide_width.inches, slides.slide_height.inches) == (pytest.approx(13.333, abs=1e-3), 7.5)
    for slide in slides.slides:
        film = movie(slide)
        assert (film.left, film.top, film.width, film.height) == (
            0,
            0,
            slides.slide_width,
            slides.slide_height,
        )


def test_every_poster_is_a_frame_of_its_own_beat_late_in_it(made):
    colours = np.array([colour(number, made.frames) for number in range(made.frames)])
    slides, pages, first = deck(made).slides, page(made).select(".slides > section"), 0
    for slide, section, length in zip(slides, pages, LENGTHS, strict=True):
        webp = b64decode(section.img["src"].removeprefix("data:image/webp;base64,"))
        last = first + length
        for data in (movie(slide).poster_frame.blob, webp):
            seen = np.asarray(Image.open(BytesIO(data)).convert("RGB"), float)[40:].mean((0, 1))
            number = np.abs(colours - seen).max(axis=1).argmin()
            assert first + 0.4 * (last - first) - 1 <= number < last
        first = last


def test_the_deck_names_nobody_and_no_day_but_its_film(made):
    told = deck(made).core_properties
    assert (told.title, told.subject) == (made.title["en"], made.about["en"])
    assert (told.author, told.last_modified_by, told.created, told.modified) == ("", "", None, None)
    assert told.comments == made.command
    with zipfile.ZipFile(made.folder / "slides.pptx") as packed:
        assert {entry.date_time[0] for entry in packed.infolist()} == {1980}
        assert not [name for name in packed.namelist() if "printer" in name or "thumbnail" in name]


def test_the_page_is_one_file_with_language_zoom_and_all_words(made):
    soup = page(made)
    assert soup.html["lang"] == "en"
    viewport = soup.find("meta", attrs={"name": "viewport"})["content"]
    assert viewport == "width=device-width, initial-scale=1"
    assert soup.title.text == soup.h1.text == made.title["en"]
    for section, file, own, german in zip(
        soup.select(".slides > section"), sections(made), BEATS, GERMAN, strict=True
    ):
        kind, data = section.video["data-src"].split(",")
        assert kind == "data:video/mp4;base64"
        assert b64decode(data) == file.read_bytes()
        assert section.h2.text == own[0]
        assert own[1] in section.select_one("aside [lang=en]").text + section.aside.text
        assert section.select_one("aside [lang=de]").text == f"{german[0]}: {german[1]}"
        assert not section.video.has_attr("loop")
    assert "The above copyright notice and this permission notice shall be included" in str(soup)
    addresses = [tag.get(name, "") for tag in soup.find_all(True) for name in ("src", "href", "data-src")]
    assert all(address.startswith("data:") for address in addresses if address)
    assert not soup.select("link, iframe, base")


def test_a_beat_that_loops_does_so_in_both(tmp_path):
    class Looped(Cue):
        loops = True

    bundle = flat_bundle(tmp_path / "film")
    first, second, third = bundle.cues["en"]
    cues = (first, Looped(second.start, second.end, second.name, second.caption), third)
    _slides.write(replace(bundle, cues={"en": cues}))
    videos = page(bundle).select("section video")
    assert [video.has_attr("loop") for video in videos] == [False, True, False]
    repeated = [slide.element.xpath('.//p:cTn[@repeatCount="indefinite"]') for slide in deck(bundle).slides]
    assert [bool(found) for found in repeated] == [False, True, False]


def test_a_german_film_has_german_slides(tmp_path):
    bundle = flat_bundle(tmp_path / "film", beats=GERMAN, lang="de", theme="light")
    _slides.write(bundle)
    soup = page(bundle)
    assert soup.html["lang"] == "de"
    assert {button["aria-label"] for button in soup.select("button")} >= {"Zurück", "Weiter", "Vollbild"}
    assert "Sekunde" in soup.aside.text
    assert LIGHT.ground in soup.style.text


def test_hostile_words_are_text_and_nothing_else(hostile):
    soup = page(hostile)
    assert len(soup.find_all("script")) == 3
    assert soup.title.text == soup.h1.text == hostile.title["en"]
    for section, slide, (name, caption) in zip(
        soup.select(".slides > section"), deck(hostile).slides, HOSTILE, strict=True
    ):
        assert section.h2.text == section["data-name"] == slide.shapes.title.text == name
        assert caption in section.aside.text
        assert caption in slide.notes_slide.notes_text_frame.text
        assert movie(slide)._element.nvPicPr.cNvPr.get("descr") == f"{name}: {caption}"
        assert not section.find(["b", "script"])
    last = deck(hostile).slides[2]
    assert last.shapes.title.text_frame.paragraphs[0]._p.pPr.get("rtl") == "1"


def test_webm_has_a_page_and_no_deck(tmp_path):
    bundle = flat_bundle(tmp_path / "film", form=FORMATS["webm"])
    _slides.write(bundle)
    assert page(bundle).video["data-src"].startswith("data:video/webm;base64,")
    assert not (bundle.folder / "slides.pptx").exists()


def test_reveal_is_as_it_was_published():
    """The files of reveal.js 6.0.2 in npm's registry."""
    published = {
        "slides-reveal.js": "aa1bbbf2617b23a623b23612cb3c5bdb63de512e652bf20fcfa832b045d37844",
        "slides-reveal.css": "615ee850cbbb98a0f688b60ed37b21819a3f54c9f3e6f20e33e63693ab74a0c0",
        "slides-reveal-notes.js": "447c42f365876e41853de81453d0c53c580c5b2099132e8f61200de4a0ba2af3",
        "slides-reveal.LICENSE": "b2883e4b610bfa1b4d8fff84c4d4b825cc7d553cbd9fec4777c04068a2859dc0",
    }
    for name, digest in published.items():
        assert hashlib.sha256((_slides.PAGES / name).read_bytes()).hexdigest() == digest


@pytest.mark.skipif(SOFFICE is None, reason="there is no LibreOffice on this machine")
def test_libreoffice_shows_a_page_for_each_slide(made, tmp_path):
    profile = f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}"
    subprocess.run(
        [SOFFICE, profile, "--headless", "--convert-to", "pdf", made.folder / "slides.pptx"],
        cwd=tmp_path,
        check=True,
        capture_output=True,
        timeout=170,
    )
    pdf = (tmp_path / "slides.pdf").read_bytes()
    assert len(re.findall(rb"/Type\s*/Page\b", pdf)) == len(BEATS)
