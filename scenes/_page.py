"""A clip's own page, `index.html` in its bundle: one file beside the clip, without a server or a network."""

from dataclasses import asdict, dataclass
from glob import escape
from itertools import chain
from math import inf
from pathlib import Path
from typing import Any

import av
from pydantic import TypeAdapter, ValidationError

from scenes._bundle import Bundle, NoBundle
from scenes._captions import Cue, captions, chapters, vtt
from scenes._language import said, speaking
from scenes._look import called, data_address, spoken_by_pages, templates
from sims._file import write_whole

WHOLE = TypeAdapter(Bundle)
TYPES = {".mp4": "video/mp4", ".webm": "video/webm"}
# where a clip can go, as these places write their own names
TARGETS = {
    "html": "HTML",
    "moodle": "Moodle",
    "canvas": "Canvas",
    "quarto": "Quarto",
    "myst": "MyST",
    "reveal": "reveal.js",
    "jupyter": "Jupyter",
    "beamer": "Beamer",
}


@dataclass(frozen=True)
class Track:
    """Captions or chapters as a player takes them; `label` is what its menu shows."""

    kind: str
    lang: str
    label: str
    address: str


@dataclass(frozen=True)
class File:
    """A file of the bundle to take away, with its name within the folder and its bytes."""

    label: str
    path: tuple[str, ...]
    size: int
    lang: str = ""


def write(bundle: Bundle) -> None:
    """Write index.html into the bundle's folder, in the language of the picture.

    What lies in the folder by then is offered on it: the page is written after slides, data and embed codes.
    Raises NoBundle where the bundle or its clip cannot be read.
    """
    whole(bundle)
    lang, (kind, sound) = spoken_by_pages(bundle.lang), video_type(bundle)
    with speaking(lang):
        page = (
            templates()
            .get_template("page.html")
            .render(
                lang=lang,
                bundle=bundle,
                player=player(bundle, kind),
                sound=sound,
                downloads=downloads(bundle),
                embeds=embeds(bundle.folder),
                facts=facts(bundle),
            )
        )
    write_whole(bundle.folder / "index.html", page.encode())


def whole(bundle: Bundle) -> None:
    """Raises NoBundle where a bundle does not hold what it must: words, times and a clip beside it."""
    where = bundle.folder / "provenance.json"
    try:
        WHOLE.validate_python(asdict(bundle))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise NoBundle(f"{where} is not whole: {place}: {first['msg']}") from None
    for what, words in (("title", bundle.title), ("about", bundle.about), ("cues", bundle.cues)):
        missing = {bundle.lang, *bundle.cues} - set(words)
        if missing:
            raise NoBundle(f"{where} is not whole: no {what} in {', '.join(sorted(missing))}")
    spans = [(cue.start, cue.end) for spoken in bundle.cues.values() for cue in spoken]
    for time in chain([bundle.seconds], *spans):
        if not 0 <= time < inf:
            raise NoBundle(f"{where} is not whole: a time is {time}")
    for name in (bundle.clip, *bundle.cues, *(sim.trajectory for sim in bundle.simulations.values())):
        if Path(name).name != name:
            raise NoBundle(f"{where} is not whole: “{name}” is no name of a file")
    if not (bundle.folder / bundle.clip).exists():
        raise NoBundle(f"{bundle.folder} holds no clip “{bundle.clip}”; render the film again")


def video_type(bundle: Bundle) -> tuple[str, bool]:
    """What kind of video the clip is, as in video/mp4; codecs="avc1.64001f", and whether it has sound.

    The kind is empty where browsers don't play it: ProRes, GIF, single pictures.
    """
    clip = bundle.folder / bundle.clip
    if clip.suffix not in TYPES:
        return "", False
    try:
        with av.open(str(clip)) as opened:
            spoken = bool(opened.streams.audio)
            codecs = [codec(stream) for stream in (*opened.streams.video, *opened.streams.audio)]
    except (OSError, av.FFmpegError) as error:
        raise NoBundle(f"{clip} cannot be read: {error.strerror}; render the film again") from None
    return f'{TYPES[clip.suffix]}; codecs="{", ".join(codecs)}"', spoken


def codec(stream: Any) -> str:
    """A stream's codec as browsers name it (RFC 6381)."""
    context = stream.codec_context
    match context.name:
        case "h264":
            # after its version the header tells profile, what it keeps to, and level
            return f"avc1.{bytes(context.extradata)[1:4].hex()}"
        case "aac":
            return "mp4a.40.2"
        case name:
            return str(name)


