"""What is pasted into a page, a deck or a course shows the clip there, and a title stays a title."""

import ast
import json
import re
import shutil
import subprocess
import sys
from html import unescape
from pathlib import Path
from urllib.parse import unquote

import av
import html5lib
import nbformat
import pytest
from browser import chromium, violations, visiting  # noqa: F401 (a fixture)
from flat_bundle import BEATS, HEIGHT, WIDTH, flat_bundle
from pylatexenc.latex2text import LatexNodes2Text, MacroTextSpec, get_default_latex_context_db
from pylatexenc.latexwalker import LatexEnvironmentNode, LatexWalker

from scenes._embed import TARGETS, snippet, write
from scenes._formats import FORMATS
from sims._command import Mistyped

HTML = "{http://www.w3.org/1999/xhtml}"
TITLE = (
    "<script>document.title = 'run'</script> \"quoted\" 'so' & <b>bold</b> 👩‍🔬🎓 למה זה מתכנס؟ --> "
    "{{< include /etc/passwd >}} ``` {{ x }} {% x %} $x^2$ \\input{x} # 1_a ~ @cite [a](b) ![c](d) ::: | %"
)
ODD = ((TITLE, TITLE), ("1. one\x00\x07", "- no list\n:::\n\n# no heading"), ("+++", '"""\\n' + "'''"))
PLACE = "films/my “own” & <b>/50% #1?"


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    """In a folder with spaces, in two languages."""
    return flat_bundle(tmp_path_factory.mktemp("plain") / "my own film")


@pytest.fixture(scope="module")
def odd(tmp_path_factory):
    """A bundle whose every word means something else in some language."""
    return flat_bundle(tmp_path_factory.mktemp("odd") / "odd", beats=ODD, title=TITLE)


def parsed(html):
    """A fragment within a page, by a parser that forgives nothing."""
    page = f"<!DOCTYPE html><html lang='en'><head><title>t</title></head><body>{html}</body></html>"
    return html5lib.HTMLParser(strict=True).parse(page)


def text_of(node):
    return re.sub(r"\s+", " ", "".join(node.itertext())).strip()


def spoken_of(tree):
    return [text_of(item) for item in tree.iter(f"{HTML}li")]


def tool(name):
    """The command of a target's own tool; a test without it is skipped."""
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"there is no {name} on this machine")
    return found


