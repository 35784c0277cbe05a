"""From frames to pieces of a clip, each encoded on its own; `scenes._join` makes one clip of them.

Cairo's pixels come in as they lie in its surface; only what changed is converted. Drawing goes on while a
thread encodes, which does little else: it waits for Python's lock with every step that it takes.
"""

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any

import av
import numpy as np
from av.video.reformatter import (
    ColorRange,
    Colorspace,
    Interpolation,
    VideoReformatter,
)
from numpy.typing import NDArray
from PIL import Image

from scenes._formats import Format, require, telling, written
from scenes._tiles import Mask, grid

Pixels = NDArray[np.uint8]
Tiles = NDArray[Any]  # (tiles, lines), each element the bytes of a tile's line

AHEAD = 3  # frames drawn before the encoder has taken them: drawing and encoding overlap, memory stays flat


class Piece:
    """A run of consecutive frames, encoded on its own: with Piece(...) as piece: piece.write(pixels, None).

    It is written beside `path` and takes its place when whole; after any exception nothing is left. Two
    pieces of the same format, size and rate can be joined without encoding again.

    Raises ValueError for an odd size, OSError where the file cannot be written or the encoder is missing;
    an error of the encoding thread comes out of a later `write` or of the end of the block.
    """

    def __init__(
        self, path: Path, width: int, height: int, fps: int, form: Format, swift: bool = False
    ) -> None:
        if width < 2 or height < 2 or width % 2 or height % 2:
            raise ValueError(f"{path.name} must be of even width and height, not {width}×{height}")
        require(form)
        self.path, self.width, self.height, self.fps = path, width, height, fps
        self.form, self.swift = form, swift
        self.frames = 0
        self._encoding: deque[Future[None]] = deque()
        self._failed = False

    def __enter__(self) -> "Piece":
        self._open = self._opened()
        self._open.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.__exit__(kind, error, trace)

    @contextmanager
    def _opened(self) -> Iterator[None]:
        with written(self.path, self.form.folder) as beside:
            with telling(self.path):
                sink = _Folder(beside, self) if self.form.folder else _Stream(beside, self)
            self._sink: _Folder | _Stream = sink
            self._picture = Picture(self.width, self.height, self.form)
            self._thread = ThreadPoolExecutor(1, "encoder")
            try:
                yield
                if not self.frames:
                    raise ValueError(f"{self.path.name} has no frames")
                with telling(self.path):
                    while self._encoding:
                        self._encoding.popleft().result()
                    sink.finish()
            finally:
                # after an error or Ctrl-C what waits is dropped; the frame in work is awaited
                self._thread.shutdown(cancel_futures=True)
                sink.close()

    def write(self, pixels: Pixels, changed: Mask | None) -> None:
        """Add a frame: BGRA (height, width, 4), premultiplied, copied before this returns.

        Only tiles that `changed` (see `scenes._tiles`) may differ from the frame before; None: it is the same
        picture again. The first frame is taken whole.
        """
        if pixels.shape != (self.height, self.width, 4):
            raise ValueError(f"a frame of shape {pixels.shape} in a piece of {self.width}×{self.height}")
        while len(self._encoding) >= AHEAD:
            with telling(self.path):
                self._encoding.popleft().result()
        if not self.frames:
            changed = np.ones(self._picture.grid.shape, bool)
        patches = [] if changed is None else self._picture.converted(pixels, changed)
        self._encoding.append(self._thread.submit(self._encode, self.frames, patches))
        self.frames += 1

    def _encode(self, number: int, patches: "list[Patch]") -> None:
        if self._failed:
            return  # FFmpeg crashes where a file that failed once, as on a full disk, is written to again
        self._failed = True
        self._picture.put(patches)
        self._sink.encode(number, self._picture.frame)
        self._failed = False


@dataclass(frozen=True)
class Patch:
    """Tiles in the encoder's own format: their rows and columns, and of each plane (tiles, lines)."""

    row: NDArray[np.intp]
    column: NDArray[np.intp]
    planes: list[Tiles]


