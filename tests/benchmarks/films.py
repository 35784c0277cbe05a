"""Films and reference scenes, timed frame by frame: ours, plain Manim, and encoding alone."""

from collections.abc import Callable
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import documented, encoders, parts, stock, stories
from benchmarks.measure import Group, Pair, Timed
from scenes import _render
from scenes._film import Film
from sims import _discover

HIGH = _render.QUALITIES["high"]
LONGEST = 300  # frames of a stretch of a whole film, which memory holds; its first is drawn whole
ASKED = {"A": 4.0, "B": 4.0, "C": 40.0}
SHARES = {
    "playing": ("playing",),
    "painting": ("playing and painting", "playing"),
    "converting": ("converting and encoding", "encoding"),
    "encoding": ("encoding",),
}


def parts_of_ours(
    found: Callable[[int], tuple[type[Film], range]], path: Path, quality: _render.Quality, swift: bool
) -> dict[str, Timed]:
    """Ours for a frame of the stretch that is `found` for a slice, and what it is made of."""

    def each(seconds: Callable[..., float], *settings: Any, **more: Any) -> Timed:
        def timed(i: int) -> float:
            kind, stretch = found(i)
            return seconds(kind, stretch, *settings, **more) / len(stretch)

        return timed

    return {
        "ours": each(encoders.ours, path, quality, swift),
        "playing": each(encoders.played, quality, draw=False),
        "playing and painting": each(encoders.played, quality),
        "converting and encoding": each(encoders.fed, path, quality, swift),
    }


def reference(name: str, quick: bool, folder: Path, quality: _render.Quality = HIGH) -> Group:
    """One of the three reference scenes, whole, in three rounds of three stretches.

    Plain Manim draws a stretch of the sixth of its length in C, since it takes so long.
    """
    slices, frames, rounds = (1, 10, 1) if quick else (3, stories.FRAMES // 3, 3)
    starts = [stretch.start for stretch in spread(stories.FRAMES, slices, frames)]
    few = max(frames // 6, 1) if name == "C" else frames
    path = folder / "slice.mp4"
    ready = cache(
        lambda i: encoders.gather(parts.stretch(name, starts[i], frames), [range(frames)], quality, folder)[0]
    )

    def found(i: int) -> tuple[type[Film], range]:
        return parts.stretch(name, starts[i], frames), range(frames)

    def plain(i: int, options: dict[str, str] | None = None) -> float:
        return documented.render(name, starts[i], few, quality, options) / few

    def floor(i: int) -> float:
        return encoders.encode(encoders.ready(ready(i)), path, quality, encoders.SWIFT) / frames

    return Group(
        f"scene {name}",
        "frame",
        slices,
        rounds,
        {
            **parts_of_ours(found, path, quality, swift=True),
            "plain Manim, same encoder": lambda i: plain(i, encoders.SWIFT),
            "encoding": floor,
            "plain Manim": plain,
        },
        [
            Pair(
                "plain Manim, same encoder settings", "ours", "plain Manim, same encoder", "peer", ASKED[name]
            ),
            Pair("plain Manim as it comes", "ours", "plain Manim", "peer"),
            Pair("encoding alone, ultrafast", "ours", "encoding", "floor", 1.5),
        ],
        SHARES,
    )


def film(name: str, slices: int | None, frames: int, folder: Path, quality: _render.Quality = HIGH) -> Group:
    """One of our films, whole or in so many stretches, with our final settings of the encoder.

    How much a frame takes changes so much from beat to beat that more stretches tell more than more rounds.
    """
    kind = _discover.find("scenes", name, Film)
    length = _render.plan(kind, fps=quality.fps).frames
    stretches = spread(length, slices, frames) if slices else end_to_end(length)
    path = folder / "slice.mp4"

    @cache
    def gathered() -> list[Path]:
        return encoders.gather(kind, stretches, quality, folder)

    def floor(options: dict[str, str]) -> Callable[[int], float]:
        return lambda i: (
            encoders.encode(encoders.ready(gathered()[i]), path, quality, options) / len(stretches[i])
        )

    return Group(
        name if slices else f"{name}, whole",
        "frame",
        len(stretches),
        1,
        {
            **parts_of_ours(lambda i: (kind, stretches[i]), path, quality, swift=False),
            "Manim's renderer": lambda i: (
                stock.encoded(kind, stretches[i], path, quality) / len(stretches[i])
            ),
            "encoding": floor(encoders.FINAL),
            "encoding, ultrafast": floor(encoders.SWIFT),
        },
        [
            Pair("Manim's renderer and encoder", "ours", "Manim's renderer", "peer", 3.0),
            Pair("encoding alone, same settings", "ours", "encoding", "floor", 2.5),
            Pair("encoding alone, ultrafast", "ours", "encoding, ultrafast", "floor"),
        ],
        SHARES,
    )


def films(slices: int | None, frames: int, folder: Path) -> list[Group]:
    """All films found."""
    return [film(name, slices, frames, folder) for name in _discover.subjects("scenes")]


def references(quick: bool, folder: Path) -> list[Group]:
    """The three reference scenes."""
    return [reference(name, quick, folder) for name in "ABC"]


def spread(length: int, count: int, frames: int) -> list[range]:
    """Stretches in the middles of equal shares."""
    middles = [round((i + 0.5) / count * length) for i in range(count)]
    starts = [max(0, min(middle - frames // 2, length - frames)) for middle in middles]
    return [range(start, start + frames) for start in starts]


def end_to_end(length: int) -> list[range]:
    """Stretches of the same length that leave nothing out."""
    edges = np.linspace(0, length, -(-length // LONGEST) + 1).round().astype(int).tolist()
    return [range(a, b) for a, b in pairwise(edges)]
