"""Film: a Manim scene with a question, simulations, their trajectories, and beats.

A film holds no dynamics. It declares simulations as class attributes, runs them, and says beat by beat
what is shown. Whatever moves with data is a Part, a pure function of its trajectory's clock; `Advance`
runs that clock, so a frame is the same whether the film was played up to it or skipped to it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

import xarray as xr
from manim import Animation, FadeIn, FadeOut, Mobject, Scene, config, linear, smooth, squish_rate_func

from scenes._fades import is_updated, quicken
from scenes._language import said
from scenes._runs import trajectories_of, trajectory_of
from scenes._theme import BADGE, LABEL, QUESTION, Words, colour, figures, words
from scenes.parts import Part
from sims import Simulation

WIDE, HIGH = 6.61, 3.5  # the safe area: half a unit from each edge
TITLE_LINE, CAPTION_LINE, BADGE_LINE = 3.19, -2.98, -3.44


@dataclass(frozen=True)
class Beat:
    """One idea of a film: its name, the words said, and the frame it begins at."""

    name: str
    caption: str
    frame: int


class Film(Scene):
    """One question answered in 45 to 120 seconds.

    Subclasses set `question`, declare simulations as attributes, and define `construct`. An argument of the
    constructor that is named like one of the simulations replaces it.
    """

    question: ClassVar[str] = ""
    kept: ClassVar[dict[str, set[str]]] = {}  # parameters that only `--simulation.parameter` changes

    def __init__(self, renderer: Any = None, **simulations: Simulation) -> None:
        super().__init__(renderer=renderer)
        for name, sim in simulations.items():
            if name not in self.simulations():
                raise TypeError(f"{type(self).__name__} has no simulation {name!r}")
            setattr(self, name, sim)
        self.beats: list[Beat] = []
        self.asked: list[str] = []  # all that was said or written, in English, once it was played
        self.caption: Words | None = None
        self.badge: Words | None = None
        self._pending: list[Animation] = []
        self._gone: list[Mobject] = []

    @classmethod
    def simulations(cls) -> dict[str, Simulation]:
        """The simulations a film declares, by name."""
        found: dict[str, Simulation] = {}
        for kind in reversed(cls.__mro__):
            found |= {name: value for name, value in vars(kind).items() if isinstance(value, Simulation)}
        return found

    def _repr_html_(self) -> str:
        """What a notebook shows: the film itself, drawn at draft quality unless it was before."""
        from scenes._html import film

        return film(self)

    def setup(self) -> None:
        """Ground and question."""
        self.camera.background_color = colour("ground")
        self.title = words(self.question, QUESTION, weight="MEDIUM").put(-WIDE, TITLE_LINE, "left")

    def run(self, sim: Simulation) -> xr.Dataset:
        """The trajectory of a simulation."""
        return trajectory_of(sim)

    def run_seeds(self, sim: Simulation, seeds: Iterable[int]) -> xr.Dataset:
        """The trajectories of a simulation from several seeds, side by side (batch, …)."""
        return trajectories_of(sim, tuple(seeds))

    @property
    def frame(self) -> int:
        """Frames drawn or skipped so far."""
        return round(self.renderer.time * config.frame_rate)

    def beat(self, name: str, caption: str) -> None:
        """Begin a beat: its caption replaces the last one during the next `play` or `wait`."""
        caption = said(caption)
        if len(caption) > 70:
            raise ValueError(
                f"a caption must be one line of at most 70 characters; got {len(caption)}: {caption}"
            )
        self.beats.append(Beat(said(name), caption, self.frame))
        self.caption = self._replace(self.caption, words(caption, LABEL).put(0, CAPTION_LINE))

    def leave(self, *gone: Mobject) -> None:
        """Say what is no longer spoken of once the next picture comes."""
        self._gone += gone

    def turn(self, name: str, caption: str, data: str = "") -> None:
        """Begin a beat with a new picture: the old one leaves together with its caption."""
        self.beat(name, caption)
        if data:
            self.names_data(data)
        gone, self._gone = self._gone, []
        self.play(*[FadeOut(mobject) for mobject in gone], run_time=0.6)

    def remember(self, line: str) -> None:
        """The last beat: one line the viewer can repeat, alone on the stage."""
        self.beats.append(Beat(said("to remember"), said(line), self.frame))
        leaving = [FadeOut(shown) for shown in (self.caption, self.badge, *self._gone) if shown]
        self.caption, self.badge, self._gone = None, None, []
        self.play(*leaving, FadeIn(words(line, QUESTION).put(0, 0)), run_time=0.8)
        self.wait(4)

    def names_data(self, text: str) -> None:
        """Say in the lower right corner where the picture's numbers come from; nothing where it has none."""
        if not text and self.badge:
            self._pending.append(FadeOut(self.badge, run_time=0.25))
            self.badge = None
        if text:
            self.badge = self._replace(self.badge, figures(text, BADGE).put(WIDE, BADGE_LINE, "right"))

    def _replace(self, old: Words | None, new: Words) -> Words:
        """The old line goes before the new one comes, so that never two are read at once."""
        if old:
            self._pending.append(FadeOut(old, run_time=0.25))
        self._pending.append(FadeIn(new, run_time=0.5, rate_func=squish_rate_func(smooth, 0.5, 1)))
        return new

    def compile_animations(self, *args: Any, **kwargs: Any) -> list[Animation]:
        """Manim's hook, here with the caption's change riding along on whatever is played."""
        pending, self._pending = self._pending, []
        return [*super().compile_animations(*args, **kwargs), *pending]

    def begin_animations(self) -> None:
        """Manim's hook, here to see once for a whole play what its frames can do without."""
        super().begin_animations()
        self._updated = is_updated(self)
        if not self._updated:
            quicken(self.animations)
            share_drawing(self.animations)

    def update_to_time(self, t: float) -> None:
        """Bring what is played to `t` seconds from its beginning."""
        if self._updated:
            super().update_to_time(t)
            return
        self.last_t = t
        for animation in self.animations:
            animation.interpolate(t / animation.run_time)