def ran(*words, cwd):
    done = subprocess.run(list(map(str, words)), cwd=cwd, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_every_target_gets_its_file_and_it_says_what_the_command_prints(bundle):
    write(bundle)
    assert {path.name for path in (bundle.folder / "embed").iterdir()} == {f"{t}.txt" for t in TARGETS}
    for target in TARGETS:
        assert (bundle.folder / "embed" / f"{target}.txt").read_text("utf-8") == snippet(bundle, target)
        assert snippet(bundle, target).endswith("\n")


@pytest.mark.parametrize("target", ["html", "moodle", "canvas", "reveal"])
@pytest.mark.parametrize("place", ["", PLACE, "https://example.org/a%20film/?x=1&y=2"])
def test_html_is_valid_and_a_title_of_anything_stays_a_title(odd, target, place):
    tree = parsed(snippet(odd, target, place))
    assert not list(tree.iter(f"{HTML}script"))
    assert all("<script>document.title" not in "".join(map(str, each.attrib)) for each in tree.iter())
    words = [text_of(each) for tag in ("figcaption", "h3", "p") for each in tree.iter(HTML + tag)]
    titles = [each.get("title") for each in tree.iter(f"{HTML}iframe")]
    assert TITLE in words or TITLE in titles
    assert spoken_of(tree) == [
        f"0:00 {TITLE}: {TITLE}",
        "0:00 1. one\ufffd\ufffd: - no list ::: # no heading",
        "0:01 +++: \"\"\"\\n'''",
    ]


def test_the_figure_has_all_a_player_needs_in_every_language(bundle):
    tree = parsed(snippet(bundle, "html"))
    (video,), (source,) = tree.iter(f"{HTML}video"), tree.iter(f"{HTML}source")
    assert {"controls", "playsinline"} <= video.attrib.keys()
    assert not {"autoplay", "loop"} & video.attrib.keys()
    assert (video.get("width"), video.get("height")) == (str(WIDTH), str(HEIGHT))
    assert video.get("preload") == "metadata"
    assert (bundle.folder / video.get("poster")).is_file()
    about = ("kind", "srclang", "label", "src")
    tracks = [tuple(map(track.get, about)) for track in tree.iter(f"{HTML}track")]
    assert tracks == [
        (kind, lang, label, f"{file}.{lang}.vtt")
        for lang, label in (("en", "English"), ("de", "Deutsch"))
        for kind, file in (("captions", "clip"), ("chapters", "chapters"))
    ]
    with av.open(str(bundle.folder / source.get("src"))) as clip:
        profile, keeps, level = clip.streams.video[0].codec_context.extradata[1:4]
    assert source.get("type") == f'video/mp4; codecs="avc1.{profile:02x}{keeps:02x}{level:02x}"'
    assert spoken_of(tree)[0] == f"0:00 {BEATS[0][0]}: {BEATS[0][1]}"


def test_a_film_in_german_is_shown_with_german_words(tmp_path):
    bundle = flat_bundle(tmp_path / "film", lang="de", beats=(("Anfang", "Es geht los."),), lengths=(4,))
    page = snippet(bundle, "html")
    assert "Was gesagt wird" in page
    assert "Es geht los." in page
    assert page.startswith('<figure lang="de">')


@pytest.mark.parametrize("target", ["html", "reveal"])
@pytest.mark.parametrize(
    ("place", "before"),
    [
        ("", ""),
        (".", ""),
        ("films/two banks/", "films/two banks/"),
        ("../50% #1?", "../50% #1?/"),
        ("/srv/films", "/srv/films/"),
        ("/", "/"),
    ],
)
def test_addresses_lead_to_the_place_whatever_it_is_called(bundle, target, place, before):
    tree = parsed(snippet(bundle, target, place))
    addresses = [v for each in tree.iter() for k, v in each.attrib.items() if k in ("src", "href", "poster")]
    assert all(re.fullmatch(r"[\w./~%-]*", address) for address in addresses)
    assert {unquote(address) for address in addresses} >= {f"{before}clip.mp4", f"{before}clip.de.vtt"}


def test_an_address_on_the_web_is_kept_as_it_was_copied(bundle):
    page = snippet(bundle, "moodle", "https://example.org/a%20film/x y/")
    (frame,) = parsed(page).iter(f"{HTML}iframe")
    assert frame.get("src") == "https://example.org/a%20film/x%20y/index.html"
    assert frame.get("title") == bundle.title["en"]


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize(
    "place", ["javascript:alert(1)//", "data:text/html,x", "file:///etc", "JavaScript:x"]
)
def test_an_address_that_runs_something_is_refused(bundle, target, place):
    with pytest.raises(Mistyped, match=r"at a path or at https://…, not at "):
        snippet(bundle, target, place)


def test_a_mistake_is_one_line_with_the_remedy(bundle, tmp_path):
    with pytest.raises(Mistyped, match=r"there is no target 'moodel': did you mean moodle\?"):
        snippet(bundle, "moodel")
    with pytest.raises(Mistyped, match="LaTeX finds no picture in 50% done; give a path without"):
        snippet(bundle, "beamer", "50% done")
    animated = flat_bundle(tmp_path / "gif", form=FORMATS["gif"])
    (animated.folder / "embed").mkdir()
    (animated.folder / "embed" / "html.txt").write_text("of a clip of before")
    write(animated)
    assert not list((animated.folder / "embed").iterdir())
    with pytest.raises(Mistyped, match="plays in no browser; render it with --format mp4 or webm"):
        snippet(animated, "html")


def test_python_is_one_call_that_holds_the_figure(odd):
    code = ast.parse(snippet(odd, "jupyter"))
    (call,) = [node for node in ast.walk(code) if isinstance(node, ast.Call)]
    assert ast.literal_eval(call.args[0]) == snippet(odd, "html")
    assert [type(node).__name__ for node in code.body] == ["ImportFrom", "Expr"]


def test_a_notebook_that_is_run_and_made_a_page_shows_the_clip(odd, tmp_path):
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(snippet(odd, "jupyter"))])
    nbformat.write(notebook, tmp_path / "lesson.ipynb")
    ran(sys.executable, "-m", "nbconvert", "--execute", "--to", "html", "lesson.ipynb", cwd=tmp_path)
    tree = html5lib.parse((tmp_path / "lesson.html").read_text("utf-8"))
    assert [each.get("aria-label") for each in tree.iter(f"{HTML}video")] == [TITLE]
    assert spoken_of(tree)[0] == f"0:00 {TITLE}: {TITLE}"


