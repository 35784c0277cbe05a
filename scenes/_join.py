"""From pieces to one clip: packets are copied as they are, in order, with chapters and labels."""

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Any

import av

from scenes._formats import DamagedPiece, Format, telling, written

Chapter = tuple[float, float, str]  # begin and end in seconds, title
Held = tuple[Path, int | None]  # a piece, and how many frames it was to hold

# tags under their own names, the index in front, colours told in the container too
MOV = {"movflags": "+faststart+use_metadata_tags+write_colr"}
HUNDREDTH = Fraction(1, 100)
GIF_FASTEST = 50  # browsers show a delay under two hundredths as ten


def join(
    pieces: Sequence[Path],
    path: Path,
    form: Format,
    fps: int,
    *,
    frames: Sequence[int] | None = None,
    tags: Mapping[str, str] | None = None,
    chapters: Sequence[Chapter] = (),
) -> int:
    """Make one clip of pieces in their order, beside `path` and then in its place; returns its frames.

    No frame is encoded again, but for GIF. `frames` are how many each piece was to hold: a file that was cut
    off may read like a whole one of fewer. `tags` such as title, comment and provenance, and chapters, go
    where the container has room for them: MP4, WebM and MOV; not into GIF and pictures. The clip's bytes
    depend on the pieces and on nothing else.

    A GIF tells each picture's time in hundredths of a second. Up to 50 frames a second each frame begins at
    the hundredth nearest to its time, so that 30 a second are shown for 3, 4, 3 hundredths in turn. Above,
    the clip has 50 pictures a second, and each is the frame nearest to its time: some frames are left out.

    Raises DamagedPiece naming the piece, OSError where the clip cannot be written.
    """
    if not pieces:
        raise ValueError(f"{path.name} has no pieces")
    held = list(zip(pieces, frames or [None] * len(pieces), strict=True))
    with written(path, form.folder) as beside:
        if form.folder:
            return _gather(held, beside, path)
        if form.clip == "gif":
            return _animate(held, beside, path, fps)
        return _copy(held, beside, path, form, fps, tags or {}, chapters)


def _copy(
    pieces: Sequence[Held],
    beside: Path,
    path: Path,
    form: Format,
    fps: int,
    tags: Mapping[str, str],
    chapters: Sequence[Chapter],
) -> int:
    options = {"fflags": "+bitexact", **(MOV if form.clip in ("mp4", "mov") else {})}
    step, count, first = Fraction(1, fps), 0, None
    with telling(path), av.open(str(beside), "w", format=form.clip, container_options=options) as clip:
        clip.metadata.update(tags)
        clip.set_chapters(_chapters(chapters))
        stream: Any = None
        for piece, meant in pieces:
            begin = count
            with _reading(piece) as source:
                held = source.streams.video[0]
                if stream is None:
                    stream, first = _like(clip, held), _settings(held)
                if _settings(held) != first:
                    raise DamagedPiece(piece, f"was encoded with other settings than {pieces[0][0].name}")
                # how many frames the decoder needs ahead, the same in every piece
                delay = held.codec_context.reorder_depth
                for packet in _packets(piece, source, meant):
                    packet.pts = begin + round(packet.pts * packet.time_base * fps)
                    packet.dts, packet.duration = count - delay, 1
                    packet.time_base, packet.stream = step, stream
                    clip.mux_one(packet)
                    count += 1
    return count


def _like(clip: Any, held: Any) -> Any:
    stream = clip.add_stream_from_template(held)
    stream.time_base = 1 / held.average_rate
    # a WebM that doesn't tell its rate leaves it to be guessed, from one frame not at all
    stream.codec_context.framerate = held.average_rate
    if clip.format.name == "mov":
        # which of the ProRes it is stands nowhere else
        stream.codec_context.codec_tag = held.codec_context.codec_tag
    # tells a player of WebM that the alpha is there
    stream.metadata.update({k: v for k, v in held.metadata.items() if k == "alpha_mode"})
    return stream


def _settings(stream: Any) -> tuple[object, ...]:
    context = stream.codec_context
    return context.name, context.width, context.height, context.extradata, stream.average_rate


def _chapters(chapters: Sequence[Chapter]) -> list[Any]:
    return [
        {
            "id": i,
            "start": round(begin * 1000),
            "end": round(end * 1000),
            "time_base": Fraction(1, 1000),
            "metadata": {"title": title},
        }
        for i, (begin, end, title) in enumerate(chapters, 1)
    ]


def _reading(piece: Path) -> Any:
    try:
        source = av.open(str(piece))
    except (OSError, av.FFmpegError) as error:
        raise DamagedPiece(piece, f"cannot be read: {error.strerror}") from None
    if not source.streams.video or source.streams.video[0].codec_context is None:
        source.close()
        raise DamagedPiece(piece, "has no pictures")
    return source


