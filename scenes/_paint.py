"""The painter: Manim's vector mobjects drawn with Cairo as its own camera draws them, in less time.

Three things make it quick. Paths are handed to Cairo as one array, built by numpy. What is wholly transparent
is not drawn. And only those tiles of the picture are drawn again in which something changed.
"""

import ctypes
import sys
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from itertools import islice
from typing import Any

import cairo
import numpy as np
from manim import Mobject, VMobject
from manim.camera.camera import CAP_STYLE_MAP, LINE_JOIN_MAP, Camera
from numpy.typing import NDArray

from scenes._tiles import Mask, grid

Array = NDArray[np.float64]
Pixels = NDArray[np.uint8]

MOVE, CURVE, CLOSE = 0, 2, 3  # Cairo's names for what follows in a path
SAME, CLOSE_TO = 1e-6, 1e-5  # how near Manim takes points for one: in units, and of their coordinates
LINE_WIDTH = 0.01  # units of the frame for a stroke width of 1, as in Manim's camera


class _Path(ctypes.Structure):
    """cairo_path_t: a status and an array of headers and points, 16 bytes each."""

    _fields_ = (("status", ctypes.c_int), ("data", ctypes.c_void_p), ("count", ctypes.c_int))


class Pen:
    """Hands numpy arrays to Cairo as paths, through the place where pycairo keeps a path's data."""

    def __init__(self) -> None:
        context = cairo.Context(cairo.ImageSurface(cairo.FORMAT_A8, 1, 1))
        context.move_to(1, 2)
        self.path = context.copy_path()  # lends its memory
        where = ctypes.c_void_p.from_address(id(self.path) + object.__basicsize__).value
        self.inside = _Path.from_address(where or 0)

    def append(self, context: "cairo.Context[Any]", elements: Array) -> None:
        """Add a path (n, 2), made by `elements_of`, to the context's."""
        inside = self.inside
        own = inside.data, inside.count
        inside.data, inside.count = elements.ctypes.data, len(elements)
        try:
            context.append_path(self.path)
        finally:
            inside.data, inside.count = own


@cache
def pen() -> Pen | None:
    """The pen, or None where pycairo is built otherwise than this expects: Manim's camera draws then."""
    probe = cairo.Context(cairo.ImageSurface(cairo.FORMAT_A8, 1, 1))
    kind = type(probe.copy_path())
    if sys.implementation.name != "cpython" or kind.__basicsize__ != object.__basicsize__ + 8:
        return None
    corners = np.zeros((8, 3))
    corners[:, :2] = (0, 0), (1, 2), (3, 4), (5, 6), (7, 7), (8, 9), (8, 8), (7, 7)
    pen = Pen()
    if pen.inside.status != 0 or pen.inside.count != 2 or not pen.inside.data:
        return None
    pen.append(probe, elements_of(corners))
    drawn = [(int(kind), points) for kind, points in probe.copy_path()]
    asked = [(0, (0, 0)), (2, (1, 2, 3, 4, 5, 6)), (0, (7, 7)), (2, (8, 9, 8, 8, 7, 7)), (3, ()), (0, (7, 7))]
    return pen if drawn == asked else None


def _header(kind: int, length: int) -> Array:
    return np.array([kind | length << 32, 0], dtype=np.int64).view(float)


_MOVE, _CURVE, _CLOSE = _header(MOVE, 2), _header(CURVE, 4), _header(CLOSE, 1)
NOTHING = np.zeros((0, 2))


