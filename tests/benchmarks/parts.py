"""The three reference scenes with our parts: the same pictures, written in place from arrays."""

from typing import ClassVar

import numpy as np
import xarray as xr

from benchmarks import stories as s
from scenes import _bezier
from scenes._film import Advance, Film
from scenes._theme import rgb, signed_colour, words
from scenes.parts import Part, deal, mark
from scenes.parts.curve import Curve
from scenes.parts.number import Number


class Frames(Part):
    """A part whose clock counts frames; its arrays hold every frame."""

    def __init__(self, trajectory: xr.Dataset) -> None:
        super().__init__(trajectory, "")
        self.instants = np.arange(s.FRAMES + 1.0)

    def draw(self, t: float) -> None:
        self.write(round(t))

    def write(self, k: int) -> None:
        """Be the picture of frame k."""


class Dots(Frames):
    """Phases on a circle and the order arrow."""

    def __init__(self, run: xr.Dataset) -> None:
        super().__init__(run)
        centre = np.array(s.CENTRE)
        on_circle = np.exp(1j * run.theta.values)
        places = centre + s.RADIUS * np.stack([on_circle.real, on_circle.imag], -1)
        frames, n = places.shape[:2]
        self.outlines = _bezier.discs(places.reshape(-1, 2), s.DOT).reshape(frames, n, 16, 3)
        order = s.RADIUS * run.r.values * np.exp(1j * run.psi.values)
        tips = centre + np.stack([order.real, order.imag], -1)
        self.arrows = _bezier.arrows(np.broadcast_to(centre, tips.shape), tips, 0.06, 0.24)
        self.arrows = self.arrows.reshape(frames, -1, 3)
        ring = mark(stroke="muted", width=2)
        ring.points = _bezier.discs([centre], s.RADIUS)
        self.arrow = mark(fill="focus")
        self.dots = [mark(fill=s.FIVE[i % 5]) for i in range(n)]
        self.add(ring, self.arrow, *self.dots)

    def write(self, k: int) -> None:
        self.arrow.points = self.arrows[k]
        for dot, outline in zip(self.dots, self.outlines[k], strict=True):
            dot.points = outline


class Edges(Frames):
    """Weights as 56 edges between units that stand still."""

    def __init__(self, run: xr.Dataset) -> None:
        super().__init__(run)
        weights = np.concatenate([run[f"W_{l}"].values.reshape(len(run.step), -1) for l in (1, 2)], -1)
        self.widths = s.WIRE * abs(weights)
        self.shades = np.where(weights[..., None] >= 0, rgb("state"), rgb("error"))
        units = [mark(stroke="ink", width=2) for _ in np.vstack(s.COLUMNS)]
        deal(_bezier.discs(np.vstack(s.COLUMNS), s.UNIT), units)
        self.edges = []
        for before, after in zip(s.COLUMNS, s.COLUMNS[1:]):
            for end in after:
                for start in before:
                    along = (end - start) / np.linalg.norm(end - start) * s.UNIT
                    edge = mark(stroke="state")
                    edge.points = _bezier.segments([start + along], [end - along])
                    self.edges.append(edge)
        self.add(*units, *self.edges)

    def write(self, k: int) -> None:
        for edge, width, shade in zip(self.edges, self.widths[k], self.shades[k], strict=True):
            edge.stroke_width = width
            edge.stroke_rgbas[:, :3] = shade