class Advance(Animation):
    """Run a part's clock from `start` to `stop`, in the time of its trajectory."""

    draws = True  # unless another animation of the part comes after it in every frame

    def __init__(self, part: Part, start: float, stop: float, **kwargs: Any) -> None:
        self.start, self.stop = start, stop
        super().__init__(part, **({"rate_func": linear} | kwargs))

    def begin(self) -> None:
        """Parts write themselves in place: there is nothing to copy."""
        self.interpolate(0)

    def create_starting_mobject(self) -> Mobject:
        return self.mobject

    def clock(self, alpha: float) -> float:
        """The trajectory's time at a share of the animation."""
        return self.start + (self.stop - self.start) * float(self.rate_func(alpha))

    def interpolate_mobject(self, alpha: float) -> None:
        if self.draws:
            self.mobject.show(self.clock(alpha))
        else:
            self.mobject.t = self.clock(alpha)


class Tune(Animation):
    """Change how a part is shown (`presence`, `lift`, …) while it may go on moving."""

    draws = True

    def __init__(self, part: Part, run_time: float = 0.8, **settings: float) -> None:
        self.settings = settings
        super().__init__(part, run_time=run_time)

    def begin(self) -> None:
        self.origin = {name: getattr(self.mobject, name) for name in self.settings}
        self.interpolate(0)

    def create_starting_mobject(self) -> Mobject:
        return self.mobject

    def interpolate_mobject(self, alpha: float) -> None:
        share = float(self.rate_func(min(alpha, 1)))
        origin = self.origin
        self.mobject.set_to(**{k: origin[k] + (to - origin[k]) * share for k, to in self.settings.items()})
        if self.draws:
            self.mobject.show(self.mobject.t)


def share_drawing(animations: Iterable[Animation]) -> None:
    """Let each part be drawn once a frame, by the last of the animations that move it."""
    drawn: set[int] = set()
    for animation in reversed(list(animations)):
        if type(animation) in (Advance, Tune):
            animation.draws = id(animation.mobject) not in drawn
            drawn.add(id(animation.mobject))