def test_quarto_gets_raw_html_that_nothing_ends_early_or_fills_in(odd):
    code = snippet(odd, "quarto", "films")
    raw = re.search(r"^```\{=html\}\n(.*?)^```$", code, re.DOTALL | re.MULTILINE)[1]
    assert unescape(raw) == unescape(snippet(odd, "html", "films"))
    assert not re.search(r"[{}`]", raw)
    assert "{{<" not in code
    assert len(re.findall(r"^:::", code, re.MULTILINE)) == 4


def test_pandoc_which_quarto_is_built_on_shows_the_figure_in_html_and_the_poster_elsewhere(odd, tmp_path):
    (tmp_path / "page.md").write_text(snippet(odd, "quarto"))
    page = ran(tool("pandoc"), "page.md", "-t", "html", cwd=tmp_path)
    assert snippet(odd, "html").replace("{", "&#123;").replace("}", "&#125;").replace("`", "&#96;") in page
    # Quarto takes one of the two divisions away, which pandoc by itself does not
    plain = ran(tool("pandoc"), "page.md", "-f", "markdown-smart", "-t", "plain", "--wrap=none", cwd=tmp_path)
    assert TITLE in plain
    assert "<video" not in plain


def test_quarto_itself_renders_its_snippet(odd, tmp_path):
    shutil.copytree(odd.folder, tmp_path / "film")
    (tmp_path / "page.qmd").write_text(snippet(odd, "quarto", "film"))
    ran(tool("quarto"), "render", "page.qmd", "--to", "html", cwd=tmp_path)
    tree = html5lib.parse((tmp_path / "page.html").read_text())
    assert [each.get("aria-label") for each in tree.iter(f"{HTML}video")] == [TITLE]


def nodes(tree, kind):
    """All nodes of a kind of MyST's tree."""
    found = [tree] if tree.get("type") == kind else []
    return found + [node for child in tree.get("children", ()) for node in nodes(child, kind)]


def read_of(tree):
    """The text of a node of MyST's tree, with straight quotes again."""
    text = tree.get("value", "") + "".join(map(read_of, tree.get("children", ())))
    return text.translate(str.maketrans("‘’“”", "''\"\""))


@pytest.mark.parametrize("place", ["film", "my film"])
def test_myst_builds_a_figure_of_the_clip_with_its_words_below(odd, place, tmp_path):
    myst = tool("myst")
    shutil.copytree(odd.folder, tmp_path / place)
    (tmp_path / "page.md").write_text(snippet(odd, "myst", place))
    (tmp_path / "myst.yml").write_text("version: 1\nproject: {toc: [{file: page.md}]}\nsite: {title: t}\n")
    # its templates are fetched from the web, the page itself is built without them
    subprocess.run([myst, "build", "--site", "--ci"], cwd=tmp_path, capture_output=True, timeout=120)
    told = json.loads((tmp_path / "_build" / "site" / "content" / "index.json").read_text())["mdast"]
    (image,) = nodes(told, "image")
    assert image["url"].endswith(".mp4")
    assert image["alt"] == TITLE
    (caption,) = nodes(told, "caption")
    assert read_of(caption) == TITLE
    assert [read_of(item) for item in nodes(told, "listItem")] == spoken_of(parsed(snippet(odd, "html")))
    (details,) = nodes(told, "details")
    assert read_of(nodes(details, "summary")[0]) == "What is said"
    for kind in ("html", "heading", "cite", "inlineMath", "link", "crossReference", "mystRoleError"):
        assert not nodes(told, kind), kind


def read_in_latex(code):
    """What LaTeX would set, by a parser that forgives nothing."""
    known = get_default_latex_context_db()
    signs = {"textless": "<", "textgreater": ">", "textbar": "|"}
    more = [MacroTextSpec(name, sign) for name, sign in signs.items()]
    known.add_context_category("signs", prepend=True, macros=more)
    for typed, mark in ((r"\char34{}", "\ue022"), (r"\char96\/", "\ue060"), (r"-\/", "\ue02d")):
        code = code.replace(typed, mark)  # which it would read as a number in the text
    nodes, _, _ = LatexWalker(code, tolerant_parsing=False).get_latex_nodes()
    read = LatexNodes2Text(known, strict_latex_spaces=True).nodelist_to_text(nodes)
    return re.sub("[\ue022\ue02d\ue060]", lambda mark: chr(ord(mark[0]) - 0xE000), read)