class Cells(Frames):
    """The weights of the first layer as coloured cells: one mark for each row, a gradient in hard steps."""

    STOPS = 10  # to a cell; the last blends into the next cell's first where the gap is

    def __init__(self, run: xr.Dataset) -> None:
        super().__init__(run)
        shades = signed_colour(run.W_1.values, s.limits()[0])
        frames, m, n = shades.shape[:3]
        opaque = np.ones((frames, m, n, 1))
        self.shades = np.repeat(np.concatenate([shades, opaque], -1), self.STOPS, axis=2)
        self.rows = [mark(fill="panel") for _ in range(m)]
        left = s.CORNER[0] + s.CELL[0] * np.arange(n)
        for j, row in enumerate(self.rows):
            top = s.CORNER[1] - s.CELL[1] * j
            row.points = _bezier.rectangles(left, top - s.CELL[1] + s.GAP, left + s.CELL[0] - s.GAP, top)
            row.sheen_direction = np.array([1.0, 0, 0])
        self.add(*self.rows)

    def write(self, k: int) -> None:
        for row, shades in zip(self.rows, self.shades[k], strict=True):
            row.fill_rgbas = shades


class Weights(Frames):
    """Arrows as strong as the last word's weights, and all weights as live numbers."""

    def __init__(self, run: xr.Dataset) -> None:
        super().__init__(run)
        self.weights = run.weights.values
        start = np.array([[s.ACROSS[-1], s.LOWER + 0.35]])
        ends = np.stack([s.ACROSS, np.full(6, s.UPPER - 0.2)], -1)
        self.outlines = np.array(
            [
                [_bezier.arrows(start, end[None], (1 + 10 * w) / 100, s.HEAD) for end, w in zip(ends, row)]
                for row in self.weights[:, -1]
            ]
        )
        self.arrows = [mark(fill="state") for _ in ends]
        left, top, across, down = s.TABLE
        self.numbers = [
            Number("{:.2f}", s.SIZE, align="centre").put(left + across * j, top - down * i - 0.12)
            for i, j in np.ndindex(6, 6)
        ]
        self.add(*self.arrows, *self.numbers)

    def write(self, k: int) -> None:
        for arrow, outline in zip(self.arrows, self.outlines[k], strict=True):
            arrow.points = outline
        for number, value in zip(self.numbers, self.weights[k].flat, strict=True):
            number.set(value)


class Reference(Film):
    """The frames from `first` on, `count` of them."""

    question = "The same picture?"
    first: ClassVar[int] = 0
    count: ClassVar[int] = s.FRAMES

    def run_clock(self, *parts: Part) -> None:
        share = np.array([self.first, self.first + self.count]) / s.FRAMES
        self.play(
            *[Advance(part, *(share * part.instants[-1]), run_time=self.count / s.FPS) for part in parts]
        )


class Oscillators(Reference):
    """A: sixty dots on a circle, the order arrow, a growing curve."""

    def construct(self) -> None:
        run = s.oscillators()
        end = float(run.time[-1])
        curve = Curve(run, "r", s.ORDER_BOX, (0, end), (0, 1), "order r", "time (s)")
        dots = Dots(run)
        self.add(dots, curve)
        self.run_clock(dots, curve)


class Learning(Reference):
    """B: a network whose 56 edges change in every frame, a heatmap, the loss."""

    def construct(self) -> None:
        run = s.learning()
        span, extent = (0.0, float(run.step[-1])), (0.0, s.limits()[1])
        curve = Curve(run, "loss", s.LOSS_BOX, span, extent, "loss", "step", clock="step")
        edges, cells = Edges(run), Cells(run)
        self.add(edges, cells, curve)
        self.run_clock(edges, cells, curve)


class Looking(Reference):
    """C: twelve words, arrows, a matrix of 6 × 6 live numbers."""

    def construct(self) -> None:
        run = s.looking()
        for x, token in zip(s.ACROSS, run.tokens.values, strict=True):
            self.add(words(str(token)).put(x, s.UPPER), words(str(token)).put(x, s.LOWER))
        weights = Weights(run)
        self.add(weights)
        self.run_clock(weights)


SCENES = {"A": Oscillators, "B": Learning, "C": Looking}


def stretch(name: str, first: int, count: int) -> type[Reference]:
    """The film of some frames of a reference scene."""
    return type(f"{name}_{first}", (SCENES[name],), {"first": first, "count": count})