def player(bundle: Bundle, kind: str) -> dict[str, Any]:
    """What the player is made of; files relative to the bundle's folder, captions within the page.

    No caption is on from the start: what is said stands in the picture already, in one language.
    """
    tracks = [
        Track(what, lang, called(lang), data_address(vtt(lines(spoken)).encode(), "text/vtt"))
        for lang, spoken in bundle.cues.items()
        for what, lines in (("captions", captions), ("chapters", chapters))
    ]
    poster = next((n for n in ("clip.webp", "clip.png") if (bundle.folder / n).exists()), None)
    return {"clip": bundle.clip, "type": kind, "tracks": tracks, "poster": poster}


def downloads(bundle: Bundle) -> dict[str, list[File]]:
    """What there is to take away, by heading, in the order in which a course author looks for it."""
    words = [
        (what.format(escape(lang)), label, lang)
        for lang in bundle.cues
        for what, label in (
            ("clip.{}.vtt", said("Captions, WebVTT")),
            ("clip.{}.srt", said("Captions, SRT")),
            ("chapters.{}.vtt", said("Chapters")),
            ("transcript.{}.md", said("Transcript")),
        )
    ]
    groups = {
        said("Clip"): [
            (escape(bundle.clip), said("Clip"), ""),
            ("clip.png", said("Poster, PNG"), ""),
            ("clip.webp", said("Poster, WebP"), ""),
        ],
        said("Teaching"): [
            ("explore.html", said("Explore it yourself"), ""),
            ("explore.mjs", said("The same as a module"), ""),
            ("slides.html", said("Slides for the browser"), ""),
            ("slides.pptx", said("Slides for PowerPoint"), ""),
        ],
        said("Words"): words,
        said("Data"): [
            *((escape(sim.trajectory), name, "") for name, sim in bundle.simulations.items()),
            ("provenance.json", said("Provenance"), ""),
        ],
        said("One clip for each beat"): [("sections/*.*", "", "")],
    }
    found = {
        heading: [file for row in rows for file in files(bundle.folder, *row)]
        for heading, rows in groups.items()
    }
    return {heading: each for heading, each in found.items() if each}


def files(folder: Path, pattern: str, label: str, lang: str) -> list[File]:
    """The files of a bundle that a pattern names; one without a label goes by its own name."""
    return [
        File(label or path.stem, path.relative_to(folder).parts, path.stat().st_size, lang)
        for path in sorted(folder.glob(pattern))
        if path.is_file()
    ]


def embeds(folder: Path) -> list[tuple[str, str]]:
    """Where a clip can go, and what to paste there: what lies in the bundle's folder `embed`."""
    order = list(TARGETS)
    found = sorted(
        (path for path in (folder / "embed").glob("*") if path.is_file()),
        key=lambda path: (order.index(path.stem) if path.stem in order else len(order), path.name),
    )
    try:
        return [(TARGETS.get(path.stem, path.stem), path.read_text(encoding="utf-8")) for path in found]
    except ValueError as error:
        raise NoBundle(f"{folder / 'embed'} holds a text that is damaged: {error}") from None


def facts(bundle: Bundle) -> dict[str, Any]:
    """What search engines and catalogues of courses read: schema.org, in JSON-LD."""
    lang = bundle.lang

    def part(cue: Cue) -> dict[str, Any]:
        times = {"startOffset": round(cue.start, 3), "endOffset": round(cue.end, 3)}
        return {"@type": "Clip", "name": cue.name, **times, "url": f"index.html#t={cue.start:.3f}"}

    spoken = bundle.cues[lang]
    calm = bundle.checks is not None and bundle.checks.flashing.passes
    hazards = {"accessibilityHazard": "noFlashingHazard"} if calm else {}
    return {
        "@context": "https://schema.org",
        "@type": ["VideoObject", "LearningResource"],
        "name": bundle.title[lang],
        "description": bundle.about[lang],
        "inLanguage": lang,
        "learningResourceType": "explanatory film",
        "isAccessibleForFree": True,
        "contentUrl": bundle.clip,
        "thumbnailUrl": "clip.png",
        "duration": f"PT{bundle.seconds:.3f}S",
        "width": bundle.width,
        "height": bundle.height,
        "transcript": "\n".join(cue.caption for cue in spoken),
        **hazards,
        "accessMode": ["visual", "textual", *(["auditory"] if bundle.voice else [])],
        "accessModeSufficient": ["visual", "textual"],
        "accessibilityFeature": ["captions", "transcript", "structuralNavigation"],
        "hasPart": [part(cue) for cue in spoken],
    }
