"""In a notebook a simulation, a film and a figure show themselves: in plain HTML, without a network."""

import io
import re
import shutil
import subprocess
import sys
from base64 import b64decode
from html.parser import HTMLParser
from pathlib import Path
from types import ModuleType
from typing import Any

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import scenes
import sims
from scenes import _make
from scenes._film import Film
from scenes._render import plan
from scenes._runs import source_of
from scenes._theme import words
from sims import Batch, Kuramoto, Simulation, _discover, param, variable
from sims._html import simulation, symbol
from sims._plot import figure

SUBJECTS = _discover.subjects("sims")
VOID = {"track"}
PLAIN = {"div", "p", "pre", "code", "strong", "sub", "details", "summary", "b", "ul", "li"}
PLAIN |= {"table", "caption", "thead", "tbody", "tr", "th", "td"}
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


class Page(HTMLParser):
    """HTML taken apart: elements, attributes and text; fails where an element is not closed in its turn."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.elements if name == tag]


def check_plain(page: Page, more: frozenset[str] = frozenset()) -> None:
    """No scripts, no sheets, nothing that is fetched, nothing that acts."""
    assert {tag for tag, _ in page.elements} <= PLAIN | more
    for _, attrs in page.elements:
        assert set(attrs) & {"href", "onclick", "onload", "onerror", "id", "class"} == set()
        assert (attrs.get("src") or "data:").startswith("data:")


# --- a simulation


@pytest.mark.parametrize("subject", SUBJECTS)
def test_every_simulation_shows_equation_parameters_and_variables(subject: str) -> None:
    kind = _discover.find("sims", subject, Simulation)
    page = Page(kind()._repr_html_())
    check_plain(page)
    for name, field in kind.model_fields.items():
        assert f"{name}" in page.text
        assert str(field.description) in page.text
    assert all(v.meaning in page.text for v in kind.variables.values())
    assert page.of("pre")
    doc = re.sub("\nReferences?: ", "\n", sys.modules[kind.__module__].__doc__ or "")
    assert [word for word in doc.split() if word not in page.text] == []


def test_values_have_symbol_unit_and_bounds_and_changed_ones_their_default() -> None:
    html = Kuramoto(K=3.5)._repr_html_()
    row = next(row for row in re.findall("<tr>.*?</tr>", html, re.DOTALL) if "<code>K</code>" in row)
    cells = re.findall("<td[^>]*>(.*?)</td>", row)
    value = '<strong title="default: 2.5">3.5</strong>'
    assert cells == ["<code>K</code>", "K", value, "rad/s", "0 to 1,000", "coupling strength"]
    assert html.count("<strong title=") == 1


def test_an_index_is_set_low() -> None:
    assert symbol("W_q") == "W<sub>q</sub>"
    assert symbol("a<b_1") == "a&lt;b<sub>1</sub>"


EVIL = "<script>alert(1)</script>\" onload='x' & <b>"


def own(doc: str, meaning: str, mark: str, unit: str) -> Simulation:
    """A simulation of somebody's own file, with these words."""

    class Own(Simulation):
        __doc__ = doc
        rate: float = param(1.0, meaning, symbol=mark, unit=unit, ge=0, le=1e3)
        variables = {
            "time": variable("time", meaning, mark, unit),
            "x": variable("time", meaning, mark, unit),
        }

        @classmethod
        def solve(cls, p: Batch) -> dict[str, np.ndarray]:
            return {"time": np.arange(3.0), "x": np.ones((p.size, 3))}

    module = ModuleType("own.somebodys")
    module.__doc__ = doc
    sys.modules["own.somebodys"] = module
    Own.__module__ = "own.somebodys"
    return Own()


def test_words_that_are_html_come_out_inert() -> None:
    page = Page(simulation(own(f"{EVIL}\n\n    x = {EVIL}\n\nReference: {EVIL}", EVIL, EVIL, EVIL)))
    check_plain(page)
    assert page.text.count("<script>alert(1)</script>") >= 9
    assert not page.of("script")


@given(*[st.text(min_size=1, max_size=60)] * 4)
def test_whatever_the_words_the_html_is_whole(doc: str, meaning: str, mark: str, unit: str) -> None:
    page = Page(simulation(own(f"{doc}\n\n    {doc}", meaning, mark, unit)))
    check_plain(page)


def test_a_simulation_written_in_the_notebook_itself_has_its_own_words() -> None:
    sim = own("Falls.\n\n    dx/dt = -x", "rate", "k", "1/s")
    type(sim).__module__ = "__main__"
    page = Page(simulation(sim))
    assert "Own: Falls." in page.text
    assert "dx/dt = -x" in page.text


# --- a film


class Short(Film):
    """One line, for a second."""

    question = EVIL
    clocks = Kuramoto(n=5, steps=20)

    def construct(self) -> None:
        self.add(words("agreement"))
        self.beat("first", f"clocks & {EVIL[:20]}, K = {self.clocks.K}")
        self.wait(0.4)
        self.beat("second", "then")
        self.wait(0.2)


