"""From a film to its frames, and from frames to a file: a still, a contact sheet, a clip.

Manim's Cairo renderer is subclassed in one place, `play`: frames are counted in whole numbers, and only
those asked for are drawn, by our painter. All others are skipped by jumping to the end of what is played.
"""

import shutil
import tempfile
from collections.abc import Callable, Container, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache, cached_property
from typing import Any

import numpy as np
from manim import Animation, AnimationGroup, FadeIn, FadeOut, Scene, tempconfig
from manim.renderer.cairo_renderer import CairoRenderer
from manim.utils.iterables import list_update

from scenes._film import Beat, Film
from scenes._language import ENGLISH, Catalogue, speaking
from scenes._paint import Painter, Pixels
from scenes._theme import THEMES, themed
from sims import Simulation
from sims._command import Mistyped


@dataclass(frozen=True)
class Quality:
    """Size in pixels and frames a second."""

    width: int
    height: int
    fps: int


WIDTH = 8.0 * 16 / 9  # units across the picture that films are composed for; none is lost at other aspects

QUALITIES = {
    "draft": Quality(854, 480, 15),
    "medium": Quality(1280, 720, 30),
    "high": Quality(1920, 1080, 60),
    "4k": Quality(3840, 2160, 60),
}


ASPECTS = {"16:9": (16, 9), "9:16": (9, 16), "1:1": (1, 1), "4:3": (4, 3)}


def size(quality: str, aspect: str = "16:9", fps: int | None = None) -> Quality:
    """The size of a quality at an aspect: its shorter side stays, the longer one is an even number."""
    own, (across, up) = QUALITIES[quality], ASPECTS[aspect]
    short = own.height
    long = round(short * max(across, up) / min(across, up) / 2) * 2
    width, height = (short, long) if up > across else (long, short)
    return Quality(width, height, fps or own.fps)


Sink = Callable[[int, Painter, Scene], None]


class NoSuchFrame(Mistyped):
    """A time before or after the film."""


class _Done(Exception):
    """The last frame asked for is drawn."""


class FrameRenderer(CairoRenderer):
    """Draws the frames of a film that are `wanted` and hands each to `sink(frame number, painter, scene)`."""

    def __init__(
        self,
        fps: int,
        wanted: Container[int],
        last: int | None,
        sink: Sink,
        draw: bool = True,
        clear: bool = False,
    ) -> None:
        super().__init__()
        self.fps, self.wanted, self.last, self.sink, self.draw = fps, wanted, last, sink, draw
        self.clear = clear
        self.frame = 0
        self.durations: list[float] = []

    def init_scene(self, scene: Scene, *args: Any) -> None:
        """No file writer: frames go to the sink."""

    @cached_property
    def painter(self) -> Painter:
        """Made when the first frame is drawn, since a film sets its ground when it begins."""
        return Painter(self.camera, self.clear)

    def play(self, scene: Scene, *args: Any, **kwargs: Any) -> None:
        """Begin the animations, draw the frames wanted of them, finish them."""
        if self.last is not None and self.frame > self.last:
            raise _Done
        scene.compile_animation_data(*args, **kwargs)
        self.durations.append(float(scene.duration))
        count = _frames(scene.duration, self.fps)
        wanted = [k for k in range(self.frame, self.frame + count) if k in self.wanted]
        if wanted:
            scene.begin_animations()
        else:
            self.pass_over(scene)
        still = scene.is_current_animation_frozen_frame()
        for i, k in enumerate(wanted):
            scene.update_to_time((k - self.frame) / self.fps)
            if self.draw and not (still and i):
                self.painter.paint(list_update(scene.mobjects, scene.foreground_mobjects))
            elif self.draw:
                self.painter.changed = None
            self.sink(k, self.painter, scene)
        for animation in scene.animations or []:
            animation.finish()
            animation.clean_up_from_scene(scene)
        self.frame += count
        self.time = self.frame / self.fps
        self.num_plays += 1

    def pass_over(self, scene: Scene) -> None:
        """Begin animations of which no frame is drawn: fades then leave all as it was, on stage or off it."""

        def rest(animations: Iterable[Animation]) -> None:
            for animation in animations:
                if isinstance(animation, AnimationGroup):
                    rest(animation.animations)
                elif type(animation) in (FadeIn, FadeOut):
                    animation.begin = animation.finish = lambda: None
                    animation.interpolate = lambda alpha: None

        for animation in scene.animations or []:
            rest([animation])
            animation._setup_scene(scene)
            animation.begin()


def _frames(seconds: float, fps: int) -> int:
    return max(1, round(seconds * fps))


