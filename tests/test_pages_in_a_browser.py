"""A clip's page and the gallery in Chromium, from file://."""

import json
import shutil
import time

import browser
import pytest
from browser import SCHEMES, WIDTHS, open_all, sticking_out, violations, visiting
from flat_bundle import flat_bundle

from scenes import _gallery, _page
from scenes._bundle import Bundle, Parameter, Simulated
from scenes._theme import THEMES

chromium = browser.chromium
HOSTILE = "<script>window.ran = 1</script>\"'&</title><img src=x onerror=window.ran=1> 🎬 \u202eمرحبا"
ODD = "odd folder #1 ?x=%41"
SHOWING = "document.querySelector('video').readyState >= 2"


@pytest.fixture(scope="module")
def renders(tmp_path_factory):
    """A folder of three bundles, one with a title that would run and a name that must be quoted."""
    folder = tmp_path_factory.mktemp("renders")
    long = Parameter("beta", 0.02, "a coupling" + " of many words" * 9, "β", "rad²/s", own=False)
    exact = Parameter("arc", 6.283185307179586, "an arc", "frequencies", "rad", own=True)
    sims = {
        "clocks": Simulated(
            "sims.kuramoto:Kuramoto", (long, exact), {"r at the end": 0.99}, "clocks.nc", "0" * 64
        )
    }
    flat_bundle(folder / "metronomes", simulations=sims)
    flat_bundle(folder / ODD, title=HOSTILE, film="odd", theme="light")
    flat_bundle(folder / "tall", title="Donaudampfschifffahrtsgesellschaft" * 5, width=180, height=320)
    for place in (told.parent for told in folder.glob("*/provenance.json")):
        (place / "embed").mkdir()
        (place / "embed" / "html.html").write_text(f'<iframe src="{"long" * 60}" title="a clip"></iframe>\n')
        (place / "clocks.nc").write_bytes(b"numbers")
        _page.write(Bundle.read(place))
    _gallery.write(folder)
    return folder


PAGES = ["index.html", "metronomes/index.html", f"{ODD}/index.html", "tall/index.html"]


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("name", PAGES[:3])
def test_axe_finds_nothing_and_the_page_asks_for_nothing_beyond_its_folder(name, scheme, chromium, renders):
    with visiting(chromium, renders / name, color_scheme=scheme) as visit:
        page = visit.page
        assert violations(page) == []
        open_all(page)
        if name == "index.html":
            page.get_by_role("button", name="Play").first.click()
        page.wait_for_function(SHOWING)
        assert violations(page) == []
        ground = THEMES[scheme].ground
        rgb = f"rgb({', '.join(str(each) for each in bytes.fromhex(ground[1:]))})"
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == rgb
        assert visit.complaints == []
        assert visit.beyond == []


@pytest.mark.parametrize("name", PAGES)
def test_nothing_sticks_out_at_any_width(name, chromium, renders):
    with visiting(chromium, renders / name) as visit:
        for unfold in (lambda page: None, open_all):
            unfold(visit.page)
            for what, width in WIDTHS.items():
                visit.page.set_viewport_size({"width": width, "height": 900})
                assert sticking_out(visit.page) == [], what


def test_the_clip_plays_seeks_and_says_which_chapter_it_is_in(chromium, renders):
    cues = Bundle.read(renders / "metronomes").cues["en"]
    with visiting(chromium, renders / "metronomes/index.html") as visit:
        page = visit.page
        page.wait_for_function(SHOWING)
        chapters = page.locator(".chapters button")
        assert page.locator(".chapters [dir]").all_inner_texts() == [cue.name for cue in cues]
        current = page.locator(".chapters [aria-current=true]")
        assert cues[0].name in current.inner_text()
        chapters.nth(1).focus()
        page.keyboard.press("Enter")
        page.wait_for_function(f"document.querySelector('video').currentTime > {cues[1].start + 0.2}")
        assert cues[1].name in current.inner_text()
        page.evaluate("document.querySelector('video').pause()")
        page.locator(".said [data-at]").nth(2).click()
        page.wait_for_function("!document.querySelector('video').seeking")
        assert cues[2].name in current.inner_text()
        assert cues[2].name in page.locator(".said li:has([aria-current=true])").first.inner_text()
        assert page.evaluate("document.querySelector('video').webkitAudioDecodedByteCount") == 0


