"""From frames to a clip: H.264 with its colours told, its index in front, and always the same bytes."""

import errno
import os
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any

import av
import numpy as np
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]


class Clip:
    """An MP4 written beside its final name and renamed when it is whole; a failure leaves nothing.

    One encoder thread, since the bytes of x264 depend on their number.
    """

    def __init__(self, path: Path, width: int, height: int, fps: int, tags: dict[str, str]) -> None:
        self.path = path
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}.", suffix=".mp4")
        os.close(handle)
        self.beside = Path(name)
        self.container: Any = av.open(name, "w", options={"movflags": "+faststart"})
        self.container.metadata.update(tags)
        self.stream = self.container.add_stream("libx264", rate=fps)
        self.stream.width, self.stream.height, self.stream.pix_fmt = width, height, "yuv420p"
        self.stream.options = {"preset": "veryfast", "crf": "18", "profile": "high"}
        context = self.stream.codec_context
        context.thread_count = 1
        context.colorspace, context.color_range = Colorspace.ITU709, ColorRange.MPEG
        context.color_primaries, context.color_trc = ColorPrimaries.BT709, ColorTrc.BT709

    def write(self, pixels: Pixels) -> None:
        """Add a frame (height, width, 3 or 4)."""
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels[..., :3]), format="rgb24")
        frame = frame.reformat(
            format="yuv420p", dst_colorspace=Colorspace.ITU709, dst_color_range=ColorRange.MPEG
        )
        self._mux(frame)

    def _mux(self, frame: "av.VideoFrame | None") -> None:
        for packet in self.stream.encode(frame):
            self.container.mux(packet)

    def __enter__(self) -> "Clip":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._mux(None)
            self.container.close()
            if kind is None:
                self.beside.chmod(0o666 & ~_umask())
                self.beside.replace(self.path)
        except OSError as failed:
            code = failed.errno or errno.EIO
            raise OSError(code, f"cannot write {self.path}: {os.strerror(code)}") from None
        finally:
            self.beside.unlink(missing_ok=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
