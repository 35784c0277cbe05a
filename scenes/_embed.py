"""What a course author pastes where a clip is to be seen, each in the language of its place.

Whatever a film is called, it stays text there: it is escaped for HTML, Markdown, Python or LaTeX.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from unicodedata import category
from urllib.parse import quote

from scenes._bundle import Bundle
from scenes._captions import minutes
from scenes._language import said, speaking
from scenes._look import address, spoken_by_pages, templates
from scenes._page import video_type, whole
from sims._command import Mistyped
from sims._discover import nearest
from sims._file import write_whole

WEB = re.compile(r"https?://", re.IGNORECASE)
OTHER = re.compile(r"[a-z][a-z0-9+.-]+:", re.IGNORECASE)
# what would begin something else than text, in Markdown as MyST reads it
MARKS = re.compile(r"[\\`*_{}\[\]<>#|$~^@&%!]|^[-+:=.]|(?<=^\d)[.)]|(?<=^\d\d)[.)]")
LATEX = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\char34{}",  # which German spelling gives another meaning
    "`": r"\char96\/",  # not to become a quotation mark with the next
    "[": "{[}",
    "]": "{]}",
    "\ufffd": "?",  # which LuaTeX takes for a damaged file
}
UPLOADING = {
    "moodle": "in the editor with “Insert media”, and as its subtitles",
    "canvas": "in the editor with “Upload media”, and as its captions",
}


@dataclass(frozen=True)
class Asked:
    """A snippet that is asked for: of which bundle, for what, and from where the bundle is seen."""

    bundle: Bundle
    target: str
    place: str
    kind: str  # video/mp4; codecs="…"

    @property
    def title(self) -> str:
        return plain(self.bundle.title[self.bundle.lang])

    @property
    def spoken(self) -> list[tuple[str, str, str]]:
        """What is said: minutes, name, words."""
        cues = self.bundle.cues[self.bundle.lang]
        return [(minutes(cue.start), plain(cue.name), plain(cue.caption)) for cue in cues]

    @property
    def web(self) -> bool:
        return bool(WEB.match(self.place))

    @property
    def folder(self) -> str:
        """The place as a path, for what reads files itself."""
        return self.place.rstrip("/") or ("/" if self.place else ".")

    def at(self, name: str) -> str:
        """The address of a file of the bundle."""
        # an address that was copied has its spaces written as %20 already
        kept = "/:?#[]@!$&'()*+,;=~%" if self.web else "/~"
        before = quote(self.place.removesuffix("/"), safe=kept, errors="surrogateescape")
        own = address(name)
        return own if self.place in ("", ".", "./") else f"{before}/{own}"


def snippet(bundle: Bundle, target: str, place: str = "") -> str:
    """What to paste into a `target`; `place` is where the bundle's folder lies as seen from the page there.

    That is a path from the page or a web address; the page lies in the folder itself unless given.
    Raises Mistyped for an unknown target, another kind of address, and a clip that browsers don't play;
    NoBundle where the bundle lacks what it must hold.
    """
    if target not in TARGETS:
        raise Mistyped(f"there is no target {target!r}: {nearest(target, list(TARGETS))}")
    if OTHER.match(place) and not WEB.match(place):
        raise Mistyped(f"a bundle lies at a path or at https://…, not at {place}")
    whole(bundle)
    kind, _ = video_type(bundle)
    if not kind:
        raise Mistyped(f"{bundle.clip} plays in no browser; render it with --format mp4 or webm")
    with speaking(spoken_by_pages(bundle.lang)):
        return TARGETS[target](Asked(bundle, target, place, kind))


def write(bundle: Bundle) -> None:
    """Write embed/TARGET.txt for every target into a bundle; none for a clip that browsers don't play."""
    folder = bundle.folder / "embed"
    if video_type(bundle)[0]:
        folder.mkdir(exist_ok=True)
        for target in TARGETS:
            write_whole(folder / f"{target}.txt", snippet(bundle, target).encode())
    else:
        for target in TARGETS:
            (folder / f"{target}.txt").unlink(missing_ok=True)


def _html(asked: Asked) -> str:
    """A figure with the words to open below it."""
    return _filled("embed-html.html", asked)


def _course(asked: Asked) -> str:
    """The clip's own page where it is on the web, else what to upload; and the words."""
    return _filled("embed-course.html", asked)


