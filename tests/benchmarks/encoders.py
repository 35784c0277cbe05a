"""Our frames on their way to a file, whole or one part of the way alone.

The floor of every film are frames that lie ready in the encoder's own format, and nothing but encoding.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from copy import copy
from fractions import Fraction
from pathlib import Path
from time import perf_counter
from typing import Any

import av
from manim import Scene

from benchmarks.stock import Enough, Pixels, clocked
from scenes import _render
from scenes._encode import Piece
from scenes._film import Film
from scenes._formats import FORMATS
from scenes._paint import Painter

FINAL = FORMATS["mp4"].settings(False)
SWIFT = FORMATS["mp4"].settings(True)


def _writes(path: Path, quality: _render.Quality, options: Mapping[str, str]) -> tuple[Any, Any]:
    container = av.open(str(path), "w")
    stream: Any = container.add_stream("libx264", rate=quality.fps, options=dict(options))
    stream.width, stream.height, stream.pix_fmt = quality.width, quality.height, "yuv420p"
    stream.codec_context.thread_count = 1
    return container, stream


def encode(
    frames: Sequence[av.VideoFrame], path: Path, quality: _render.Quality, options: Mapping[str, str]
) -> float:
    """The seconds that one thread takes to encode ready frames."""
    began = perf_counter()
    container, stream = _writes(path, quality, options)
    for k, frame in enumerate(frames):
        frame.pts, frame.time_base = k, Fraction(1, quality.fps)
        container.mux(stream.encode(frame))
    container.mux(stream.encode(None))
    container.close()
    return perf_counter() - began


def gather(
    kind: type[Film], stretches: Sequence[range], quality: _render.Quality, folder: Path
) -> list[Path]:
    """Our frames of some stretches of a film, without loss on disk, as memory would not hold them."""
    paths = [folder / f"{kind.__name__}-{stretch.start}.mp4" for stretch in stretches]
    writers = [_writes(path, quality, {"preset": "ultrafast", "qp": "0"}) for path in paths]

    def keep(k: int, painter: Painter, scene: Scene) -> None:
        i = next(i for i, stretch in enumerate(stretches) if k in stretch)
        frame = av.VideoFrame.from_ndarray(painter.pixels, format="bgra").reformat(format="yuv420p")
        frame.pts, frame.time_base = k - stretches[i].start, Fraction(1, quality.fps)
        container, stream = writers[i]
        container.mux(stream.encode(frame))

    wanted = {k for stretch in stretches for k in stretch}
    _render.play(kind, quality=quality, wanted=wanted, last=max(wanted), sink=keep)
    for container, stream in writers:
        container.mux(stream.encode(None))
        container.close()
    return paths


def ready(path: Path) -> list[av.VideoFrame]:
    """The frames of such a file, in memory."""
    with av.open(str(path)) as container:
        frames = list(container.decode(video=0))
    for frame in frames:
        frame.pict_type = 0  # else the encoder would follow the kinds of the file's frames
    return frames


def played(
    kind: type[Film],
    stretch: range,
    quality: _render.Quality,
    sink: _render.Sink = lambda k, painter, scene: None,
    draw: bool = True,
) -> float:
    """The seconds that our renderer takes for a stretch of a film, whatever becomes of the frames."""
    kind, began = clocked(kind, stretch.start)

    def until_the_last(k: int, painter: Painter, scene: Scene) -> None:
        sink(k, painter, scene)
        if k == stretch[-1]:
            raise Enough

    with suppress(Enough):
        _render.play(kind, quality=quality, wanted=stretch, sink=until_the_last, draw=draw)
    return perf_counter() - began[0]


def ours(
    kind: type[Film], stretch: range, path: Path, quality: _render.Quality, swift: bool = False
) -> float:
    """The seconds that our renderer and encoder take for a stretch of a film, up to the finished file."""
    with Piece(path, quality.width, quality.height, quality.fps, FORMATS["mp4"], swift) as piece:
        drawn = played(
            kind, stretch, quality, lambda k, painter, scene: piece.write(painter.pixels, painter.changed)
        )
        began = perf_counter()
    return drawn + perf_counter() - began


def fed(kind: type[Film], stretch: range, path: Path, quality: _render.Quality, swift: bool = False) -> float:
    """The seconds that our encoder takes, up to the finished file, for a stretch that is painted already."""
    painted: list[tuple[Pixels, Any]] = []

    def keep(k: int, painter: Painter, scene: Scene) -> None:
        same = painted and painter.changed is None
        painted.append((painted[-1][0] if same else painter.pixels.copy(), copy(painter.changed)))

    played(kind, stretch, quality, keep)
    began = perf_counter()
    with Piece(path, quality.width, quality.height, quality.fps, FORMATS["mp4"], swift) as piece:
        for pixels, changed in painted:
            piece.write(pixels, changed)
    return perf_counter() - began