def elements_of(points: Array) -> Array:
    """A path's headers and points as Cairo keeps them (m, 2), from Manim's points (4 n, 3).

    As in Manim a new piece begins where a curve does not start at the end of the last, and a piece that ends
    where it began is closed.
    """
    curves = points.reshape(-1, 4, 3)[..., :2]
    n = len(curves)
    ends, begins = curves[:-1, 3], curves[1:, 0]
    # the quick question first: most paths are of one piece
    if ends.tobytes() == begins.tobytes() or not len(starts := np.flatnonzero(_apart(ends, begins)) + 1):
        closed = all(
            abs(a - b) <= SAME + CLOSE_TO * abs(b)
            for a, b in zip(curves[0, 0].tolist(), curves[-1, 3].tolist(), strict=True)
        )
        elements = np.empty((4 * n + 2 + closed, 2))
        elements[0], elements[1] = _MOVE, curves[0, 0]
        body = elements[2 : 4 * n + 2].reshape(n, 4, 2)
        body[:, 0], body[:, 1:] = _CURVE, curves[:, 1:]
        if closed:
            elements[-1] = _CLOSE
        return elements
    ends = np.append(starts, n) - 1
    starts = np.append(0, starts)
    closes = ~_apart(curves[starts, 0], curves[ends, 3])
    before = 2 * np.arange(1, len(starts) + 1)  # headers and points of moves and closings, up to each piece
    before[1:] += closes.cumsum()[:-1]
    at = 4 * np.arange(n) + np.repeat(before, ends - starts + 1)
    elements = np.empty((4 * n + before[-1] + closes[-1], 2))
    elements[at] = _CURVE
    for i in (1, 2, 3):
        elements[at + i] = curves[:, i]
    elements[at[starts] - 2] = _MOVE
    elements[at[starts] - 1] = curves[starts, 0]
    elements[at[ends[closes]] + 4] = _CLOSE
    return elements


def _apart(a: Array, b: Array) -> NDArray[np.bool_]:
    """Which points (n, 2) Manim would not take for one."""
    return np.asarray((np.abs(a - b) > SAME + CLOSE_TO * np.abs(b)).any(-1))


def displayed(mobjects: Iterable[Mobject]) -> list[Mobject]:
    """All members of the families that have points, in the order Manim shows them: what comes twice, late."""
    found: list[Mobject] = []

    def walk(mobject: Mobject) -> None:
        if len(mobject.points):
            found.append(mobject)
        for part in mobject.submobjects:
            walk(part)

    for mobject in mobjects:
        walk(mobject)
    found.reverse()
    once = list(dict.fromkeys(found))
    once.reverse()
    return sorted(once, key=lambda mobject: mobject.z_index)


@dataclass(slots=True)
class Shape:
    """A mobject as it was painted last."""

    mobject: VMobject
    look: tuple[Any, ...]  # all that its picture hangs on
    tiles: tuple[slice, slice]  # that it meets
    elements: Array
    filled: bool
    stroked: bool
    behind: bool  # with a stroke behind its filling
    ends: tuple[Array, Array] | None  # of its gradients

    @property
    def visible(self) -> bool:
        return self.filled or self.stroked or self.behind


def _look(m: Any) -> tuple[Any, ...]:
    return (
        m.points.tobytes(),
        m.fill_rgbas.tobytes(),
        m.stroke_rgbas.tobytes(),
        m.stroke_width,
        m.background_stroke_width,
        m.background_stroke_rgbas.tobytes() if m.background_stroke_width else b"",
        m.joint_type,
        m.cap_style,
    )