def test_latex_is_one_frame_with_the_words_as_they_are(odd):
    code = snippet(odd, "beamer", "films")
    nodes, _, _ = LatexWalker(code, tolerant_parsing=False).get_latex_nodes()
    (frame,) = [node for node in nodes if isinstance(node, LatexEnvironmentNode)]
    assert frame.environmentname == "frame"
    assert set(re.findall(r"\\([a-zA-Z]+)", code)) <= {
        *("begin", "end", "centering", "href", "includegraphics", "linewidth", "textheight", "note", "item"),
        *("textbf", "textless", "textgreater", "textbar", "textbackslash", "textasciicircum", "char"),
        "textasciitilde",
    }
    title = re.search(r"^\\begin\{frame\}\{(.*)\}$", code, re.MULTILINE)[1]
    assert read_in_latex(title).replace("ˆ", "^").replace("’", "'") == TITLE
    assert code.startswith("% for LuaLaTeX or XeLaTeX")
    assert r"\href{run:films/clip.mp4}" in code
    assert code.count(r"\item") == 3


def test_lualatex_sets_the_frame(odd, tmp_path):
    latex = tool("lualatex")
    shutil.copytree(odd.folder, tmp_path / "films")
    (tmp_path / "deck.tex").write_text(
        f"\\documentclass{{beamer}}\\begin{{document}}\n{snippet(odd, 'beamer', 'films')}\\end{{document}}\n"
    )
    ran(latex, "-halt-on-error", "-interaction=nonstopmode", "deck.tex", cwd=tmp_path)
    assert (tmp_path / "deck.pdf").stat().st_size > 2000


def reveal_deck(folder: Path, slides: str) -> Path:
    """A deck of reveal.js, as a lecturer has it, beside the bundle."""
    pages = Path(__file__).parent.parent / "scenes" / "pages"
    code, style = ((pages / f"slides-reveal.{end}").read_text() for end in ("js", "css"))
    path = folder / "deck.html"
    path.write_text(
        f"<!doctype html><html lang='en'><meta charset='utf-8'><title>Deck</title><style>{style}</style>"
        f"<div class='reveal'><div class='slides'><section><h2>First</h2></section>{slides}</div></div>"
        f"<script>{code}</script><script>Reveal.initialize({{ transition: 'none' }});</script>"
    )
    return path


def test_in_a_deck_of_reveal_the_clip_is_seen_whole_plays_and_has_notes(chromium, odd):  # noqa: F811
    with visiting(chromium, reveal_deck(odd.folder, snippet(odd, "reveal"))) as visit:
        page = visit.page
        page.wait_for_function("Reveal.isReady()")
        page.keyboard.press("ArrowRight")
        page.wait_for_function("document.querySelector('video').readyState >= 1")
        assert page.inner_text("section.present h3").startswith("<script>document.title")
        box = page.locator("video").bounding_box()
        assert box["height"] > 100
        assert box["y"] >= 0
        assert box["y"] + box["height"] <= 901
        assert page.evaluate("Reveal.getSlideNotes()").count("<li") == 3
        assert page.title() == "Deck"
        page.evaluate("document.querySelector('video').muted = true")
        page.evaluate("document.querySelector('video').play()")
        page.wait_for_function("document.querySelector('video').currentTime > 0.1")


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_the_figure_on_a_page_plays_reads_well_and_runs_nothing(chromium, odd, scheme):  # noqa: F811
    page = odd.folder / f"page-{scheme}.html"
    head = "<meta charset='utf-8'><meta name='color-scheme' content='light dark'><title>Course</title>"
    main = f"<main><h1>Course</h1>{snippet(odd, 'html')}</main>"
    page.write_text(f"<!doctype html><html lang='en'>{head}{main}")
    with visiting(chromium, page, width=360, color_scheme=scheme) as visit:
        visit.page.wait_for_function("document.querySelector('video').readyState >= 1")
        assert visit.page.title() == "Course"
        assert visit.page.inner_text("figcaption") == TITLE
        assert visit.page.evaluate("document.querySelector('video').clientWidth") <= 360
        assert visit.page.evaluate("document.querySelector('video').textTracks.length") == 2
        visit.page.evaluate("document.querySelector('details').open = true")
        assert violations(visit.page) == []
        assert not visit.beyond
