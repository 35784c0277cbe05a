"""Films for the tests of clips, and clips taken apart again by PyAV."""

import av
import numpy as np

from scenes._encode import Piece
from scenes._formats import FORMATS, TRANSPARENT
from scenes._tiles import grid

WIDTH, HEIGHT, FPS = 160, 90, 60
TILES = grid(WIDTH, HEIGHT)
LENGTHS = (1, 2, 3, 40, 24)
VIDEOS = {
    "mp4": FORMATS["mp4"],
    "webm": FORMATS["webm"],
    "webm with alpha": TRANSPARENT["webm"],
    "mov with alpha": TRANSPARENT["mov"],
}


def film(count, first=0, alpha=False):
    """A live surface, as a painter reuses it, and the tiles that changed: a square moves and fades."""
    surface = np.zeros((HEIGHT, WIDTH, 4), np.uint8)
    if not alpha:
        surface[:] = 24, 18, 14, 255
        surface[60:, :, 1] = np.linspace(20, 230, WIDTH)
    ground = surface.copy()
    changed = np.zeros(TILES.shape, bool)
    changed[TILES.meets(0, 10, WIDTH, 50)] = True
    for k in range(first, first + count):
        held = k % 7 == 6 and k > first
        if not held:
            surface[10:50] = ground[10:50]
            x, opacity = 3 * k % (WIDTH - 40), 1 - 0.5 * (k % 20) / 20
            square = surface[15:45, x : x + 30]
            square[:] = (opacity * np.array([60, 180, 240, 255]) + (1 - opacity) * square).round()
        yield surface, None if held else changed


def encoded(folder, form, swift=False, lengths=LENGTHS, fps=FPS):
    """Pieces of one film, and its frames as they were drawn."""
    pieces, drawn = [], []
    for number, length in enumerate(lengths):
        path = folder / f"{number}.piece"
        with Piece(path, WIDTH, HEIGHT, fps, form, swift) as piece:
            for surface, box in film(length, first=len(drawn), alpha=form.alpha):
                piece.write(surface, box)
                drawn.append(surface.copy())
                surface[:5] = 255  # what the painter does next is not in the frame
                surface[:5] = drawn[-1][:5]
        pieces.append(path)
    return pieces, np.array(drawn)


def decoded(path):
    """All frames of a clip; the alpha of VP9 is known only to libvpx's own decoder."""
    frames = []
    with av.open(str(path)) as clip:
        video = clip.streams.video[0]
        decoder = video.codec_context
        if decoder.name == "vp9":
            decoder = av.CodecContext.create("libvpx-vp9", "r")
        decoder.thread_count = 1
        for packet in clip.demux(video):
            frames += decoder.decode(packet if packet.size else None)
            if not packet.size:
                break
        for frame in frames:
            frame.time_base = video.time_base
    return frames


def samples(frame):
    """All bytes of a frame that are seen."""
    wide = 2 if "10" in frame.format.name or "12" in frame.format.name else 1
    return [
        np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)[: plane.height, : plane.width * wide]
        for plane in frame.planes
    ]


def in_colour(frames):
    """Straight RGBA (frames, height, width, 4), by the matrix that the frames tell."""
    return np.array([frame.to_ndarray(format="rgba") for frame in frames])


def as_drawn(drawn):
    """Premultiplied BGRA as straight RGBA, computed in floating point."""
    alpha = drawn[..., 3:].astype(float)
    colour = np.divide(
        255.0 * drawn[..., 2::-1], alpha, out=np.zeros((*drawn.shape[:-1], 3)), where=alpha > 0
    )
    return np.concatenate([colour, alpha], axis=-1)


def psnr(a, b):
    return 10 * np.log10(255**2 / np.mean((a.astype(float) - b) ** 2))
