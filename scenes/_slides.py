"""A film as slides, one for each beat: a page for a browser, and a PowerPoint file.

A slide plays its beat and stops on the last frame; the next key goes on. manim-slides' converters make both
from the film's sections. The page is drawn from our own template, with reveal.js in it, as theirs has no
language, forbids zoom and fetches from the network; `scenes._deck` puts the PowerPoint file right.
"""

import tempfile
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import av
import numpy as np
from manim_slides.config import PresentationConfig, SlideConfig
from manim_slides.convert import RevealJS
from PIL import Image

from scenes import _deck
from scenes._bundle import Bundle
from scenes._captions import Cue, minutes
from scenes._formats import DamagedPiece, telling, written
from scenes._language import said, speaking
from scenes._sections import Section, cut
from scenes._store import remove
from scenes._theme import THEMES
from sims._file import write_whole

PAGES = Path(__file__).parent / "pages"
REVEAL = "6.0.2"  # the version of slides-reveal*, as npm has them
LATE = (0.4, 0.5, 0.6, 0.75, 0.9)  # shares of a beat, when its picture is built up and has not left
SEEN = 16  # levels of 256 by which a place differs from its ground


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
    poster: Image.Image
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
    licence: str  # of reveal.js, which goes wherever it goes
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
    licence = (PAGES / "slides-reveal.LICENSE").read_text(encoding="utf-8")
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
        beats=[vars(each) | {"poster": address(each.poster)} for each in beats],
        style="\n".join(path.read_text(encoding="utf-8") for path in styles),
        licence=licence,
        scripts=[path.read_text(encoding="utf-8") for path in scripts],
    )


def beat(bundle: Bundle, sections: list[Section], number: int, silent: bool) -> Beat:
    """What the slide of a section shows and tells."""
    section, seconds = sections[number], (sections[number].last - sections[number].first) / bundle.fps
    cue, at = section.cue, bundle.cues[bundle.lang].index(section.cue)
    here = bundle.lang
    others = [(lang, spoken[at]) for lang, spoken in bundle.cues.items() if lang != here]
    notes = [Note(here, f"{minutes(cue.start)} {cue.caption}")]
    notes += [Note(lang, f"{each.name}: {each.caption}") for lang, each in others]
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
    return Beat(cue.name, cue.caption, seconds, fullest(section), tuple(notes))


def loops(cue: Cue) -> bool:
    """Whether a beat plays until one goes on."""
    return getattr(cue, "loops", False)


def fullest(section: Section) -> Image.Image:
    """A picture that stands for a beat: of five late in it, that with the most to see."""
    wanted = {int((section.last - section.first) * share) for share in LATE}
    found, most = None, -1.0
    for number, frame in enumerate(frames(section.path)):
        if number in wanted:
            ink = inked(frame)
            if ink >= most:
                found, most = frame, ink
        if number == max(wanted):
            break
    if found is None:
        raise DamagedPiece(section.path, "has no frames")
    clear = found.format.name.startswith("yuva")
    return Image.fromarray(found.to_ndarray(format="rgba" if clear else "rgb24"))


def frames(clip: Path) -> Iterator[Any]:
    """The decoded frames of a clip."""
    with av.open(str(clip)) as source:
        stream: Any = source.streams.video[0]
        decoder = stream.codec_context
        if decoder.name == "vp9":
            # FFmpeg's own decoder leaves out the transparency
            decoder = av.CodecContext.create("libvpx-vp9", "r")
        decoder.thread_type = "AUTO"
        for packet in source.demux(stream):
            yield from decoder.decode(packet if packet.size else None)


def inked(frame: Any) -> float:
    """The share of a picture that is lighter or darker than its corner, which is ground."""
    plane = frame.planes[0]
    light = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)[: plane.height, : plane.width]
    return float((np.abs(light.astype(np.int16) - light[0, 0]) > SEEN).mean())


def is_silent(clip: Path) -> bool:
    """Whether a clip has no sound track."""
    with av.open(str(clip)) as source:
        return not source.streams.audio


def address(picture: Image.Image) -> str:
    """A picture as the data: address of a WebP, its ground as the clip has it."""
    data = BytesIO()
    picture.save(data, "WEBP", quality=95)
    return f"data:image/webp;base64,{b64encode(data.getvalue()).decode()}"