class Picture:
    """The present frame in the encoder's own format, of which only some tiles are put anew.

    Limited range, and the matrix that the format tells; each chroma sample is the mean of its four pixels.
    Tiles are converted side by side, as many as make a strip as wide as the picture: whatever the change,
    the converter sees pictures of one size, small enough for a processor's cache.
    """

    MATRIX = {"smpte170m": Colorspace.SMPTE170M, "bt709": Colorspace.ITU709}

    # the mean of the pixels, and no shortcut of one processor in its rounding
    SCALING = Interpolation.AREA | Interpolation.BITEXACT
    # lines more than a strip's: swscale rounds the last line of a picture apart
    MARGIN = 2

    def __init__(self, width: int, height: int, form: Format) -> None:
        self.form, self.grid = form, grid(width, height)
        self.converter = VideoReformatter()
        self.frame = av.VideoFrame(width, height, form.pixels)
        self.planes = _planes(self.frame)
        self._cut = [self.grid.cut(plane.view(np.uint8)) for plane in self.planes]
        self._strip = np.zeros((self.grid.down + self.MARGIN, 4 * width), np.uint8)
        self._places = self._strip[: self.grid.down].view(f"V{4 * self.grid.across}")

    def put(self, patches: list[Patch]) -> None:
        """Put converted tiles in their places."""
        for patch in patches:
            for mine, new in zip(self._cut, patch.planes, strict=True):
                mine[patch.row, :, patch.column] = new

    def converted(self, pixels: Pixels, changed: Mask) -> list[Patch]:
        """The tiles that changed of a frame, BGRA (height, width, 4)."""
        row, column = changed.nonzero()
        tiles = self.grid.cut(pixels.reshape(len(pixels), -1))[row, :, column]
        each = tiles.view(np.uint8).reshape(*tiles.shape, self.grid.across, 4)
        if self.form.pixels == "yuva420p":
            spread(each)
        if self.form.alpha:
            straighten(each)
        if self.form.pixels in ("bgr0", "bgra"):
            return [Patch(row, column, [tiles])]
        patches = []
        for first in range(0, len(tiles), self.grid.columns):
            some = slice(first, first + self.grid.columns)
            count = len(tiles[some])
            self._places[:, :count] = tiles[some].T
            planes = [
                plane.view(np.uint8)[: mine.shape[1]].view(mine.dtype)[:, :count].T
                for mine, plane in zip(self._cut, _planes(self._converted()), strict=True)
            ]
            patches.append(Patch(row[some], column[some], planes))
        return patches

    def _converted(self) -> "av.VideoFrame":
        strip = self._strip.reshape(len(self._strip), -1, 4)
        return self.converter.reformat(
            av.VideoFrame.from_numpy_buffer(strip, "bgra"),
            format=self.form.pixels,
            src_color_range=ColorRange.JPEG,
            dst_colorspace=self.MATRIX[self.form.options["colorspace"]],
            dst_color_range=ColorRange.MPEG,
            interpolation=self.SCALING,
            threads=1,
        )


def _planes(frame: "av.VideoFrame") -> list[NDArray[Any]]:
    """Views (height, samples) of a frame's planes, which can be written to."""
    kind = "<u2" if frame.format.name.endswith("10le") else "u1"
    wide = 4 if frame.format.name.startswith("bgr") else 1
    return [
        np.frombuffer(plane, np.uint8)
        .reshape(-1, plane.line_size)
        .view(kind)[: plane.height, : plane.width * wide]
        for plane in frame.planes
    ]


_ALPHA, _VALUE = np.ogrid[:256, :256]
STRAIGHT = np.minimum((255 * _VALUE + _ALPHA // 2) // np.maximum(_ALPHA, 1), 255).astype(np.uint8)


def straighten(pixels: Pixels) -> None:
    """Undo in place the premultiplication of BGRA pixels (..., 4), rounding to the nearest."""
    alpha = pixels[..., 3]
    partly = (alpha > 0) & (alpha < 255)
    some = pixels[partly]
    some[:, :3] = STRAIGHT[some[:, 3:], some[:, :3]]
    pixels[partly] = some


def spread(tiles: Pixels) -> None:
    """Give the transparent pixels of each tile (…, 4) in place the mean colour of what it shows.

    Still premultiplied, and transparent they stay. Black in their place would run into the chroma of the edge
    beside them.
    """
    alpha = tiles[..., 3]
    edge = (alpha.max((1, 2)) > 0) & (alpha.min((1, 2)) == 0)
    some = tiles[edge]
    sums = some.sum((1, 2), dtype=np.uint32)
    mean = (255 * sums[:, :3] + sums[:, 3:] // 2) // np.maximum(sums[:, 3:], 1)
    tile, *at = np.nonzero(some[..., 3] == 0)
    some[tile, *at, :3] = mean[tile]
    tiles[edge] = some


class _Stream:
    """Frames into a video file."""

    def __init__(self, beside: Path, piece: Piece) -> None:
        form = piece.form
        self.step = Fraction(1, piece.fps)
        self.container: Any = av.open(
            str(beside), "w", format=form.held, container_options={"fflags": "+bitexact"}
        )
        self.stream = self.container.add_stream(
            form.codec, rate=piece.fps, options=form.settings(piece.swift)
        )
        self.stream.width, self.stream.height, self.stream.pix_fmt = piece.width, piece.height, form.pixels
        context = self.stream.codec_context
        context.thread_count = 1
        context.time_base = self.step

    def encode(self, number: int, frame: "av.VideoFrame") -> None:
        frame.pts, frame.time_base = number, self.step
        self.container.mux(self.stream.encode(frame))

    def finish(self) -> None:
        self.container.mux(self.stream.encode(None))
        self.container.close()

    def close(self) -> None:
        # nothing is lost with what is thrown away
        with suppress(OSError, av.FFmpegError):
            self.container.close()


class _Folder:
    """Frames as pictures 000001.png, 000002.png, … in a folder."""

    def __init__(self, beside: Path, piece: Piece) -> None:
        self.folder, self.alpha = beside, piece.form.alpha
        self.level = 1 if piece.swift else int(piece.form.options["compress"])

    def encode(self, number: int, frame: "av.VideoFrame") -> None:
        plane = frame.planes[0]
        mode, raw = ("RGBA", "BGRA") if self.alpha else ("RGB", "BGRX")
        picture = Image.frombuffer(mode, (frame.width, frame.height), plane, "raw", raw, plane.line_size, 1)
        picture.save(self.folder / f"{number + 1:06d}.png", compress_level=self.level)

    def finish(self) -> None:
        """Each picture is already whole."""

    def close(self) -> None:
        """Nothing is open."""
