"""What stands beside a clip: poster, captions, transcript and the data behind every frame."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from scenes._film import Beat, Film
from scenes._render import Plan
from sims import Simulation, save
from sims._trajectory import write_whole


def png(pixels: NDArray[np.uint8], path: Path) -> Path:
    """Write an image (height, width, 3), whole or not at all."""
    from io import BytesIO

    data = BytesIO()
    Image.fromarray(pixels).save(data, "PNG", optimize=True)
    return write_whole(path, data.getvalue())


def contact_sheet(frames: list[NDArray[np.uint8]], columns: int = 3) -> NDArray[np.uint8]:
    """Frames of one size at half of it side by side, four pixels apart."""
    height, width = frames[0].shape[0] // 2, frames[0].shape[1] // 2
    rows = -(-len(frames) // columns)
    sheet = np.full((rows * (height + 4) - 4, columns * (width + 4) - 4, 3), 128, dtype=np.uint8)
    for i, frame in enumerate(frames):
        y, x = (i // columns) * (height + 4), (i % columns) * (width + 4)
        sheet[y : y + height, x : x + width] = frame.reshape(height, 2, width, 2, 3).mean((1, 3)).round()
    return sheet


def cues(plan: Plan) -> list[tuple[float, float, Beat]]:
    """Each beat with the second it begins and ends."""
    starts = [beat.frame / plan.fps for beat in plan.beats]
    return list(zip(starts, [*starts[1:], plan.seconds], plan.beats, strict=True))


def captions(plan: Plan) -> str:
    """The beats' words as WebVTT, one cue for each."""
    escaped = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
    blocks = [
        f"{_clock(a)} --> {_clock(b)}\n{beat.caption.translate(escaped)}\n" for a, b, beat in cues(plan)
    ]
    return "\n".join(["WEBVTT\n", *blocks])


def transcript(kind: type[Film], plan: Plan) -> str:
    """Question and words as text, for whoever does not see the film."""
    lines = [
        f"- {int(a // 60)}:{int(a % 60):02d} **{beat.name}**: {beat.caption}" for a, _, beat in cues(plan)
    ]
    return "\n".join([f"# {kind.question}\n", *lines, ""])


def _clock(seconds: float) -> str:
    return f"{int(seconds // 3600):02d}:{int(seconds // 60) % 60:02d}:{seconds % 60:06.3f}"


def write_beside(
    folder: Path, kind: type[Film], simulations: dict[str, Simulation], plan: Plan, poster: bytes
) -> None:
    """Write poster, captions, transcript and one trajectory for each simulation into a clip's folder."""
    write_whole(folder / "clip.png", poster)
    write_whole(folder / "clip.en.vtt", captions(plan).encode())
    write_whole(folder / "transcript.en.md", transcript(kind, plan).encode())
    from scenes._film import trajectory_of

    for name, sim in simulations.items():
        save(trajectory_of(sim), folder / f"{name}.nc")
