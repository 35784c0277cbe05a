"""Single pictures: PNG, WebP, and a sheet of several."""

from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sims._file import write_whole


def png(pixels: NDArray[np.uint8], path: Path) -> Path:
    """Write an image (height, width, 3), whole or not at all."""
    data = BytesIO()
    Image.fromarray(pixels).save(data, "PNG", optimize=True)
    return write_whole(path, data.getvalue())


def webp(picture: bytes) -> bytes:
    """A PNG as WebP, which is a third of its size."""
    data = BytesIO()
    Image.open(BytesIO(picture)).save(data, "WEBP", quality=90, method=6)
    return data.getvalue()


def contact_sheet(frames: list[NDArray[np.uint8]], columns: int = 3) -> NDArray[np.uint8]:
    """Frames of one size at half of it side by side, four pixels apart."""
    height, width = frames[0].shape[0] // 2, frames[0].shape[1] // 2
    rows = -(-len(frames) // columns)
    sheet = np.full((rows * (height + 4) - 4, columns * (width + 4) - 4, 3), 128, dtype=np.uint8)
    for i, frame in enumerate(frames):
        y, x = (i // columns) * (height + 4), (i % columns) * (width + 4)
        sheet[y : y + height, x : x + width] = frame.reshape(height, 2, width, 2, 3).mean((1, 3)).round()
    return sheet