class Painter:
    """The picture of a list of mobjects, kept from frame to frame, as one of Manim's cameras sees it.

    `pixels` (height, width, 4) are blue, green, red and opacity, premultiplied, in one byte each; `changed`
    is a mask of the tiles that differ from the frame before, None if nothing does. The ground is the
    camera's, or nothing at all where `clear`.
    """

    def __init__(self, camera: Camera, clear: bool = False) -> None:
        self.camera = camera
        self.width, self.height = camera.pixel_width, camera.pixel_height
        self.grid = grid(self.width, self.height)
        self.pixels: Pixels = np.zeros((self.height, self.width, 4), np.uint8)
        self.changed: Mask | None = None
        self.canvas = np.zeros_like(self.pixels)  # right within the tiles that were painted last
        self.context = _context(self.canvas)
        self.scale = self.width / camera.frame_width, self.height / camera.frame_height
        self.context.set_matrix(
            cairo.Matrix(self.scale[0], 0, 0, -self.scale[1], self.width / 2, self.height / 2)
        )
        ground = (0.0,) * 4 if clear else (*camera.background_color.to_rgb(), 1.0)
        self.ground = _plain(self.grid.across, ground)
        if clear:
            camera.background_opacity = 0
        self.shapes: dict[int, Shape] = {}
        # what lies behind all that moves is painted once, as Manim does it, and copied from there
        self.behind = np.zeros_like(self.pixels)
        self.behind_context = _context(self.behind)
        self.behind_context.set_matrix(self.context.get_matrix())
        self._tiles(self.behind)[:] = self.ground
        self.still: list[int] = []  # which shapes that are
        self.resting = 0  # how many of the first shapes did not change from the frame before
        self.whole = np.ones(self.grid.shape, bool)
        self.pen = pen()
        if self.pen is None:
            warnings.warn(
                "pycairo is not built as expected: Manim's own camera draws, slower, the same picture",
                RuntimeWarning,
                stacklevel=2,
            )

    def paint(self, mobjects: Iterable[Mobject]) -> None:
        """Bring the picture up to date."""
        members = displayed(mobjects)
        if self.pen is None or not all(isinstance(m, VMobject) and not m.background_image for m in members):
            self._stock(members)
            return
        last, now = self.shapes, {}
        damage = np.full(self.grid.shape, not last)
        for m in members:
            look, old = _look(m), last.get(id(m))
            if old is not None and old.look == look:
                now[id(m)] = old
                continue
            new = now[id(m)] = self._shape(m, look, old)
            # of a line that grew the whole: how its edges are smoothed hangs on all that lies in their row
            for shape in (new, old):
                if shape is not None and shape.visible:
                    damage[shape.tiles] = True
        for key, old in last.items():
            if key not in now and old.visible:
                damage[old.tiles] = True
        if [key for key in now if key in last] != [key for key in last if key in now]:
            damage[:] = True
        self.shapes = now
        self.changed = None
        if damage.any():
            self._settle(last)
            self.changed = self._repaint(damage)
        if not last:
            self.changed = self.whole

    def rgba(self) -> Pixels:
        """The picture as others take it: red, green, blue and opacity, not premultiplied."""
        blue, green, red, alpha = np.moveaxis(self.pixels, -1, 0)
        if alpha.min() == 255:
            return np.stack([red, green, blue, alpha], -1)
        share = np.maximum(alpha, 1) / 255.0
        colours = [np.round(colour / share).astype(np.uint8) for colour in (red, green, blue)]
        return np.stack([*colours, alpha], -1)

    def _stock(self, members: list[Mobject]) -> None:
        """Let Manim's camera draw what only it can."""
        self.camera.reset()
        self.camera.capture_mobjects(members, include_submobjects=False)
        self.pixels[...] = self.camera.pixel_array[..., [2, 1, 0, 3]]
        self.shapes, self.changed = {}, self.whole

    def _shape(self, m: Any, look: tuple[Any, ...], old: Shape | None) -> Shape:
        shows = (
            _opaque(m.fill_rgbas),
            bool(m.stroke_width) and _opaque(m.stroke_rgbas),
            bool(m.background_stroke_width) and _opaque(m.background_stroke_rgbas),
        )
        visible = any(shows)
        stays = old is not None and old.look[0] == look[0]
        elements, ends = (old.elements, old.ends) if stays else (NOTHING, None)
        if visible and elements is NOTHING:
            elements = elements_of(m.points)
        if visible and ends is None and max(len(m.fill_rgbas), len(m.stroke_rgbas)) > 1:
            ends = m.get_gradient_start_and_end_points()
        same_place = stays and old.look[3:5] == look[3:5]
        tiles = old.tiles if same_place else self._meets(m)
        return Shape(m, look, tiles, elements, *shows, ends)

    def _meets(self, m: Any) -> tuple[slice, slice]:
        """The tiles that a mobject may show in."""
        (left, low, _), (right, high, _) = m.points.min(0).tolist(), m.points.max(0).tolist()
        x, y = self.scale
        reach = 2 + 5 * LINE_WIDTH * max(m.stroke_width, m.background_stroke_width) * x
        return self.grid.meets(
            self.width / 2 + left * x - reach,
            self.height / 2 - high * y - reach,
            self.width / 2 + right * x + reach,
            self.height / 2 - low * y + reach,
        )

    def _settle(self, last: dict[int, Shape]) -> None:
        """Have behind the canvas what has stayed from the first shape on: all that did for two frames."""
        resting = 0
        for (key, shape), (other, before) in zip(self.shapes.items(), last.items(), strict=False):
            if key != other or shape is not before:
                break
            resting += 1
        keys = list(self.shapes)
        if resting < len(self.still):
            self.still = []
            self._tiles(self.behind)[:] = self.ground
            self.behind_context.get_target().mark_dirty()
        elif len(self.still) < resting == self.resting:
            for key in keys[len(self.still) : resting]:
                if self.shapes[key].visible:
                    self._draw(self.shapes[key], self.behind_context)
            self.behind_context.get_target().flush()
            self.still = keys[:resting]
        self.resting = resting

    def _repaint(self, damage: Mask) -> Mask | None:
        """Draw what meets some tiles; unclipped, since Cairo draws clipped edges a little otherwise.

        Returned are the tiles in which this changed the picture.
        """
        surface = self.context.get_target()
        surface.flush()
        row, column = damage.nonzero()
        canvas, pixels = self._tiles(self.canvas), self._tiles(self.pixels)
        canvas[row, :, column] = self._tiles(self.behind)[row, :, column]
        surface.mark_dirty()
        for shape in islice(self.shapes.values(), len(self.still), None):
            if shape.visible and damage[shape.tiles].any():
                self._draw(shape, self.context)
        surface.flush()
        changed = self.grid.differing(self.canvas, self.pixels, damage)
        row, column = changed.nonzero()
        pixels[row, :, column] = canvas[row, :, column]
        return changed if len(row) else None

    def _tiles(self, pixels: Pixels) -> NDArray[Any]:
        return self.grid.cut(pixels.reshape(self.height, -1))

    def _draw(self, shape: Shape, context: "cairo.Context[Any]") -> None:
        m: Any = shape.mobject
        context.new_path()
        self.pen.append(context, shape.elements)
        if shape.behind:
            self._stroke(shape, context, m.background_stroke_width, m.background_stroke_rgbas)
        if shape.filled:
            self._source(shape, context, m.fill_rgbas)
            context.fill_preserve()
        if shape.stroked:
            self._stroke(shape, context, m.stroke_width, m.stroke_rgbas)

    def _stroke(self, shape: Shape, context: "cairo.Context[Any]", width: float, rgbas: Array) -> None:
        m: Any = shape.mobject
        self._source(shape, context, rgbas)
        context.set_line_width(width * LINE_WIDTH)
        context.set_line_join(LINE_JOIN_MAP[m.joint_type])
        context.set_line_cap(CAP_STYLE_MAP[m.cap_style])
        context.stroke_preserve()

    def _source(self, shape: Shape, context: "cairo.Context[Any]", rgbas: Array) -> None:
        if len(rgbas) == 1:
            context.set_source_rgba(*rgbas[0].tolist())
            return
        (x, y, _), (to_x, to_y, _) = shape.ends or shape.mobject.get_gradient_start_and_end_points()
        gradient = cairo.LinearGradient(x, y, to_x, to_y)
        for place, rgba in zip(np.linspace(0, 1, len(rgbas)).tolist(), rgbas.tolist(), strict=True):
            gradient.add_color_stop_rgba(place, *rgba)
        context.set_source(gradient)


def _opaque(rgbas: Array) -> bool:
    return bool(rgbas[0, 3]) or (len(rgbas) > 1 and bool(rgbas[:, 3].any()))


def _context(pixels: Pixels) -> "cairo.Context[Any]":
    height, width = pixels.shape[:2]
    return cairo.Context(cairo.ImageSurface.create_for_data(pixels.data, cairo.FORMAT_ARGB32, width, height))


def _plain(width: int, rgba: tuple[float, ...]) -> NDArray[Any]:
    """A line of so many pixels of one colour, as Cairo has it, in one element."""
    line = np.zeros((1, width, 4), np.uint8)
    context = _context(line)
    context.set_source_rgba(*rgba)
    context.paint()
    context.get_target().flush()
    return line.reshape(-1).view(f"V{4 * width}")[0]
