"""Slides in Chromium, opened from a file: by keyboard from the first beat to the last."""

from dataclasses import replace
from io import BytesIO

import browser
import numpy as np
import pytest
from browser import SCHEMES, WIDTHS, sticking_out, violations, visiting
from flat_bundle import BEATS, colour, flat_bundle
from PIL import Image
from test_slides import HOSTILE

from scenes import _slides
from scenes._captions import Cue

chromium = browser.chromium
KEYS = ("ArrowRight", "Space", "PageDown")
LENGTHS = (8, 10, 6)
LAST = np.cumsum(LENGTHS) - 1
ENDED = "Reveal.getCurrentSlide().querySelector('video').ended"
PLAYED = "Reveal.getCurrentSlide().querySelector('video').currentTime"
PAUSED = "Reveal.getCurrentSlide().querySelector('video').paused"


class Looped(Cue):
    loops = True


@pytest.fixture(scope="module")
def slides(tmp_path_factory):
    """The page of a bundle by its theme; that in the light has a second beat that loops."""
    place = tmp_path_factory.mktemp("slides")
    for theme in SCHEMES:
        bundle = flat_bundle(place / theme, lengths=LENGTHS, theme=theme)
        first, second, third = bundle.cues["en"]
        looped = Looped(second.start, second.end, second.name, second.caption)
        cues = (first, looped if theme == "light" else second, third)
        _slides.write(replace(bundle, cues={**bundle.cues, "en": cues}))
    return {theme: place / theme / "slides.html" for theme in SCHEMES}


def ready(visit):
    visit.page.wait_for_function("window.Reveal && Reveal.isReady()")
    return visit.page


def here(page):
    return page.evaluate("Reveal.getIndices().h")


def in_the_middle(page):
    """The colour in the middle of the slide, as it is seen."""
    box = page.locator(".reveal").bounding_box()
    seen = np.asarray(Image.open(BytesIO(page.screenshot())).convert("RGB"), int)
    return seen[int(box["y"] + box["height"] / 2), int(box["x"] + box["width"] / 2)]


def test_keys_step_through_every_beat_each_of_which_stops_on_its_last_frame(chromium, slides):
    with visiting(chromium, slides["dark"]) as visit:
        page = ready(visit)
        for number, (name, _) in enumerate(BEATS):
            assert here(page) == number
            assert page.locator(".where").inner_text().split("\n") == [f"{number + 1} / {len(BEATS)} {name}"]
            page.wait_for_function(ENDED)
            page.wait_for_timeout(200)  # it waits for whoever speaks
            assert here(page) == number
            assert np.abs(in_the_middle(page) - colour(LAST[number], sum(LENGTHS))).max() <= 8
            page.keyboard.press(KEYS[number])
        assert here(page) == len(BEATS) - 1
        page.keyboard.press("ArrowLeft")
        assert here(page) == len(BEATS) - 2
        assert visit.asked == [slides["dark"].as_uri()]
        assert visit.complaints == []


def test_a_beat_that_loops_plays_on_until_a_key_is_pressed(chromium, slides):
    with visiting(chromium, slides["light"]) as visit:
        page = ready(visit)
        page.keyboard.press("ArrowRight")
        page.wait_for_function(f"{PLAYED} > 0.7")
        page.wait_for_function(f"{PLAYED} < 0.4")
        assert not page.evaluate(PAUSED)
        page.keyboard.press("ArrowRight")
        page.wait_for_function(ENDED)
        assert visit.complaints == []


def test_whoever_wants_no_motion_sees_a_poster_until_a_beat_is_played(chromium, slides):
    with visiting(chromium, slides["dark"], reduced_motion="reduce") as visit:
        page = ready(visit)
        page.keyboard.press("ArrowRight")
        page.wait_for_timeout(300)
        assert page.evaluate(PAUSED)
        assert page.evaluate(PLAYED) == 0
        poster = page.locator("section.present .poster")
        assert poster.is_visible()
        page.keyboard.press("k")
        page.wait_for_function(ENDED)
        assert not poster.is_visible()
        assert visit.complaints == []


