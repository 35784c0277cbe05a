"""A film as slides, one for each beat: a page for a browser, and a PowerPoint file.

A slide plays its beat and stops on the last frame; the next key goes on. manim-slides' converters make both
from the film's sections. The page is drawn from our own template, with reveal.js in it, as theirs has no
language, forbids zoom and fetches from the network; `scenes._deck` puts the PowerPoint file right.
"""

import tempfile
from base64 import b64encode
from dataclasses import asdict, dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import av
from manim_slides.config import PresentationConfig, SlideConfig
from manim_slides.convert import RevealJS
from PIL import Image

from scenes import _deck
from scenes._bundle import Bundle
from scenes._captions import Cue, minutes
from scenes._formats import telling, written
from scenes._language import said, speaking
from scenes._pictures import webp
from scenes._sections import Section, cut
from scenes._store import remove
from scenes._theme import THEMES
from sims._trajectory import write_whole

PAGES = Path(__file__).parent / "pages"
REVEAL = "6.0.2"  # the version of slides-reveal*, as npm has them
BUILT_UP = 0.75  # of a beat, when its picture is built up and nothing has left


@dataclass(frozen=True)
class Note:
    """A line for whoever speaks, in a language."""

    lang: str
    text: str


@dataclass(frozen=True)
class Beat:
    """What a slide shows and tells, besides its section."""

    name: str
    caption: str
    seconds: float
    poster: bytes  # PNG
    notes: tuple[Note, ...]


class Page(RevealJS):
    """manim-slides' page with what our template needs besides."""

    lang: str
    about: str
    silent: bool
    colours: dict[str, str]
    said: dict[str, str]
    beats: list[dict[str, Any]]
    style: str
    scripts: list[str]


def write(bundle: Bundle) -> None:
    """Write `slides.html` and `slides.pptx` into a bundle.

    Browsers play MP4 and WebM, PowerPoint everywhere MP4 only; of other clips there are no slides, and what
    an earlier clip left there goes. Raises DamagedPiece where the clip is not the bundle's own, OSError where
    a file cannot be written.
    """
    suffix, page, deck = (
        Path(bundle.clip).suffix,
        bundle.folder / "slides.html",
        bundle.folder / "slides.pptx",
    )
    if suffix not in (".mp4", ".webm"):
        remove(page)
    if suffix != ".mp4":
        remove(deck)
    if suffix not in (".mp4", ".webm"):
        return
    with tempfile.TemporaryDirectory(prefix="learning-dynamics-") as place, speaking(bundle.lang):
        sections = cut(bundle, Path(place))
        silent = is_silent(sections[0].path)
        beats = [beat(bundle, sections, number, silent) for number in range(len(sections))]
        slides = PresentationConfig(
            slides=[
                SlideConfig(
                    file=section.path,
                    rev_file=section.path,
                    loop=loops(section.cue),
                    notes="\n".join(note.text for note in each.notes),
                )
                for section, each in zip(sections, beats, strict=True)
            ],
            resolution=(bundle.width, bundle.height),
            background_color=THEMES[bundle.theme].ground,
        )
        with written(page) as beside, telling(page):
            paged(bundle, slides, beats, silent).convert_to(beside)
        if suffix == ".mp4":
            write_whole(deck, _deck.made(bundle, slides, beats))


def paged(bundle: Bundle, slides: PresentationConfig, beats: list[Beat], silent: bool) -> Page:
    """The page, ready to be converted."""
    styles = [PAGES / name for name in ("slides-reveal.css", "slides.css")]
    scripts = [PAGES / name for name in ("slides-reveal.js", "slides-reveal-notes.js", "slides.js")]
    return Page(
        presentation_configs=[slides],
        template=PAGES / "slides.html",
        one_file=True,
        title=bundle.title[bundle.lang],
        about=bundle.about[bundle.lang],
        lang=bundle.lang,
        width=bundle.width,
        height=bundle.height,
        silent=silent,
        colours=asdict(THEMES[bundle.theme]),
        said={
            "back": said("Back"),
            "play": said("Play or pause"),
            "next": said("Next"),
            "notes": said("Speaker notes"),
            "full": said("Full screen"),
        },
        beats=[asdict(each) | {"poster": address(webp(each.poster))} for each in beats],
        style="\n".join(path.read_text(encoding="utf-8") for path in styles),
        scripts=[path.read_text(encoding="utf-8") for path in scripts],
    )


def beat(bundle: Bundle, sections: list[Section], number: int, silent: bool) -> Beat:
    """What the slide of a section shows and tells."""
    section, seconds = sections[number], (sections[number].last - sections[number].first) / bundle.fps
    cue, at = section.cue, bundle.cues[bundle.lang].index(section.cue)
    spoken = [(lang, each[at]) for lang, each in bundle.cues.items()]
    notes = [Note(lang, f"{minutes(each.start)} {each.name}: {each.caption}") for lang, each in spoken]
    here = bundle.lang
    if number == 0:
        notes.insert(0, Note(here, bundle.about[here]))
        notes += [Note(here, said("The film has no sound."))] * silent
    if loops(cue):
        notes.append(Note(here, said("This plays again and again until you go on.")))
    else:
        length = said("This plays for {seconds:.0f} seconds, then waits for you.", seconds=seconds)
        notes.append(Note(here, length))
    if section is sections[-1]:
        notes.append(Note(here, f"{said('What made this film:')} {bundle.command}"))
    late = int((section.last - section.first) * BUILT_UP)
    return Beat(cue.name, cue.caption, seconds, picture(section.path, late), tuple(notes))


def loops(cue: Cue) -> bool:
    """Whether a beat plays until one goes on."""
    return getattr(cue, "loops", False)


def picture(clip: Path, number: int) -> bytes:
    """A frame of a clip as a PNG."""
    with av.open(str(clip)) as source:
        stream: Any = source.streams.video[0]
        decoder = stream.codec_context
        if decoder.name == "vp9":
            # FFmpeg's own decoder leaves out the transparency
            decoder = av.CodecContext.create("libvpx-vp9", "r")
        time = round(number / stream.average_rate / stream.time_base)
        source.seek(time, stream=stream)
        for packet in source.demux(stream):
            for frame in decoder.decode(packet if packet.size else None):
                # WebM tells times in thousandths
                if frame.pts >= time - 1:
                    clear = "a" in frame.format.name.removeprefix("yuv")
                    data = BytesIO()
                    Image.fromarray(frame.to_ndarray(format="rgba" if clear else "rgb24")).save(data, "PNG")
                    return data.getvalue()
    raise ValueError(f"{clip.name} has no frame {number}")


def is_silent(clip: Path) -> bool:
    """Whether a clip has no sound track."""
    with av.open(str(clip)) as source:
        return not source.streams.audio


def address(picture: bytes) -> str:
    """A WebP as a data: address."""
    return f"data:image/webp;base64,{b64encode(picture).decode()}"