def _packets(piece: Path, source: Any, meant: int | None) -> Iterator[Any]:
    """The packets of a piece, one for each frame."""
    count = 0
    try:
        for packet in source.demux(source.streams.video[0]):
            # the last one is empty: it only tells a decoder to give what it holds
            if packet.size:
                yield packet
                count += 1
    except av.FFmpegError as error:
        raise DamagedPiece(piece, f"cannot be read: {error.strerror}") from None
    _check(piece, count, meant)


def _check(piece: Path, count: int, meant: int | None) -> None:
    if meant is not None and count != meant:
        raise DamagedPiece(piece, f"holds {count} frames of {meant}")


def _gather(pieces: Sequence[Held], beside: Path, path: Path) -> int:
    """Every piece's pictures in one folder, numbered through; links where possible, which cost no space."""
    pictures: list[Path] = []
    for piece, meant in pieces:
        found = sorted(piece.glob("*.png"))
        _check(piece, len(found), meant)
        pictures += found
    digits = max(6, len(str(len(pictures))))
    with telling(path):
        for number, picture in enumerate(pictures, 1):
            name = beside / f"{number:0{digits}d}.png"
            try:
                os.link(picture, name)
            except OSError:
                shutil.copyfile(picture, name)
    return len(pictures)


def hundredth(number: int, fps: int) -> int | None:
    """When a GIF shows frame `number`, in hundredths of a second; None where it leaves the frame out."""
    if fps <= GIF_FASTEST:
        return round(Fraction(100 * number, fps))
    shown = round(Fraction(number * GIF_FASTEST, fps))
    nearest = round(Fraction(shown * fps, GIF_FASTEST))
    return shown * (100 // GIF_FASTEST) if number == nearest else None


def _shown(pieces: Sequence[Held], fps: int) -> Iterator[Any]:
    """The frames that a GIF shows, with their times."""
    number = 0
    for piece, meant in pieces:
        with _reading(piece) as source:
            for packet in _packets(piece, source, meant):
                for frame in _decoded(piece, packet):
                    frame.pts, frame.time_base = hundredth(number, fps), HUNDREDTH
                    number += 1
                    if frame.pts is not None:
                        yield frame


def _decoded(piece: Path, packet: Any) -> Any:
    try:
        return packet.decode()
    except av.FFmpegError as error:
        raise DamagedPiece(piece, f"cannot be read: {error.strerror}") from None


def _animate(pieces: Sequence[Held], beside: Path, path: Path, fps: int) -> int:
    """A palette for all frames in a first pass, the pictures in a second: memory stays flat."""
    with _reading(pieces[0][0]) as source:
        context = source.streams.video[0].codec_context
        film = {"width": context.width, "height": context.height, "format": context.format}
    graph, count, last = av.filter.Graph(), 0, 0
    given = graph.add_buffer(**film, time_base=HUNDREDTH)
    graph.link_nodes(given, graph.add("palettegen"), graph.add("buffersink")).configure()
    for frame in _shown(pieces, fps):
        given.push(frame)
        count, last = count + 1, frame.pts
    given.push(None)
    palette = graph.vpull()
    end = hundredth(count, min(fps, GIF_FASTEST)) or 0
    options = {"fflags": "+bitexact", "loop": "0", "final_delay": str(max(end - last, 2))}
    with telling(path), av.open(str(beside), "w", format="gif", container_options=options) as clip:
        stream = clip.add_stream("gif", rate=100)
        stream.width, stream.height, stream.pix_fmt = film["width"], film["height"], "pal8"
        stream.codec_context.time_base = HUNDREDTH
        for painted in _painted(_shown(pieces, fps), film, palette):
            clip.mux(stream.encode(painted))
        clip.mux(stream.encode(None))
    return count


def _painted(frames: Iterator[Any], film: dict[str, Any], palette: Any) -> Iterator[Any]:
    """Frames in the colours of a palette: each pixel takes the nearest, as dots would flicker."""
    graph = av.filter.Graph()
    given = graph.add_buffer(**film, time_base=HUNDREDTH)
    colours = graph.add_buffer(
        width=palette.width, height=palette.height, format=palette.format, time_base=HUNDREDTH
    )
    painting, sink = graph.add("paletteuse", "dither=none"), graph.add("buffersink")
    given.link_to(painting, 0, 0)
    colours.link_to(painting, 0, 1)
    painting.link_to(sink)
    graph.configure()
    palette.pts, palette.time_base = 0, HUNDREDTH
    colours.push(palette)
    colours.push(None)
    for frame in chain(frames, [None]):
        given.push(frame)
        with suppress(av.BlockingIOError, av.EOFError):
            while True:
                yield sink.pull()