def _reveal(asked: Asked) -> str:
    """A slide, with the words as its speaker's notes."""
    return _filled("embed-reveal.html", asked)


def _filled(template: str, asked: Asked) -> str:
    filled = templates().get_template(template)
    return filled.render(asked=asked, bundle=asked.bundle, insert=UPLOADING.get(asked.target)).strip() + "\n"


def _quarto(asked: Asked) -> str:
    """Raw HTML, which alone can hold captions; the poster with a link in other formats."""
    figure = _html(asked)
    # Quarto fills in {{< … >}} within raw HTML too, and three ` would end it
    for mark in "{}`":
        figure = figure.replace(mark, f"&#{ord(mark)};")
    picture, clip = asked.at("clip.png"), asked.at(asked.bundle.clip)
    return (
        f'::: {{.content-visible when-format="html"}}\n```{{=html}}\n{figure}```\n:::\n\n'
        f'::: {{.content-visible unless-format="html"}}\n'
        f"[![{markdown(asked.title)}](<{picture}>)](<{clip}>)\n:::\n"
    )


def _myst(asked: Asked) -> str:
    """A figure that is the clip on a page and the poster in print, and the words to open below it."""
    media = asked.at(asked.bundle.clip) if asked.web else f"{asked.folder}/clip.*"
    lines = [f"- {at} **{markdown(name)}**: {markdown(words)}" for at, name, words in asked.spoken]
    return "\n".join(
        [
            f":::{{figure}} {media}",
            f":alt: {asked.title}",
            "",
            markdown(asked.title),
            ":::",
            "",
            f":::{{dropdown}} {markdown(said('What is said'))}",
            *lines,
            ":::",
            "",
        ]
    )


def _jupyter(asked: Asked) -> str:
    """A cell of code, as notebooks show no captions within Markdown."""
    code = "\n".join(f"    {line!r}" for line in _html(asked).splitlines(keepends=True))
    return f"from IPython.display import HTML\n\nHTML(\n{code}\n)\n"


def _beamer(asked: Asked) -> str:
    """A frame with the poster, which opens the clip, and the words as its note."""
    if not asked.web and re.search(r"[\\{}%#^~$&]", asked.place):
        raise Mistyped(f"LaTeX finds no picture in {asked.place}; give a path without \\ {{ }} % # ^ ~ $ &")
    clip = asked.at(asked.bundle.clip) if asked.web else f"run:{asked.folder}/{asked.bundle.clip}"
    link = re.sub("[%#&]", lambda mark: f"\\{mark[0]}", clip)
    picture = "clip.png" if asked.web else f"{asked.folder}/clip.png"
    size = r"width=\linewidth, height=0.75\textheight, keepaspectratio"
    lines = [rf"    \item {at} \textbf{{{latex(name)}}}: {latex(words)}" for at, name, words in asked.spoken]
    text = asked.title + "".join(name + words for _, name, words in asked.spoken)
    need = ["% for LuaLaTeX or XeLaTeX, with a font that has these letters"] * any(c > "\u2122" for c in text)
    return "\n".join(
        [
            *need,
            rf"\begin{{frame}}{{{latex(asked.title)}}}",
            r"  \centering",
            rf"  \href{{{link}}}{{%",
            rf"    \includegraphics[{size}, alt={{{latex(asked.title)}}}]{{{picture}}}}}",
            r"  \note{\begin{itemize}",
            *lines,
            r"  \end{itemize}}",
            r"\end{frame}",
            "",
        ]
    )


TARGETS: dict[str, Callable[[Asked], str]] = {
    "html": _html,
    "moodle": _course,
    "canvas": _course,
    "quarto": _quarto,
    "myst": _myst,
    "reveal": _reveal,
    "jupyter": _jupyter,
    "beamer": _beamer,
}


def plain(text: str) -> str:
    """Text on one line, without what is no letter nor mark: control codes and halves of letters."""
    kept = (c if c.isspace() or category(c) not in ("Cc", "Cs") else "\ufffd" for c in text)
    return " ".join("".join(kept).split())


def markdown(text: str) -> str:
    """Text as Markdown that reads as this text and nothing else."""
    return MARKS.sub(lambda mark: f"\\{mark[0]}", text)


def latex(text: str) -> str:
    """Text as LaTeX that sets this text and nothing else."""
    # two hyphens would be set as a dash
    return re.sub("-(?=-)", r"-\\/", "".join(LATEX.get(letter, letter) for letter in text))