@pytest.fixture(scope="module")
def film() -> Page:
    return Page(Short()._repr_html_())


def content(address: str | None, kind: str) -> bytes:
    head, _, data = (address or "").partition(",")
    assert head == f"data:{kind};base64"
    return b64decode(data)


def test_a_film_shows_itself_as_a_clip_within_the_page(film: Page) -> None:
    check_plain(film, frozenset({"figure", "video", "track"}))
    (video,) = film.of("video")
    with av.open(io.BytesIO(content(video["src"], "video/mp4"))) as clip:
        shown = clip.streams.video[0]
        assert (shown.width, shown.height) == (854, 480)
        assert sum(1 for _ in clip.decode(video=0)) == plan(Short, Short.simulations(), 15).frames
    with Image.open(io.BytesIO(content(video["poster"], "image/png"))) as poster:
        assert poster.size == (854, 480)
        assert len(poster.convert("RGB").getcolors(10_000) or []) > 1


def test_a_film_has_captions_and_says_its_words(film: Page) -> None:
    (track,) = film.of("track")
    captions = content(track["src"], "text/vtt").decode()
    assert captions.startswith("WEBVTT")
    assert captions.count("-->") == 2
    assert (track["kind"], track["srclang"]) == ("captions", "en")
    assert "first: clocks & <script>" in film.text
    assert film.of("video")[0]["aria-label"] == EVIL


def test_a_film_is_shown_with_the_simulations_it_was_given() -> None:
    page = Page(Short(clocks=Kuramoto(n=5, steps=20, K=0.5))._repr_html_())
    assert "K = 0.5" in page.text


def test_a_film_that_was_drawn_is_not_drawn_again(film: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    if source_of(Short, Film, sims, scenes) is None:
        pytest.skip("the source was changed after this process began, and so nothing is kept")

    def draw(*_: Any) -> None:
        raise AssertionError("drawn again")

    monkeypatch.setattr(_make, "draw", draw)
    assert Page(Short()._repr_html_()).of("video") == film.of("video")


def test_a_film_written_in_the_notebook_itself_is_shown_too() -> None:
    kind = type("Here", (Short,), {"__module__": "__main__"})
    assert Page(kind()._repr_html_()).of("video")


@pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on this machine")
def test_a_browser_without_a_network_plays_it_with_its_captions(tmp_path: Path) -> None:
    script = """<p id="told"></p><script>
        const video = document.querySelector("video"), track = document.querySelector("track");
        const tell = text => { document.getElementById("told").textContent += text + ";" };
        track.onload = () => tell("cues " + track.track.cues.length);
        track.onerror = () => tell("no captions");
        video.onerror = () => tell(video.error.message);
        video.onloadeddata = () => tell(video.videoWidth + "x" + video.videoHeight);
        track.track.mode = "hidden"; video.muted = true; video.preload = "auto"; video.load();
    </script>"""
    html = f"<!doctype html><meta charset=utf-8>{Short()._repr_html_()}{script}"
    (tmp_path / "page.html").write_text(html, encoding="utf-8")
    words = ["--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=8000", "--dump-dom"]
    line = [CHROMIUM, *words, f"--user-data-dir={tmp_path / 'profile'}", (tmp_path / "page.html").as_uri()]
    done = subprocess.run(line, capture_output=True, text=True, timeout=120)
    told = re.search('<p id="told">(.*?)</p>', done.stdout)
    assert told
    assert set(told[1].split(";")) == {"cues 2", "854x480", ""}


# --- in a kernel


def test_a_kernel_shows_simulation_trajectory_and_figure() -> None:
    nbformat = pytest.importorskip("nbformat")
    nbclient = pytest.importorskip("nbclient")
    cells = [
        "from sims import Kuramoto, figure\nsim = Kuramoto(n=5, steps=40)\nsim",
        "run = sim.run()\nrun",
        "figure(run, ['r'])",
        "import matplotlib.pyplot\nfigure(run, ['r'], style='film')",
    ]
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    nbclient.NotebookClient(book, timeout=120, kernel_name="python3").execute()
    outputs = [cell.outputs[-1].data for cell in book.cells]
    assert "coupling strength" in outputs[0]["text/html"]
    assert "order parameter: 1 when all agree" in outputs[1]["text/html"]
    for data in outputs[2:]:
        with Image.open(io.BytesIO(b64decode(data["image/png"]))) as picture:
            assert picture.size[0] > 800


def test_a_figure_is_drawn_alike_whatever_the_notebooks_own_style() -> None:
    import matplotlib as mpl

    page = figure(Kuramoto(n=5, steps=40).run(), ["r"])
    plain, _ = page._repr_png_()
    with mpl.rc_context(
        {"font.size": 30, "savefig.dpi": 20, "mathtext.fontset": "cm", "axes.facecolor": "red"}
    ):
        assert page._repr_png_()[0] == plain
