"""A clip cut into its beats, each a file that plays and loops by itself: nothing is encoded again.

Pieces of a clip begin where beats begin (see `scenes._pieces`), and each begins with a key frame: so the
packets between two beats are a clip already, and their frames are the same.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import av

from scenes._bundle import Bundle
from scenes._captions import Cue
from scenes._formats import DamagedPiece, telling, written
from scenes._join import MOV, _like, _reading
from scenes._store import remove

CUT = {".mp4": "mp4", ".webm": "webm", ".mov": "mov"}  # what can be cut, and its container's name


@dataclass(frozen=True)
class Section:
    """A beat of a clip in a file of its own, from frame `first` to before frame `last`."""

    path: Path
    cue: Cue
    first: int
    last: int


def write(bundle: Bundle) -> None:
    """Write `sections/01-a-fixed-table.mp4`, … into a bundle: one for each of its beats.

    A GIF and a folder of pictures have no sections, as neither tells where a beat begins; what an earlier
    clip left there goes. Raises DamagedPiece where the clip is not the bundle's own, OSError where the files
    cannot be written.
    """
    place = bundle.folder / "sections"
    if Path(bundle.clip).suffix not in CUT:
        remove(place)
        return
    with written(place, folder=True) as beside:
        cut(bundle, beside)


def cut(bundle: Bundle, folder: Path) -> list[Section]:
    """Write a bundle's sections into an empty folder.

    Side by side they are the whole clip: what comes before the first beat belongs to it. A beat in which
    nothing was played has no frames, and no section.
    """
    clip = bundle.folder / bundle.clip
    starts = [0, *(round(cue.start * bundle.fps) for cue in bundle.cues[bundle.lang][1:]), bundle.frames]
    beats = zip(pairwise(starts), bundle.cues[bundle.lang], strict=True)
    timed = [(span, cue) for span, cue in beats if span[0] < span[1]]
    names = (f"{i:02d}-{file_name(cue.name)}".strip("-") for i, (_, cue) in enumerate(timed, 1))
    sections = [
        Section(folder / f"{name}{clip.suffix}", cue, *span)
        for name, (span, cue) in zip(names, timed, strict=True)
    ]
    with _reading(clip) as source:
        pictures = list(_packets(clip, source, source.streams.video[0]))
        sounds = [packet for stream in source.streams.audio for packet in _packets(clip, source, stream)]
        if len(pictures) != bundle.frames:
            raise DamagedPiece(clip, f"holds {len(pictures)} frames of {bundle.frames}")
        for section in sections:
            if not pictures[section.first].is_keyframe:
                raise DamagedPiece(
                    clip, f"was encoded again: “{section.cue.name}” begins within a group of its frames"
                )
            begin, end = Fraction(section.first, bundle.fps), Fraction(section.last, bundle.fps)
            heard = [packet for packet in sounds if begin <= packet.pts * packet.time_base < end]
            _copy(section, pictures[section.first : section.last], heard, source, bundle.fps)
    return sections


def _packets(clip: Path, source: Any, stream: Any) -> list[Any]:
    """All packets of a stream, in the order in which they are decoded."""
    try:
        source.seek(0)
        # the last one is empty: it only tells a decoder to give what it holds
        return [packet for packet in source.demux(stream) if packet.size]
    except av.FFmpegError as error:
        raise DamagedPiece(clip, f"cannot be read: {error.strerror}") from None


def _copy(section: Section, pictures: Sequence[Any], sounds: Sequence[Any], source: Any, fps: int) -> None:
    """Write packets as they are, their times counted from the beginning of the section."""
    form = CUT[section.path.suffix]
    options = {"fflags": "+bitexact", **(MOV if form in ("mp4", "mov") else {})}
    held, step = source.streams.video[0], Fraction(1, fps)
    with telling(section.path), av.open(str(section.path), "w", format=form, container_options=options) as to:
        to.metadata.update({"title": section.cue.name, "comment": section.cue.caption})
        stream = _like(to, held)
        heard = {sound.index: to.add_stream_from_template(sound) for sound in source.streams.audio}
        # how many frames the decoder needs ahead
        delay = held.codec_context.reorder_depth
        for number, packet in enumerate(pictures):
            packet.pts = round(packet.pts * packet.time_base * fps) - section.first
            packet.dts, packet.duration = number - delay, 1
            packet.time_base, packet.stream = step, stream
        for packet in sounds:
            late = round(Fraction(section.first, fps) / packet.time_base)
            packet.pts, packet.dts = packet.pts - late, packet.dts - late
            packet.stream = heard[packet.stream.index]
        for packet in sorted([*pictures, *sounds], key=lambda each: each.dts * each.time_base):
            to.mux_one(packet)


def file_name(name: str) -> str:
    """A beat's name in letters that every file system and every learning platform takes, or none at all."""
    plain = unicodedata.normalize("NFKD", name.casefold()).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain)[:40].strip("-")
