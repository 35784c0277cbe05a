"""A layered network: activations as brightness, weights as wires, blame as arcs round the units."""

import numpy as np
import xarray as xr
from manim import VGroup

from scenes import _bezier
from scenes._theme import SMALL, rgb, words
from scenes.parts import Array, Part, deal, mark
from scenes.parts.greys import readable_greys
from scenes.parts.number import Number, advance
from scenes.parts.wires import Wires

PULSE = 0.09  # radius of the largest pulse in a layer
HALO = 0.085  # thickness of the light round the output of the largest error
TURN = 5.5  # radians of arc for the largest blame of the whole trajectory
SIZE = 15  # of the numbers on the units
RIM = 0.3  # radius of a unit, unless there are too many for it
FAINT = 0.14  # what is left of a wire off the route

Weight = tuple[int, int, int]  # layer, unit it goes to, unit it comes from


class Network(Part):
    """Weights W_l as wires, activations a_l as discs, blame delta_l as arcs, the errors a_L - y_L as light.

    Width is |W|; positive is solid and blue, negative dashed and red. Brightness is the activation; it skips
    the few greys on which no number can be read. An arc runs clockwise where delta > 0.

    `signal` 0 … L is how far the input has come: layer l lights up from l to l + 0.3, then pulses as large as
    what each wire carries run on. `surge` 0 … L sends such pulses once more. `blame` 0 … L is the same from
    the outputs backwards; `blame_there` veils its arcs. `meet` runs both along the wires until they meet in
    the middle. `route` dims all that does not lie on the way from `weight` to the outputs.
    """

    def __init__(
        self,
        trajectory: xr.Dataset,
        box: tuple[float, float, float, float],
        weight: Weight,
        clock: str = "step",
    ) -> None:
        self.L = sum(str(name).startswith("W_") for name in trajectory)
        self.layers = range(1, self.L + 1)
        self.variables = (
            *(f"{name}_{l}" for name in ("W", "a", "delta") for l in self.layers),
            "a_0",
            f"y_{self.L}",
        )
        super().__init__(trajectory, clock)
        self.signal = self.surge = self.blame = self.meet = self.route = self.halo = 0.0
        self.blame_there = 1.0
        self.box, self.weight = box, weight
        sizes = [self.data["a_0"].shape[-1], *(self.data[f"a_{l}"].shape[-1] for l in self.layers)]
        self.places = [self._column(l, n) for l, n in enumerate(sizes)]
        self.radii = [min(RIM, 0.38 * box[3] / max(n - 1, 1)) for n in sizes]
        self.dark, self.light = readable_greys()
        self.ground, self.ink = rgb("ground"), rgb("ink")
        activations = np.concatenate([self.data[f"a_{l}"].ravel() for l in range(self.L + 1)])
        self.low, self.high = min(0.0, activations.min()), max(1.0, activations.max())
        self.turn = TURN / max(abs(self.data[f"delta_{l}"]).max() for l in self.layers)
        self.glow = HALO / max(abs(self.data[f"a_{self.L}"] - self.data[f"y_{self.L}"]).max(), 1e-9)
        self._make_marks(sizes)
        self.show(self.t)

    def _column(self, l: int, n: int) -> Array:
        left, bottom, width, height = self.box
        y = bottom + height / 2 - min(0.84, height / max(n - 1, 1)) * (np.arange(n) - (n - 1) / 2)
        return np.stack([np.full(n, left + width * l / self.L), y], -1)

    def _make_marks(self, sizes: list[int]) -> None:
        """Wires at the back, then light and arcs, then units and their numbers, then what travels."""
        self.wires = {
            l: Wires(self.places[l - 1], self.places[l], *self.radii[l - 1 : l + 1]) for l in self.layers
        }
        self.halos = VGroup(*[mark(stroke="error", opacity=0.6) for _ in range(sizes[-1])])
        self.units = [VGroup(*[mark(fill="ink", stroke="ink") for _ in range(n)]) for n in sizes]
        self.arcs = {
            l: VGroup(*[mark(stroke="error", width=5) for _ in range(sizes[l])]) for l in self.layers
        }
        fit = [
            n if 3.6 * advance(SIZE) < 2 * radius else 0 for n, radius in zip(sizes, self.radii, strict=True)
        ]
        self.numbers = [[Number("{:.2f}", SIZE, align="centre") for _ in range(n)] for n in fit]
        for l, units in enumerate(self.units):
            deal(_bezier.discs(self.places[l], self.radii[l]), units)
            for number, (x, y) in zip(self.numbers[l], self.places[l]):
                number.put(x, y - 0.08)
        self.forth, self.back = mark(fill="ink"), mark(fill="error")
        names = ["input", *["hidden"] * (self.L - 1), "output"]
        labels = [
            words(name, SMALL, "muted").put(column[0, 0], self.box[1] - 0.66)
            for name, column in zip(names, self.places, strict=True)
        ]
        edge = self.box[0] - RIM  # a long name of the first column would reach beyond the picture's edge
        labels[0].shift([max(0.0, edge - labels[0].get_left()[0]), 0, 0])
        self.add(*self.wires.values(), self.halos)
        self.add(*self.units, *[n for layer in self.numbers for n in layer], *self.arcs.values())
        self.add(self.forth, self.back, *labels)

    # ------------------------------------------------------------------------------------ where things are

    def clearing(self, l: int, j: int, i: int) -> Array:
        """The place in the middle third of a wire that is farthest from every other wire of its layer."""
        start, end, share = self.places[l - 1], self.places[l], np.linspace(1 / 3, 2 / 3, 101)
        y = start[:, 1] + (end[:, 1, None] - start[:, 1]) * share[:, None, None]
        apart = abs(y - y[:, j, i, None, None])
        apart[:, j, i] = np.inf
        best = share[apart.min((1, 2)).argmax()]
        return np.asarray(start[i] + (end[j] - start[i]) * best)

    def on_route(self, l: int) -> Array:
        """How much each wire into layer l is spoken of (n_l, n_{l-1})."""
        chosen, j, i = self.weight
        there = np.zeros((len(self.places[l]), len(self.places[l - 1])))
        if l == chosen:
            there[j, i] = 1
        elif l > chosen:
            there[:, j if l == chosen + 1 else slice(None)] = 1
        return 1 - self.route * (1 - there)

    def _spoken_of(self, l: int) -> Array:
        """The same for the units of layer l."""
        into = self.on_route(l).max(1) if l else 0.0
        return np.maximum(into, self.on_route(l + 1).max(0) if l < self.L else 0.0)

    def lit(self, l: int) -> float:
        """How far the signal has lit layer l."""
        return min(max((self.signal - l) / 0.3, 0.0), 1.0)

    def blamed(self, l: int) -> float:
        """How far the blame has reached layer l."""
        return min(max((self.blame - self.L + l) / 0.3, 0.0), 1.0)

    def activation(self, l: int, t: float) -> Array:
        """a_l at time t; the input does not change."""
        return self.at(f"a_{l}", t) if l else self.data["a_0"]

    # ------------------------------------------------------------------------------------------- the picture

    def draw(self, t: float) -> None:
        for l in range(self.L + 1):
            self._draw_units(l, t)
        for l in self.layers:
            spoken = FAINT + (0.85 - FAINT) * self.on_route(l)
            self.wires[l].write(self.at(f"W_{l}", t), self.presence * spoken)
            self._draw_arcs(l, t)
        self._draw_halos(t)
        self._draw_pulses(t)

    def _draw_units(self, l: int, t: float) -> None:
        a, there = self.activation(l, t), 0.35 + 0.65 * self._spoken_of(l)
        share = self._grey(a)
        inked = there * self.presence
        filled = self.lit(l) * there * self.presence
        colours = np.column_stack([self.ground * (1 - share[:, None]) + self.ink * share[:, None], filled])
        for unit, rgba, opacity in zip(self.units[l], colours, inked.tolist(), strict=True):
            unit.fill_rgbas[:] = rgba
            unit.stroke_rgbas[:, 3] = opacity
        bright = share * there > (self.dark + self.light) / 2
        on = np.column_stack([np.where(bright[:, None], self.ground, self.ink), filled])
        for number, value, rgba in zip(self.numbers[l], a, on):  # a small unit has no number
            number.set(value)
            number.fill_rgbas[:] = rgba

    def _grey(self, a: Array) -> Array:
        """Activation to share of ink, in two stretches that leave out the unreadable greys."""
        u = np.clip((a - self.low) / (self.high - self.low), 0, 1)
        return np.where(u < 0.5, 2 * u * self.dark, 1 - 2 * (1 - u) * (1 - self.light))

    def _draw_arcs(self, l: int, t: float) -> None:
        angle = -self.turn * self.at(f"delta_{l}", t) * self.blamed(l) * self._spoken_of(l)
        deal(_bezier.arcs(self.places[l], self.radii[l] + 0.06, np.pi / 2, angle, pieces=6), self.arcs[l])
        for arc, turn in zip(self.arcs[l], angle.tolist(), strict=True):
            arc.stroke_rgbas[:, 3] = self.presence * self.blame_there * min(1.0, 10 * abs(turn))

    def _draw_halos(self, t: float) -> None:
        thick = self.glow * abs(self.at(f"a_{self.L}", t) - self.data[f"y_{self.L}"])
        deal(_bezier.discs(self.places[-1], self.radii[-1] + 0.02 + thick / 2), self.halos)
        for halo, d in zip(self.halos, thick.tolist(), strict=True):
            halo.stroke_width = 100 * d
            halo.stroke_rgbas[:, 3] = 0.75 * self.halo * self.presence

    def _draw_pulses(self, t: float) -> None:
        forth, back = [_NOTHING], [_NOTHING]
        for l in self.layers:
            W, a, delta = self.at(f"W_{l}", t), self.activation(l - 1, t), self.at(f"delta_{l}", t)
            spoken, blame = self.on_route(l), abs(delta[:, None])
            for share in ((self.signal - l + 0.7) / 0.7, self.surge - l + 1):
                forth.append(self._pulses(l, share, share, abs(W * a) * spoken))
            share = (self.blame - self.L + l - 0.3) / 0.7
            back.append(self._pulses(l, 1 - share, share, abs(W) * blame * spoken))
            if l == self.weight[0] or self.route == 0:
                forth.append(self._pulses(l, self.meet / 2, self.meet, abs(a) * spoken))
                back.append(self._pulses(l, 1 - self.meet / 2, self.meet, blame * spoken))
        self.forth.points, self.back.points = np.vstack(forth), np.vstack(back)
        self.forth.fill_rgbas[:, 3] = self.back.fill_rgbas[:, 3] = self.presence

    def _pulses(self, l: int, share: float, passed: float, amount: Array) -> Array:
        """Discs at a share of the way from rim to rim, their areas as `amount`; small as they come and go."""
        if not 0 < passed < 1 or amount.max() == 0:
            return _NOTHING
        start, end = self.places[l - 1][None], self.places[l][:, None]
        length = np.linalg.norm(end - start, axis=-1, keepdims=True)
        first, last = self.radii[l - 1] / length, 1 - self.radii[l] / length
        centres = (start + (end - start) * (first + (last - first) * share)).reshape(-1, 2)
        size = PULSE * min(1.0, 8 * passed, 8 * (1 - passed)) * np.sqrt(amount / amount.max()).ravel()
        seen = size > 0.005
        return _bezier.discs(centres[seen], size[seen])

    # --------------------------------------------------------------------------------------- read it again

    def read(self) -> dict[str, Array]:
        said = {}
        for l in self.layers:
            said[f"W_{l}"] = self.wires[l].read()
            if self.blamed(l) == 1 and self.route == 0:
                arcs = zip(self.arcs[l], self.places[l], strict=True)
                said[f"delta_{l}"] = -np.array([_angle(arc.points, at) for arc, at in arcs]) / self.turn
        ground, ink = rgb("ground")[0], rgb("ink")[0]
        for l in range(self.L + 1):
            share = np.array([(unit.fill_rgbas[0, 0] - ground) / (ink - ground) for unit in self.units[l]])
            u = np.where(share <= self.dark, share / self.dark / 2, 1 - (1 - share) / (1 - self.light) / 2)
            said[f"a_{l}"] = self.low + u * (self.high - self.low)
        return said


_NOTHING = np.zeros((0, 3))


def _angle(points: Array, centre: Array) -> float:
    """The angle an arc runs through about its centre, which may be more than half a turn."""
    ends = np.vstack([points[::4], points[-1:]])[:, :2] - centre
    heading = np.unwrap(np.arctan2(ends[:, 1], ends[:, 0]))
    return float(heading[-1] - heading[0])
