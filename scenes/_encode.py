"""From frames to pieces of a clip, each encoded on its own; `scenes._join` makes one clip of them.

Cairo's pixels come in as they lie in its surface; only what changed is copied and converted. Drawing goes on
while a thread encodes.
"""

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
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

Pixels = NDArray[np.uint8]
Box = tuple[int, int, int, int]  # left, top, right, bottom in pixels

BLOCK = 16  # pixels to a side
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
        # one more than wait, for the frame that is being encoded
        self._buffers = [np.empty(width * height * 4 + 64, np.uint8) for _ in range(AHEAD + 1)]

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

    def write(self, pixels: Pixels, changed: Box | None) -> None:
        """Add a frame: BGRA (height, width, 4), premultiplied, copied before this returns.

        Only pixels within `changed` may differ from the frame before; None: it is the same picture again.
        The first frame is taken whole.
        """
        if pixels.shape != (self.height, self.width, 4):
            raise ValueError(f"a frame of shape {pixels.shape} in a piece of {self.width}×{self.height}")
        while len(self._encoding) >= AHEAD:
            with telling(self.path):
                self._encoding.popleft().result()
        box = self._picture.reach(changed) if self.frames else (0, 0, self.width, self.height)
        part = None
        if box:
            left, top, right, bottom = box
            shape = (bottom - top, right - left, 4)
            # its last reader is done: at most AHEAD are in work
            part = self._buffers[self.frames % len(self._buffers)][: np.prod(shape)].reshape(shape)
            part[:] = pixels[top:bottom, left:right]
        self._encoding.append(self._thread.submit(self._encode, self.frames, box, part))
        self.frames += 1

    def _encode(self, number: int, box: Box | None, part: Pixels | None) -> None:
        if box and part is not None:
            self._picture.paint(box, part)
        self._sink.encode(number, self._picture.frame)


class Picture:
    """The present frame in the encoder's own format, repainted box by box.

    Limited range, and the matrix that the format tells; each chroma sample is the mean of its four pixels.
    Converting a box gives what converting the whole frame would give, on any machine.
    """

    MATRIX = {"smpte170m": Colorspace.SMPTE170M, "bt709": Colorspace.ITU709}

    # the mean of the pixels, and no shortcut of one processor in its rounding
    SCALING = Interpolation.AREA | Interpolation.BITEXACT
    # how far a pixel's colour reaches: its chroma sample, or the block that `spread` fills
    GRID = {"yuv420p": 2, "yuva420p": BLOCK}
    # two lines more than changed: swscale rounds the last line of a picture apart
    MARGIN = 2

    def __init__(self, width: int, height: int, form: Format) -> None:
        self.width, self.height, self.form = width, height, form
        self.grid = self.GRID.get(form.pixels, 1)
        self.converter = VideoReformatter()
        self._take(av.VideoFrame(width, height, form.pixels))

    def reach(self, changed: Box | None) -> Box | None:
        """What must be converted for a change: edges on the grid and the margin, within the picture."""
        if changed is None:
            return None
        left, top, right, bottom = changed
        left, top, right, bottom = max(left, 0), max(top, 0), min(right, self.width), min(bottom, self.height)
        if left >= right or top >= bottom:
            return None
        grid, margin = self.grid, self.MARGIN
        return (
            max(left // grid * grid - margin, 0),
            max(top // grid * grid - margin, 0),
            min(-(-right // grid) * grid + margin, self.width),
            min(-(-bottom // grid) * grid + margin, self.height),
        )

    def paint(self, box: Box, part: Pixels) -> None:
        """Put BGRA pixels, which it may change, in the place of a box that `reach` gave."""
        left, top, right, bottom = box
        if self.grid == BLOCK:
            spread(part, left, top)
        if self.form.alpha:
            straighten(part)
        whole = box == (0, 0, self.width, self.height)
        if self.form.pixels in ("bgr0", "bgra"):
            planes = [part.reshape(len(part), -1)]
        else:
            frame = self._converted(part)
            if whole:
                self._take(frame)
                return
            planes = _planes(frame)
        # the margin was only there to be seen from within; at the picture's edge there is none
        inner = (
            left + self.MARGIN * (left > 0),
            top + self.MARGIN * (top > 0),
            right - self.MARGIN * (right < self.width),
            bottom - self.MARGIN * (bottom < self.height),
        )
        for mine, new in zip(self.planes, planes, strict=True):
            # plane's samples for a frame's pixel: 1 for luma, 1/2 for chroma, 4 for packed colours
            a, b, c, d = (
                edge * size // full
                for edge, size, full in zip(
                    inner, mine.shape[::-1] * 2, (self.width, self.height) * 2, strict=True
                )
            )
            x, y = left * mine.shape[1] // self.width, top * mine.shape[0] // self.height
            mine[b:d, a:c] = new[b - y : d - y, a - x : c - x]

    def _converted(self, part: Pixels) -> "av.VideoFrame":
        return self.converter.reformat(
            av.VideoFrame.from_numpy_buffer(part, "bgra"),
            format=self.form.pixels,
            src_color_range=ColorRange.JPEG,
            dst_colorspace=self.MATRIX[self.form.options["colorspace"]],
            dst_color_range=ColorRange.MPEG,
            interpolation=self.SCALING,
            threads=1,
        )

    def _take(self, frame: "av.VideoFrame") -> None:
        self.frame, self.planes = frame, _planes(frame)


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


def spread(pixels: Pixels, left: int, top: int) -> None:
    """Give transparent pixels in place the mean colour of what their block shows, still premultiplied.

    They stay transparent. Black in their place would run into the chroma of the edge beside them. `left`
    and `top` say where in the picture the pixels (height, width, 4) begin.
    """
    y, x = top % BLOCK, left % BLOCK
    down, across = -(-(y + len(pixels)) // BLOCK), -(-(x + len(pixels[0])) // BLOCK)
    whole = np.zeros((down * BLOCK, across * BLOCK, 4), np.uint8)
    inside = whole[y : y + len(pixels), x : x + len(pixels[0])]
    inside[:] = pixels
    blocks = whole.reshape(down, BLOCK, across, BLOCK, 4).swapaxes(1, 2)
    alpha = blocks[..., 3]
    edge = (alpha.max((2, 3)) > 0) & (alpha.min((2, 3)) == 0)
    some = blocks[edge]
    sums = some.sum((1, 2), dtype=np.uint32)
    mean = (255 * sums[:, :3] + sums[:, 3:] // 2) // np.maximum(sums[:, 3:], 1)
    block, *at = np.nonzero(some[..., 3] == 0)
    some[block, *at, :3] = mean[block]
    blocks[edge] = some
    pixels[:] = inside


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
