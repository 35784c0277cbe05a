"""A film drawn by Manim's own camera, and how like it our frames are.

Nothing here comes from our renderer but the film: Manim's Cairo renderer and camera redraw every moving
mobject in every frame, over one picture of those that stand still.
"""

import tempfile
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from manim import Scene, tempconfig
from manim._config.video_encoder import VideoEncoderSpec
from manim.renderer.cairo_renderer import CairoRenderer
from manim.scene.scene_file_writer import _PartialMovieEncodeJob
from manim.scene.video_segment_encoder import VideoSegmentEncoder
from numpy.typing import NDArray

from scenes import _render
from scenes._film import Film
from scenes._paint import Painter
from scenes._theme import THEMES, themed

Pixels = NDArray[np.uint8]
Sink = Callable[[int, Pixels, Scene], None]
QUEUE = 8  # frames that Manim draws ahead of its encoder


class Enough(Exception):
    """The last frame asked for is drawn."""


class StockRenderer(CairoRenderer):
    """Manim's renderer and camera, which draw only the frames `wanted` and hand them to `sink`.

    What `CairoRenderer.play` and `Scene.play_internal` do, but for the file writer and with frames counted
    in whole numbers.
    """

    def __init__(self, fps: int, wanted: Collection[int], sink: Sink) -> None:
        super().__init__()
        self.fps, self.wanted, self.sink = fps, frozenset(wanted), sink
        self.last, self.frame = max(self.wanted), 0

    def init_scene(self, scene: Scene, *args: Any) -> None:
        """No file writer: frames go to the sink."""

    def play(self, scene: Scene, *args: Any, **kwargs: Any) -> None:
        """Begin the animations, draw the frames wanted of them, finish them."""
        if self.frame > self.last:
            raise Enough
        scene.compile_animation_data(*args, **kwargs)
        scene.begin_animations()
        count = max(1, round(scene.duration * self.fps))
        wanted = [k for k in range(self.frame, self.frame + count) if k in self.wanted]
        if wanted:
            self.save_static_frame_data(scene, scene.static_mobjects)
        drawn = False
        for k in wanted:
            scene.update_to_time((k - self.frame) / self.fps)
            if not (drawn and scene.is_current_animation_frozen_frame()):
                self.update_frame(scene, scene.moving_mobjects)
                drawn = True
            self.sink(k, self.camera.pixel_array, scene)
        for animation in scene.animations or []:
            animation.finish()
            animation.clean_up_from_scene(scene)
        self.static_image = None
        self.frame += count
        self.time = self.frame / self.fps
        self.num_plays += 1


@contextmanager
def plain_manim(quality: _render.Quality, theme: str = "dark", **settings: Any) -> Iterator[str]:
    """Manim's settings for one picture size, all else as it comes; yields its folder, gone afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        plain = {
            "pixel_width": quality.width,
            "pixel_height": quality.height,
            "frame_rate": quality.fps,
            "frame_height": 8.0,
            "frame_width": 8.0 * quality.width / quality.height,
            "media_dir": folder,
            "progress_bar": "none",
            "verbosity": "ERROR",
            "background_color": THEMES[theme].ground,
        }
        with tempconfig(plain | settings), themed(theme):
            yield folder


def plain(kind: type[Film]) -> type[Film]:
    """The film without what ours do to draw less."""

    class Plain(kind):  # type: ignore[misc, valid-type]
        begin_animations = Scene.begin_animations
        update_to_time = Scene.update_to_time

    return Plain


def play(
    kind: type[Film],
    wanted: Collection[int],
    sink: Sink,
    quality: _render.Quality = _render.QUALITIES["high"],
    theme: str = "dark",
) -> None:
    """Play a film made `plain`, drawing its `wanted` frames with Manim's own camera."""
    with plain_manim(quality, theme, dry_run=True):
        film = kind(renderer=StockRenderer(quality.fps, wanted, sink))
        try:
            film.setup()
            film.construct()
        except Enough:
            pass


def encoded(
    kind: type[Film],
    stretch: range,
    path: Path,
    quality: _render.Quality,
    options: tuple[tuple[str, str], ...] = (("crf", "23"),),
) -> float:
    """The seconds Manim takes to draw and encode a stretch of a film, its own encoder in a thread beside.

    The options are those it has by default. All of the stretch is one file, where Manim begins a new one with
    every `play`. Counted is as in `encoders.ours`.
    """
    kind, began = clocked(plain(kind), stretch.start)
    rate = Fraction(quality.fps)
    spec = VideoEncoderSpec("mp4", "libx264", "yuv420p", quality.width, quality.height, rate, options)
    encoder = VideoSegmentEncoder(target=path, spec=spec)
    job = _PartialMovieEncodeJob(animation_index=0, encoder=encoder, frame_queue_size=QUEUE)

    def put(k: int, pixels: Pixels, scene: Scene) -> None:
        job.put(1, pixels.copy())
        if k == stretch[-1]:
            raise Enough

    try:
        play(kind, stretch, put, quality)
    finally:
        job.seal()
        job.join()
    return perf_counter() - began[0]


def clocked(kind: type[Film], first: int) -> tuple[type[Film], list[float]]:
    """The film with a note, the first of the list, of when its frame `first` began to be made.

    What goes before, the film's construction and what is skipped, belongs to no stretch. To begin a `play`
    belongs to its first frame.
    """
    began: list[float] = []

    class Clocked(kind):  # type: ignore[misc, valid-type]
        def compile_animation_data(self, *args: Any, **kwargs: Any) -> Any:
            if self.renderer.frame >= first:
                began.append(perf_counter())
            return super().compile_animation_data(*args, **kwargs)

        def update_to_time(self, t: float) -> None:
            began.append(perf_counter())
            super().update_to_time(t)

    return Clocked, began


@dataclass(frozen=True)
class Likeness:
    """How far a frame of ours is from Manim's: pixels within one grey level, and the greatest difference."""

    frame: int
    within_one: float
    greatest: int


def likeness(ours: Pixels, manims: Pixels, frame: int = 0) -> Likeness:
    """Compare two pictures (height, width, 3 or 4); a pixel differs by its most different channel."""
    apart = abs(ours[..., :3].astype(np.int16) - manims[..., :3]).max(-1)
    return Likeness(frame, float((apart <= 1).mean()), int(apart.max()))


def likenesses(
    kind: type[Film],
    frames: Collection[int],
    quality: _render.Quality,
    theme: str = "dark",
    before: int = 2,
) -> list[Likeness]:
    """Some frames of a film as our renderer draws them against Manim's.

    Ours draws also the `before` frames that come before each, so that what it keeps from one frame to the
    next is part of what is compared.
    """
    manims: dict[int, Pixels] = {}
    found: list[Likeness] = []

    def keep(k: int, pixels: Pixels, scene: Scene) -> None:
        manims[k] = pixels[..., :3].copy()

    def compare(k: int, painter: Painter, scene: Scene) -> None:
        if k in manims:
            found.append(likeness(painter.rgba(), manims[k], k))

    play(plain(kind), frames, keep, quality, theme)
    run_up = {j for k in frames for j in range(max(0, k - before), k + 1)}
    _render.play(kind, quality=quality, theme=theme, wanted=run_up, last=max(frames), sink=compare)
    return found
