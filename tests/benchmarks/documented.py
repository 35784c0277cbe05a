"""The three reference scenes as Manim's documentation would write them.

`always_redraw`, `ValueTracker`, updaters, `DecimalNumber.set_value`, a rectangle for each cell; rendered by
`Scene.render()`. Only the words that stand still come from our theme, so that both makes are set alike.
"""

from collections.abc import Callable
from time import perf_counter
from typing import Any

import numpy as np
from manim import (
    Arrow,
    Axes,
    Circle,
    DecimalNumber,
    Dot,
    Line,
    Mobject,
    Rectangle,
    Scene,
    Text,
    ValueTracker,
    VGroup,
    always_redraw,
    linear,
    rgb_to_color,
)

from benchmarks import stories as s
from benchmarks.stock import Pixels, plain_manim
from scenes import _render
from scenes._outlines import register_fonts
from scenes._theme import MONO, SMALL, colour, signed_colour, words


class Documented(Scene):
    """The frames from `first` on, `count` of them, on the clock `self.frame`."""

    def __init__(self, first: int, count: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.first, self.count = first, count
        self.frame = ValueTracker(first)

    @property
    def now(self) -> int:
        return round(self.frame.get_value())

    def run_clock(self) -> None:
        self.began = perf_counter()
        to = self.frame.animate(run_time=self.count / s.FPS, rate_func=linear)
        self.play(to.set_value(self.first + self.count))

    def chart(self, box: tuple[float, ...], top: float, end: float, label: str, along: str) -> Axes:
        left, bottom, width, height = box
        axes = Axes(
            x_range=[0, end, end / 10],
            y_range=[0, top, top / 4],
            x_length=width,
            y_length=height,
            tips=False,
            axis_config={"include_ticks": False, "stroke_width": 2, "color": colour("muted")},
        )
        axes.shift(np.array([left, bottom, 0]) - axes.c2p(0, 0))
        self.add(axes, words(label, SMALL, "focus").put(left, bottom + height + 0.16, "left"))
        self.add(words(along, SMALL, "muted").put(left + width, bottom - 0.34, "right"))
        return axes

    def growing(self, axes: Axes, times: np.ndarray, values: np.ndarray) -> None:
        def curve() -> Mobject:
            end = max(times[self.now], times[1])
            return axes.plot(
                lambda t: np.interp(t, times, values),
                x_range=[0, end, times[-1] / 200],
                color=colour("focus"),
                stroke_width=4,
            )

        def head() -> Mobject:
            return Dot(axes.c2p(times[self.now], values[self.now]), radius=0.07, color=colour("focus"))

        self.add(always_redraw(curve), always_redraw(head))


class Oscillators(Documented):
    """A: sixty dots on a circle, the order arrow, a growing curve."""

    def construct(self) -> None:
        run = s.oscillators()
        theta, r, psi = run.theta.values, run.r.values, run.psi.values
        centre = np.array([*s.CENTRE, 0])

        def place(length: float, angle: float) -> np.ndarray:
            return centre + s.RADIUS * length * np.array([np.cos(angle), np.sin(angle), 0])

        axes = self.chart(s.ORDER_BOX, 1.0, float(run.time[-1]), "order r", "time (s)")
        self.add(Circle(radius=s.RADIUS, color=colour("muted"), stroke_width=2).move_to(centre))
        self.add(
            always_redraw(
                lambda: Arrow(
                    centre,
                    place(r[self.now], psi[self.now]),
                    buff=0,
                    stroke_width=6,
                    tip_length=0.24,
                    max_tip_length_to_length_ratio=1,
                    max_stroke_width_to_length_ratio=100,
                    color=colour("focus"),
                )
            )
        )
        for i in range(theta.shape[1]):
            self.add(
                always_redraw(
                    lambda i=i: Dot(place(1, theta[self.now, i]), radius=s.DOT, color=colour(s.FIVE[i % 5]))
                )
            )
        self.growing(axes, run.time.values, r)
        self.run_clock()


class Learning(Documented):
    """B: a network whose 56 edges change in every frame, a heatmap, the loss."""

    def construct(self) -> None:
        run = s.learning()
        largest, highest = s.limits()
        axes = self.chart(s.LOSS_BOX, highest, float(run.step[-1]), "loss", "step")
        units = [
            Circle(radius=s.UNIT, color=colour("ink"), stroke_width=2).move_to([*place, 0])
            for column in s.COLUMNS
            for place in column
        ]
        self.add(*units)
        for l in (1, 2):
            W = run[f"W_{l}"].values
            for j, end in enumerate(s.COLUMNS[l]):
                for i, start in enumerate(s.COLUMNS[l - 1]):
                    self.add(always_redraw(self.edge(W[:, j, i], start, end)))
        self.add(self.heatmap(run.W_1.values, largest))
        self.growing(axes, run.step.values.astype(float), run.loss.values)
        self.run_clock()

    def edge(self, w: np.ndarray, start: np.ndarray, end: np.ndarray) -> Callable[[], Mobject]:
        along = (end - start) / np.linalg.norm(end - start) * s.UNIT
        a, b = np.array([*start + along, 0]), np.array([*end - along, 0])

        def line() -> Mobject:
            value = w[self.now]
            shade = colour("state" if value >= 0 else "error")
            return Line(a, b, stroke_width=s.WIRE * abs(value), color=shade)

        return line

    def heatmap(self, W: np.ndarray, largest: float) -> Mobject:
        wide, tall = s.CELL
        cells = VGroup()
        for j, i in np.ndindex(W.shape[1:]):
            x, y = s.CORNER[0] + wide * i, s.CORNER[1] - tall * j
            cell = Rectangle(width=wide - s.GAP, height=tall - s.GAP, stroke_width=0, fill_opacity=1)
            cells.add(cell.move_to([x + (wide - s.GAP) / 2, y - (tall - s.GAP) / 2, 0]))

        def repaint(cells: Mobject) -> None:
            for cell, value in zip(cells, W[self.now].flat, strict=True):
                cell.set_fill(rgb_to_color(signed_colour(value, largest)))

        cells.add_updater(repaint)
        repaint(cells)
        return cells


class Mono(Text):
    """A character as `DecimalNumber` asks for it, where there is no LaTeX."""

    def __init__(self, text: str, **kwargs: Any) -> None:
        register_fonts()
        super().__init__(text, font=MONO, **kwargs)


class Looking(Documented):
    """C: twelve words, arrows, a matrix of 6 × 6 live numbers."""

    def construct(self) -> None:
        run = s.looking()
        weights = run.weights.values
        for x, token in zip(s.ACROSS, run.tokens.values, strict=True):
            self.add(words(str(token)).put(x, s.UPPER), words(str(token)).put(x, s.LOWER))
        start = np.array([s.ACROSS[-1], s.LOWER + 0.35, 0])
        for i, x in enumerate(s.ACROSS):
            self.add(always_redraw(self.arrow(weights[:, -1, i], start, np.array([x, s.UPPER - 0.2, 0]))))
        left, top, across, down = s.TABLE
        for i, j in np.ndindex(6, 6):
            number = DecimalNumber(
                weights[self.now, i, j], mob_class=Mono, font_size=s.SIZE, digit_buff_per_font_unit=0.0036
            )
            number.move_to([left + across * j, top - down * i, 0]).set_color(colour("ink"))
            number.add_updater(lambda number, i=i, j=j: number.set_value(weights[self.now, i, j]))
            self.add(number)
        self.run_clock()

    def arrow(self, w: np.ndarray, start: np.ndarray, end: np.ndarray) -> Callable[[], Mobject]:
        return lambda: Arrow(
            start,
            end,
            buff=0,
            stroke_width=1 + 10 * w[self.now],
            tip_length=s.HEAD,
            max_tip_length_to_length_ratio=1,
            max_stroke_width_to_length_ratio=100,
            color=colour("state"),
        )


SCENES = {"A": Oscillators, "B": Learning, "C": Looking}


def render(
    name: str, first: int, count: int, quality: _render.Quality, options: dict[str, str] | None = None
) -> float:
    """The seconds `manim` takes for some frames, with these settings of its encoder or its own.

    Counted is from the first frame to the finished clip.
    """
    settings: dict[str, Any] = {"video_encoder_options": options} if options else {}
    with plain_manim(quality, disable_caching=True, **settings):
        scene = SCENES[name](first, count)
        scene.render()
        return perf_counter() - scene.began


def last_frame(name: str, frame: int, quality: _render.Quality) -> Pixels:
    """One frame (height, width, 4) as Manim's camera draws it."""
    with plain_manim(quality, dry_run=True):
        scene = SCENES[name](frame, 1)
        scene.render()
        return scene.renderer.camera.pixel_array