def test_a_link_to_a_moment_opens_there(chromium, renders):
    cue = Bundle.read(renders / "metronomes").cues["en"][1]
    with visiting(chromium, (renders / "index.html").as_uri()) as visit:
        page = visit.page
        place = page.locator(".clip[data-film=metronomes]").first
        place.get_by_text("Chapters and words").click()
        place.locator(".said a").nth(1).click()
        page.wait_for_url("**/metronomes/index.html#t=*")
        page.wait_for_function(f"Math.abs(document.querySelector('video').currentTime - {cue.start}) < 0.01")
        assert cue.name in page.locator(".chapters [aria-current=true]").inner_text()
        assert visit.complaints == []


@pytest.mark.parametrize("where", ["its own page", "the gallery"])
def test_captions_and_chapters_are_there_in_every_language_from_a_file(where, chromium, renders):
    told = json.loads((renders / "metronomes" / "provenance.json").read_text())["cues"]
    name = "metronomes/index.html" if where == "its own page" else "index.html"
    with visiting(chromium, renders / name) as visit:
        page = visit.page
        if where == "the gallery":
            page.locator(".clip[data-film=metronomes] .play").first.click()
        page.wait_for_function(SHOWING)
        page.evaluate("for (const each of document.querySelector('video').textTracks) each.mode = 'hidden'")
        page.wait_for_function(
            "[...document.querySelector('video').textTracks].every(each => each.cues?.length)"
        )
        tracks = page.evaluate(
            """[...document.querySelector("video").textTracks].map(track => [
              track.kind, track.language, track.label,
              [...track.cues].map(cue => [cue.startTime, cue.endTime, cue.text])])"""
        )
        assert [track[:3] for track in tracks] == [
            ["captions", "en", "English"],
            ["chapters", "en", "English"],
            ["captions", "de", "Deutsch"],
            ["chapters", "de", "Deutsch"],
        ]
        for kind, lang, _, cues in tracks:
            assert [text for _, _, text in cues] == [
                each["caption" if kind == "captions" else "name"] for each in told[lang]
            ]
            assert [begin for begin, _, _ in cues] == pytest.approx(
                [c["start"] for c in told[lang]], abs=1e-3
            )
            ends = [end for _, end, _ in cues]
            assert all(end <= begin for end, (begin, _, _) in zip(ends, cues[1:]))
        page.evaluate(
            """() => { const video = document.querySelector("video"); video.pause();
              video.textTracks[2].mode = "showing"; video.currentTime = 1.2 }"""
        )
        page.wait_for_function("document.querySelector('video').textTracks[2].activeCues.length == 1")
        said = page.evaluate("document.querySelector('video').textTracks[2].activeCues[0].text")
        assert said == told["de"][1]["caption"]
        assert visit.complaints == []


def test_who_wants_little_movement_gets_none(chromium, renders):
    with visiting(chromium, renders / "metronomes/index.html", 360, reduced_motion="reduce") as visit:
        page = visit.page
        page.wait_for_function(SHOWING)
        page.locator(".said [data-at]").nth(2).click()
        page.wait_for_function("!document.querySelector('video').seeking")
        assert page.evaluate("document.querySelector('video').paused")
        assert page.evaluate("document.querySelector('video').getBoundingClientRect().bottom > 0")
        assert page.evaluate("document.getAnimations().length") == 0
    with visiting(chromium, renders / "metronomes/index.html") as visit:
        assert visit.page.evaluate("document.querySelector('video').autoplay") is False


@pytest.mark.parametrize("name", ["index.html", f"{ODD}/index.html"])
def test_a_title_that_would_run_is_shown_and_never_runs(name, chromium, renders):
    with visiting(chromium, renders / name) as visit:
        page = visit.page
        assert page.evaluate("window.ran") is None
        assert HOSTILE in page.locator("h1, h2").all_text_contents()
        if name == "index.html":
            page.locator("h2 a", has_text="window.ran").click()
            page.wait_for_function(SHOWING)
        assert page.title() == HOSTILE
        facts = json.loads(page.locator("script[type='application/ld+json']").text_content())
        assert facts["name"] == HOSTILE
        assert page.evaluate("window.ran") is None
        assert visit.complaints == []


def test_the_button_turns_the_colours_and_the_next_page_keeps_them(chromium, renders):
    with visiting(chromium, renders / "metronomes/index.html", color_scheme="light") as visit:
        page = visit.page
        ground = "getComputedStyle(document.documentElement).getPropertyValue('--ground').trim()"
        assert page.evaluate(ground) == THEMES["light"].ground
        page.get_by_role("button", name="Dark").press("Enter")
        assert page.evaluate(ground) == THEMES["dark"].ground
        assert page.get_by_role("button", name="Light").is_visible()
        page.goto((renders / "index.html").as_uri())
        assert page.evaluate(ground) == THEMES["dark"].ground
        page.emulate_media(media="print")
        assert page.evaluate(ground) == THEMES["light"].ground


