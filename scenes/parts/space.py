"""The space that words live in, seen on a plane."""

import numpy as np
import xarray as xr
from manim import VGroup

from scenes import _bezier
from scenes._theme import Role, Words, words
from scenes.parts import Array, Part, mark
from scenes.parts.labels import Rectangle, along, names
from sims import ParameterError

GRID = 0.5  # between grid lines, in the units of the vectors
PLUS = np.array([(0.1, 0), (0, 0.1)])  # the mark of the origin
SIDES: tuple[Role, ...] = ("state", "target", "muted")  # river, money, neither


def on_plane(trajectory: xr.Dataset) -> xr.Dataset:
    """A one-headed attention's vectors on its recorded plane, as `…_xy` (…, axis).

    The map x -> plane x is linear and the same at every step, so arrows that add up in the space add up on
    the plane. Raises ParameterError for more heads than one, whose values are no vectors of that space.
    """
    if trajectory.sizes["head"] != 1:
        raise ParameterError(f"heads must be 1 to be drawn on the plane; got {trajectory.sizes['head']}")
    one = trajectory.isel(head=0)
    vectors = {
        "word_xy": one.embeddings,
        "value_xy": one.v.rename(channel="feature"),
        "arrow_xy": one.arrows,
        "before_xy": one.bank_before,
        "after_xy": one.bank_after,
    }
    return one.assign({name: x.dot(one.plane, dim="feature") for name, x in vectors.items()})


class View:
    """From the plane to the frame: a scale and the origin's place, together `there`, and a box around."""

    def __init__(
        self, box: tuple[float, float, float, float], xy: Array, margin: tuple[float, float]
    ) -> None:
        """Fit the points xy (n, 2) into a box (left, bottom, right, top), keeping a margin."""
        self.box = box
        low, high = xy.min(0), xy.max(0)
        room = np.array([box[2] - box[0], box[3] - box[1]]) - 2 * np.array(margin)
        self.scale = float((room / (high - low)).min())
        self.origin = np.array([box[0] + box[2], box[1] + box[3]]) / 2 - self.scale * (low + high) / 2
        self.there = {"scale": self.scale, "x0": float(self.origin[0]), "y0": float(self.origin[1])}