def test_buttons_do_what_they_say_by_mouse_and_by_keyboard(chromium, slides):
    with visiting(chromium, slides["dark"]) as visit:
        page = ready(visit)
        assert page.get_by_role("button", name="Back").is_disabled()
        page.get_by_role("button", name="Next").click()
        assert here(page) == 1
        play = page.get_by_role("button", name="Play or pause")
        page.wait_for_function(f"{PLAYED} > 0.1")
        play.press("Space")
        assert here(page) == 1
        assert page.evaluate(PAUSED)
        play.press("Enter")
        assert not page.evaluate(PAUSED)
        page.wait_for_function(ENDED)
        page.keyboard.press("End")
        assert here(page) == len(BEATS) - 1
        assert page.get_by_role("button", name="Next").is_disabled()


def test_a_full_screen_belongs_to_the_film_and_its_buttons_come_with_the_mouse(chromium, slides):
    with visiting(chromium, slides["dark"]) as visit:
        page = ready(visit)
        page.get_by_role("button", name="Full screen").click()
        page.mouse.move(300, 300)
        page.wait_for_function("document.querySelector('.reveal').offsetHeight === innerHeight")
        foot = "getComputedStyle(document.querySelector('footer')).opacity"
        page.wait_for_function(f"{foot} === '1'")
        page.wait_for_function(f"{foot} === '0'")  # once the mouse rests
        page.keyboard.press("Shift+Tab")
        page.wait_for_function(f"{foot} === '1'")


def test_speaker_notes_open_beside_and_follow(chromium, slides):
    with visiting(chromium, slides["dark"]) as visit:
        page = ready(visit)
        asked = []
        page.context.on("request", lambda request: asked.append(request.url))
        with page.context.expect_page() as opened:
            page.keyboard.press("s")
        notes = opened.value.locator(".speaker-controls-notes .value")
        notes.get_by_text(BEATS[0][1]).wait_for()
        page.keyboard.press("ArrowRight")
        notes.get_by_text(BEATS[1][1]).wait_for()
        assert all(address.startswith(slides["dark"].as_uri()) for address in asked)
        assert visit.complaints == []


@pytest.mark.parametrize("theme", SCHEMES)
def test_axe_finds_nothing_in_either_theme(chromium, slides, theme):
    with visiting(chromium, slides[theme], color_scheme=theme) as visit:
        page = ready(visit)
        page.keyboard.press("ArrowRight")
        assert violations(page) == []


def test_slides_fit_windows_of_any_size(chromium, slides):
    with visiting(chromium, slides["light"]) as visit:
        page = ready(visit)
        # the last is a small screen at 200 %
        for width, height in [*((width, 900) for width in WIDTHS.values()), (640, 360)]:
            page.set_viewport_size({"width": width, "height": height})
            page.wait_for_function(f"Math.abs(document.querySelector('.reveal').offsetWidth - {width}) < 2")
            page.wait_for_timeout(100)
            assert sticking_out(page) == []
            film = page.locator("section.present video").bounding_box()
            foot = page.locator("footer").bounding_box()
            assert film["width"] > 0.6 * width
            assert film["y"] >= -1
            assert film["y"] + film["height"] <= foot["y"] + 1
            assert foot["y"] + foot["height"] <= height + 1


def test_printed_slides_show_every_poster_and_its_words(chromium, slides):
    with visiting(chromium, slides["dark"]) as visit:
        page = ready(visit)
        page.emulate_media(media="print")
        for number, (name, caption) in enumerate(BEATS):
            section = page.locator(".slides > section").nth(number)
            assert section.locator(".poster").bounding_box()["width"] > 300
            assert section.get_by_role("heading", name=name, include_hidden=True).bounding_box()["width"] > 50
            assert section.get_by_text(caption).bounding_box()["width"] > 100
        assert not page.locator("footer").is_visible()


def test_hostile_words_do_nothing_but_stand_there(chromium, tmp_path):
    title = '</title><script>alert("title")</script> “quoted” 🎵 \u202eסוף'
    _slides.write(flat_bundle(tmp_path / "a film", beats=HOSTILE, title=title))
    with visiting(chromium, tmp_path / "a film" / "slides.html") as visit:
        page = ready(visit)
        for number, (name, _) in enumerate(HOSTILE):
            assert here(page) == number
            assert page.locator(".where b").inner_text() == name
            page.keyboard.press("ArrowRight")
        assert violations(page) == []
        assert sticking_out(page) == []
        assert visit.complaints == []