def test_a_printed_page_is_unfolded_and_has_no_buttons(chromium, renders):
    with visiting(chromium, renders / "metronomes/index.html") as visit:
        page = visit.page
        before = page.locator("details[open]").count()
        page.emulate_media(media="print")
        page.evaluate("dispatchEvent(new Event('beforeprint'))")
        assert page.locator("details:not([open])").count() == 0
        assert not page.get_by_text("Copy", exact=True).first.is_visible()
        assert page.get_by_alt_text("A picture of the clip").is_visible()
        page.evaluate("dispatchEvent(new Event('afterprint'))")
        assert page.locator("details[open]").count() == before
        assert len(page.pdf()) > 10_000


def test_the_code_of_a_target_is_copied(chromium, renders):
    with visiting(chromium, renders / "metronomes/index.html") as visit:
        page = visit.page
        page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        page.get_by_text("HTML", exact=True).click()
        page.get_by_role("button", name="Copy the code for HTML").click()
        page.wait_for_function("document.getElementById('told').textContent == 'Copied'")
        code = (renders / "metronomes/embed/html.html").read_text()
        assert page.evaluate("navigator.clipboard.readText()") == code


def test_within_another_page_the_clip_stands_alone_at_the_top(chromium, renders, tmp_path):
    outer = tmp_path / "course.html"
    page = (renders / "metronomes/index.html").as_uri()
    outer.write_text(f'<!doctype html><iframe src="{page}" width="640" height="480" title="clip"></iframe>')
    with visiting(chromium, outer) as visit:
        frame = visit.page.frame_locator("iframe")
        frame.locator("h1").wait_for()
        assert not frame.locator("#scheme").is_visible()


@pytest.fixture(scope="module")
def crowd(tmp_path_factory):
    """A folder of 200 bundles: every tenth with a word of its own, every other in light colours."""
    folder = tmp_path_factory.mktemp("crowd")
    first = folder / "clip 000"
    flat_bundle(first)
    told = json.loads((first / "provenance.json").read_text())
    for number in range(200):
        place = folder / f"clip {number:03}"
        if number:
            shutil.copytree(first, place)
        told["title"]["en"] = f"Why is question {number} asked?" + " Ångström" * (number % 10 == 0)
        told["theme"] = ("dark", "light")[number % 2]
        told["film"] = f"film_{number % 4}"
        (place / "provenance.json").write_text(json.dumps(told))
    _gallery.write(folder)
    return folder


def test_a_gallery_of_200_clips_is_quick_and_loads_only_what_is_seen(chromium, crowd):
    with visiting(chromium, crowd / "index.html") as visit:
        page = visit.page
        painted = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
        assert painted < 2000
        posters = [each for each in visit.asked if each.endswith(".webp")]
        assert 0 < len(posters) < 60
        assert not [each for each in visit.asked if each.endswith(".mp4")]
        page.locator(".play").first.click()
        page.wait_for_function(SHOWING)
        assert len([each for each in visit.asked if each.endswith(".mp4")]) >= 1
        assert page.locator("video").count() == 1
        assert sticking_out(page) == []


def test_the_gallery_is_searched_and_filtered_by_keyboard_and_counts_aloud(chromium, crowd):
    with visiting(chromium, crowd / "index.html") as visit:
        page = visit.page
        status, shown = page.get_by_role("status").first, page.locator(".clip:visible")
        assert status.inner_text() == "200 clips"
        page.get_by_label("Search").focus()
        begun = time.perf_counter()
        page.keyboard.type("angstrom QUESTION")
        page.wait_for_function("document.getElementById('count').textContent == '20 of 200 clips'")
        assert time.perf_counter() - begun < 2
        assert shown.count() == 20
        page.keyboard.press("Tab")
        page.keyboard.type("film_2")
        page.wait_for_function("document.getElementById('count').textContent == '10 of 200 clips'")
        page.get_by_label("Colours").select_option("light")
        page.wait_for_function("document.getElementById('count').textContent == '0 of 200 clips'")
        page.get_by_role("button", name="Show all").press("Enter")
        page.wait_for_function("document.getElementById('count').textContent == '200 clips'")
        assert page.evaluate("document.activeElement.id") == "words"
        page.keyboard.type("Stösse ωβ")
        page.wait_for_function("document.getElementById('count').textContent == '0 of 200 clips'")
        page.get_by_label("Search").fill("stosse coupling")
        page.wait_for_function("document.getElementById('count').textContent == '200 clips'")
        assert visit.complaints == []