@contextmanager
def studio(
    quality: Quality, theme: str, lang: str = ENGLISH, kind: type[Film] | None = None
) -> Iterator[Catalogue]:
    """Manim's settings, theme and language for one film; texts are built in a folder of their own."""
    settings = {
        "pixel_width": quality.width,
        "pixel_height": quality.height,
        "frame_rate": quality.fps,
        "frame_height": max(8.0, WIDTH * quality.height / quality.width),
        "frame_width": max(WIDTH, 8.0 * quality.width / quality.height),
        "media_dir": _workshop(),
        "dry_run": True,
        "progress_bar": "none",
        "verbosity": "ERROR",
        "background_color": THEMES[theme].ground,
    }
    with tempconfig(settings), themed(theme), speaking(lang, kind) as catalogue:
        yield catalogue


@cache
def _workshop() -> str:
    """A folder for the outlines of texts, made once in a process and removed at its end."""
    import atexit

    folder = tempfile.mkdtemp(prefix="learning-dynamics-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def play(
    kind: type[Film],
    simulations: dict[str, Simulation] | None = None,
    *,
    quality: Quality = QUALITIES["medium"],
    theme: str = "dark",
    lang: str = ENGLISH,
    wanted: Container[int] = (),
    last: int | None = None,
    sink: Sink = lambda k, painter, scene: None,
    draw: bool = True,
    clear: bool = False,
) -> Film:
    """Play a film from its beginning, drawing only the `wanted` frames, as far as frame `last`.

    Where `clear`, the ground is transparent.
    """
    with studio(quality, theme, lang, kind) as catalogue:
        film = kind(
            renderer=FrameRenderer(quality.fps, wanted, last, sink, draw, clear), **(simulations or {})
        )
        try:
            film.setup()
            film.construct()
        except _Done:
            pass
        film.asked = list(catalogue.asked)
        return film


@dataclass(frozen=True)
class Plan:
    """What a dry run tells of a film: its frames and beats."""

    frames: int
    fps: int
    beats: tuple[Beat, ...]
    durations: tuple[float, ...] = ()  # seconds of all that is played, of a whole film

    def at(self, fps: int) -> "Plan":
        """The same film at another rate."""
        here, there = (
            np.cumsum([0, *(_frames(seconds, rate) for seconds in self.durations)]).tolist()
            for rate in (self.fps, fps)
        )
        begins = dict(zip(here, there, strict=True))
        beats = tuple(replace(beat, frame=begins[beat.frame]) for beat in self.beats)
        return Plan(there[-1], fps, beats, self.durations)

    @property
    def seconds(self) -> float:
        return self.frames / self.fps

    def moments(self, count: int) -> list[float]:
        """Seconds of so many frames, spread evenly over the beats and late in each, when it is built up."""
        edges = [*(beat.frame for beat in self.beats), self.frames]
        place = (np.arange(count) + 0.5) / count * len(self.beats)
        if count <= len(self.beats):
            place = np.floor(place) + 0.75
        return (np.interp(place, np.arange(len(edges)), edges) / self.fps).tolist()


def plan(
    kind: type[Film], simulations: dict[str, Simulation] | None = None, fps: int = 30, lang: str = ENGLISH
) -> Plan:
    """Construct a film without drawing it."""
    film = play(kind, simulations, quality=Quality(320, 180, fps), draw=False, lang=lang)
    return Plan(film.renderer.frame, fps, tuple(film.beats), tuple(film.renderer.durations))


def stills(
    kind: type[Film],
    at: list[float],
    simulations: dict[str, Simulation] | None = None,
    quality: Quality = QUALITIES["high"],
    theme: str = "dark",
    clear: bool = False,
    lang: str = ENGLISH,
) -> list[Pixels]:
    """The frames (height, width, 3) at some seconds, in one pass through the film.

    Where `clear`, the ground is transparent, and they are (height, width, 4).
    """
    numbers = [round(t * quality.fps) for t in at]
    found: dict[int, Pixels] = {}

    def keep(k: int, painter: Painter, scene: Scene) -> None:
        found[k] = painter.rgba() if clear else painter.rgba()[..., :3]

    play(
        kind,
        simulations,
        quality=quality,
        theme=theme,
        lang=lang,
        wanted=set(numbers),
        last=max(numbers),
        sink=keep,
        clear=clear,
    )
    missing = [t for t, k in zip(at, numbers, strict=True) if k not in found]
    if missing:
        raise NoSuchFrame(f"the film has no frame at {missing[0]:g} s")
    return [found[k] for k in numbers]
