"""Films and reference scenes, timed frame by frame: ours, plain Manim, and encoding alone."""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from benchmarks import documented, encoders, parts, stock, stories
from benchmarks.measure import Group, Pair, Timed
from scenes import _render
from scenes._film import Film
from sims import _discover

HIGH = _render.QUALITIES["high"]
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


def reference(name: str, slices: int, frames: int, folder: Path, quality: _render.Quality = HIGH) -> Group:
    """One of the three reference scenes, in stretches spread over its ten seconds.

    Plain Manim draws a stretch of the third of its length in C, since it takes so long.
    """
    starts = _starts(stories.FRAMES, slices, frames)
    few = max(frames // 3, 1) if name == "C" else frames
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


def film(name: str, slices: int, frames: int, folder: Path, quality: _render.Quality = HIGH) -> Group:
    """One of our films in stretches spread over its length, with our final settings of the encoder."""
    kind = _discover.find("scenes", name, Film)
    path = folder / "slice.mp4"

    @cache
    def stretches() -> list[range]:
        length = _render.plan(kind, fps=quality.fps).frames
        return [range(start, start + frames) for start in _starts(length, slices, frames)]

    @cache
    def gathered() -> list[Path]:
        return encoders.gather(kind, stretches(), quality, folder)

    def floor(options: dict[str, str]) -> Callable[[int], float]:
        return lambda i: encoders.encode(encoders.ready(gathered()[i]), path, quality, options) / frames

    return Group(
        name,
        "frame",
        {
            **parts_of_ours(lambda i: (kind, stretches()[i]), path, quality, swift=False),
            "Manim's renderer": lambda i: stock.encoded(kind, stretches()[i], path, quality) / frames,
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


def films(slices: int, frames: int, folder: Path) -> list[Group]:
    """All films found."""
    return [film(name, slices, frames, folder) for name in _discover.subjects("scenes")]


def references(slices: int, frames: int, folder: Path) -> list[Group]:
    """The three reference scenes."""
    return [reference(name, slices, frames, folder) for name in "ABC"]


def _starts(length: int, slices: int, frames: int) -> list[int]:
    """First frames of stretches in the middles of equal shares."""
    middles = [round((i + 0.5) / slices * length) for i in range(slices)]
    return [max(0, min(middle - frames // 2, length - frames)) for middle in middles]