class Space(Part):
    """Every word of `word_xy` (step, word, axis) as a dot on a grid, and the first word as an arrow.

    River words are discs, money words diamonds, the rest small. `scale`, `x0` and `y0` place the plane in
    the frame, so that tuning them is zooming; what leaves the box is not drawn. `words_there`, `rest_there`
    and `arrow_there` go from 0 to 1.
    """

    variables = ("word_xy", "word_sense")

    def __init__(self, trajectory: xr.Dataset, view: View) -> None:
        super().__init__(trajectory, "step")
        self.box = np.array(view.box)
        self.scale, (self.x0, self.y0) = view.scale, view.origin
        self.words_there, self.rest_there, self.arrow_there, self.grid_there = 0.0, 0.0, 0.0, 1.0
        self.groups = [np.flatnonzero(self.data["word_sense"] == i) for i in range(3)]
        self.groups[2] = self.groups[2][self.groups[2] != 0]
        self.grid = mark(stroke="faint", width=1.5)
        self.cross = mark(stroke="muted", width=2)
        self.dots = VGroup(*[mark(fill=role) for role in SIDES])
        self.arrow = mark(fill="ink")
        self.add(self.grid, self.cross, self.dots, self.arrow)
        self.show(float(self.instants[-1]))

    def place(self, xy: Array) -> Array:
        """Points of the plane (…, 2) in the frame."""
        return np.array([self.x0, self.y0]) + self.scale * np.asarray(xy)

    def draw(self, t: float) -> None:
        xy = self.place(self.at("word_xy", t))
        inside = ((xy >= self.box[:2]) & (xy <= self.box[2:])).all(-1)
        self._draw_grid()
        for i, (dots, rows) in enumerate(zip(self.dots, self.groups, strict=True)):
            radius = np.where(inside[rows], (0.09, 0.11, 0.05)[i], 0.0)
            dots.points = diamonds(xy[rows], radius) if i == 1 else _bezier.discs(xy[rows], radius)
            dots.fill_rgbas[:, 3] = (self.rest_there if i == 2 else self.words_there) * self.presence
        foot = self.place(np.zeros(2))
        self.cross.points = _bezier.segments(foot - PLUS, foot + PLUS)
        self.arrow.points = _bezier.arrows(foot, foot + self.arrow_there * (xy[0] - foot), 0.06, 0.24)
        self.arrow.fill_rgbas[:, 3] = min(1.0, 10 * self.arrow_there) * self.presence

    def _draw_grid(self) -> None:
        left, bottom, right, top = self.box
        low = np.ceil((self.box[:2] - (self.x0, self.y0)) / self.scale / GRID)
        high = np.floor((self.box[2:] - (self.x0, self.y0)) / self.scale / GRID)
        x, y = (np.arange(a, b + 1) for a, b in zip(low, high, strict=True))
        x, y = self.x0 + self.scale * GRID * x, self.y0 + self.scale * GRID * y
        starts = [*[(a, bottom) for a in x], *[(left, b) for b in y]]
        ends = [*[(a, top) for a in x], *[(right, b) for b in y]]
        self.grid.points = _bezier.segments(starts, ends) if starts else np.zeros((0, 3))
        self.grid.stroke_rgbas[:, 3] = self.grid_there * self.presence

    def taken(self) -> list[Rectangle]:
        """Places that the dots and the arrow need."""
        dots = self.place(self.at("word_xy", self.t))
        return [*(spot for dot in dots for spot in along(dot, dot)), *along(self.place(np.zeros(2)), dots[0])]

    def name_words(self, said: set[str], taken: list[Rectangle]) -> VGroup:
        """Names of the first word and of those that tell its sense and are `said`."""
        vocabulary = [str(word) for word in self.trajectory.word.values]
        sense = self.data["word_sense"]
        rows = [0, *[i for i in np.flatnonzero(sense < 2) if vocabulary[i] in said]]
        labels = [Words(vocabulary[i], 20, SIDES[sense[i]]) if i else self.first_name() for i in rows]
        left, bottom, right, top = (float(edge) for edge in self.box)
        dots = self.place(self.at("word_xy", self.t)[rows])
        return names(labels, dots, [*self.taken(), *taken], (left, bottom, right, top))

    def first_name(self) -> Words:
        """The name of the word that the arrow stands for."""
        return Words(str(self.trajectory.word.values[0]), 24, weight="BOLD")

    def read(self) -> dict[str, Array]:
        xy = np.empty_like(self.at("word_xy", self.t))
        for dots, rows in zip(self.dots, self.groups, strict=True):
            xy[rows] = dots.points.reshape(len(rows), -1, 3)[..., :2].mean(1)
        xy[0] = self.place(np.zeros(2))
        if self.arrow_there:
            xy[0] += (self.arrow.points[12, :2] - xy[0]) / self.arrow_there
        else:
            xy[0] = self.place(self.at("word_xy", self.t)[0])
        return {"word_xy": (xy - (self.x0, self.y0)) / self.scale}


def legend(x: float, y: float) -> VGroup:
    """What the three kinds of dots stand for, in a row from x on the baseline y."""
    row = VGroup()
    for i, (name, role) in enumerate(zip(("river words", "money words", "other words"), SIDES, strict=True)):
        dot, radius = mark(fill=role), (0.09, 0.11, 0.05)[i]
        middle = np.array([[x + 0.11, y + 0.07]])
        dot.points = diamonds(middle, np.array([radius])) if i == 1 else _bezier.discs(middle, radius)
        text = words(name, 16, role).put(x + 0.3, y, "left")
        row.add(dot, text)
        x += 0.3 + float(text.width) + 0.4
    return row


def diamonds(centres: Array, radius: Array) -> Array:
    """Squares on their points, round centres (n, 2)."""
    around = np.array([(1, 0), (0, 1), (-1, 0), (0, -1)])
    return _bezier.polygons(centres[:, None] + radius[:, None, None] * around)
