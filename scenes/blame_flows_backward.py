"""How does a weight know its share of the blame?

The lecture's network with real numbers: one weight nudged, the same share computed backwards, then all.
"""

import numpy as np
import xarray as xr
from manim import (
    FadeIn,
    FadeOut,
    LaggedStart,
    ReplacementTransform,
    TransformFromCopy,
    VGroup,
    VMobject,
    smooth,
)
from manim.utils.rate_functions import ease_in_quad

from scenes import _bezier
from scenes._film import Advance, Film, Tune
from scenes._theme import LABEL, NUMBER, SMALL, Role, figures, math, words
from scenes.parts import Array, Part, mark
from scenes.parts.bars import Bars
from scenes.parts.curve import Curve
from scenes.parts.formula import copied, rest, solid
from scenes.parts.ledger import DROP, Ledger, four, four_digits, live, signed
from scenes.parts.network import Network
from scenes.parts.scatter import Scatter
from scenes.parts.shares import chain_of, most_blamed, nudged, pairs_of
from scenes.parts.slope import Slope
from scenes.parts.squares import squares
from scenes.parts.wires import legend
from sims import Backprop, ParameterError
from sims.backprop import sigma_prime

PANEL, EDGE = 3.6, 6.6  # the right-hand panel, from its left to where its numbers end
HEAD, LAST = 1.76, -1.64  # the line above the outputs' rows, and the row below them
LEDGER = Ledger(1.2, 3.15, 4.5, 6.2)  # error, slope, weight, what goes back
TOLD = {"task": "lecture", "optimiser": "gd", "weight_decay": 0.0}  # what the formulas of this film hold for


class BlameFlowsBackward(Film):
    """A network finds every weight's share of its error by sending the error back along its wires."""

    question = "How does a weight know its share of the blame?"
    backprop = Backprop(seed=202, eta=0.1, steps=300)

    def construct(self) -> None:
        self.add(self.title)
        self.gather()
        self.what_we_get()
        self.what_we_want()
        self.the_difference()
        self.nudge_one()
        self.slopes_and_weights()
        self.one_share()
        self.all_at_once()
        self.tiny_steps()
        self.written_down()

    def gather(self) -> None:
        """The trajectory, and the weight to follow: the one most to blame before the last layer."""
        s = self.backprop
        for name, value in TOLD.items():
            if getattr(s, name) != value:
                raise ParameterError(f"{name} must be {value!r} in this film; got {getattr(s, name)!r}")
        if not s.hidden or s.output_activation == "softmax":
            raise ParameterError("this film needs a hidden layer and an output other than softmax")
        self.trained = self.run(s).isel(sample=0)
        if "measured_dW_1" not in self.trained:
            raise ParameterError(f"this film needs a network small enough to nudge; got hidden={s.hidden}")
        self.L = L = len(s.hidden) + 1
        self.weight = most_blamed(self.trained, L - 1)
        self.net = Network(self.trained, (-5.85, -1.8, 5.4, 4.15), self.weight).tune(presence=0)
        self.rows = self.net.places[L][:, 1]
        self.errors = self.trained[f"a_{L}"][0].values - self.trained[f"y_{L}"].values
        shape = "-".join(str(len(column)) for column in self.net.places)
        self.source = f"{shape} network · seed {s.seed}"

    # ------------------------------------------------------------------------------ the lecture's three lines

    def what_we_get(self) -> None:
        net = self.net
        key = legend(2.9, 0.95)
        self.beat("what we get", "Random weights. An input goes in, and some activations come out.")
        self.names_data(f"{self.source} · random weights")
        self.play(Tune(net, presence=1, run_time=1.0), FadeIn(key, run_time=1.0))
        self.play(Tune(net, signal=0.3, run_time=0.8))
        for l in net.layers:
            self.play(Tune(net, signal=l + 0.3, run_time=2.0))
        outputs = self.trained[f"a_{self.L}"]
        extent = min(0.0, float(outputs.min())), max(1.0, float(outputs.max()))
        names = outputs.name, f"y_{self.L}"
        self.bars = Bars(self.trained, names[0], 0.35, 1.75, self.rows, extent, "state", names[1], "step")
        self.bars.tune(presence=0, grown=0)
        self.get = words("what we get", SMALL, "state").put(0.35, HEAD, "left")
        self.play(Tune(self.bars, presence=1, grown=1), FadeIn(self.get), run_time=1.0)
        self.wait(1)
        self.play(FadeOut(key), run_time=0.5)

    def what_we_want(self) -> None:
        self.want = words("what we want", SMALL, "target").put(0.35, HEAD + 0.34, "left")
        self.beat("what we want", "And this is what we want them to be.")
        self.play(Tune(self.bars, wanted=1), FadeIn(self.want), run_time=1.0)
        self.wait(2.5)

    def the_difference(self) -> None:
        said = [figures(signed(e, 3), NUMBER, "error") for e in self.errors]
        self.missed = VGroup(*[text.put(3.2, y - DROP, "right") for text, y in zip(said, self.rows)])
        self.head = words("difference", SMALL, "error").put(3.2, HEAD, "right")
        self.beat("the difference", "“What we get” minus “what we want” lights up the outputs.")
        self.play(Tune(self.bars, missed=1), run_time=1.0)
        self.play(
            FadeIn(self.head),
            LaggedStart(
                *[TransformFromCopy(g, n) for g, n in zip(self.bars.gaps, self.missed)], lag_ratio=0.2
            ),
            run_time=1.2,
        )
        self.play(Tune(self.net, halo=1), run_time=1.0)
        self.wait(0.8)
        areas, signs = squares(self.errors, self.rows, 4.1)
        middle = self.rows.mean() - DROP
        value = figures(f"{float(self.trained.loss[0]):.4f}", NUMBER, "error").put(EDGE, middle, "right")
        name = words("loss", SMALL, "error").put(EDGE, middle + 0.42, "right")
        self.beat("the loss", "Square each miss, add them up, halve: one number for all, the loss.")
        flights = [TransformFromCopy(gap, area) for gap, area in zip(self.bars.gaps, areas)]
        self.play(LaggedStart(*flights, lag_ratio=0.2), run_time=1.4)
        self.play(FadeIn(name), TransformFromCopy(areas, value), run_time=1.0)
        self.play(FadeIn(signs), run_time=0.5)
        self.wait(1.4)
        self.play(*[FadeOut(shape) for shape in (areas, signs, value, name)], run_time=0.6)

    # ----------------------------------------------------------------------------------- a share, measured

    def nudge_one(self) -> None:
        h, net, l = self.backprop.nudge, self.net, self.weight[0]
        around, up = nudged(self.trained, self.weight, h)
        self.ring = circle(net.middle(*self.weight), 0.17)
        name = words("this weight", SMALL).put(PANEL + 0.4, 2.22, "left")
        self.name = VGroup(circle(np.array([PANEL + 0.13, 2.29]), 0.12), name)
        self.nudging = live(around, "weight", "{:+.4f}", (EDGE, 2.22), "nudge", "focus").show(0)
        far = 1.25 * max(float(abs(up.moved).max()), 1e-9)
        moved = Bars(up, "moved", PANEL, 1.5, self.rows, (-far, far), "updated", clock="nudge")
        outputs = [
            live(up, "output", "{:.5f}", (EDGE, y - DROP), "nudge", column=k) for k, y in enumerate(self.rows)
        ]
        heads = VGroup(
            words("moves by", SMALL, "muted").put(PANEL, HEAD, "left"),
            words("output", SMALL, "muted").put(EDGE, HEAD, "right"),
            figures(f"±{far:.4f}", 15).put(PANEL + 0.75, self.rows[-1] - 0.46),
        )
        moving = [self.nudging, moved.tune(presence=0), *outputs]
        self.beat("nudge one weight", f"Turn one weight up by {h:g} and watch the outputs move.")
        self.play(Tune(net, route=1, run_time=1), FadeIn(self.ring, run_time=1))
        self.play(FadeIn(self.name), FadeIn(heads), *arrive(*moving), run_time=0.8)
        net.tune(surge=l - 1)
        nudges = [Advance(part, 0, h, rate_func=smooth) for part in moving]
        self.play(*nudges, Tune(net, surge=self.L), run_time=3)
        self.wait(1.5)
        self.play(*[Advance(part, h, 0, rate_func=smooth) for part in moving], run_time=0.8)
        self.play(*leave(moved, *outputs), FadeOut(heads), run_time=0.5)
        self.remove(moved, *outputs)
        self.weigh_the_loss(around)

    def weigh_the_loss(self, around: xr.Dataset) -> None:
        """The loss with the weight up and down; their difference over the nudges is the share."""
        h = self.backprop.nudge
        losses = [live(around, "loss", "{:.7f}", (EDGE, y), "nudge", "error").show(0) for y in (0.95, 0.45)]
        said = [
            words(f"loss, {way}", SMALL).put(PANEL, y, "left") for way, y in (("up", 0.95), ("down", 0.45))
        ]
        rule = mark(stroke="muted", width=2)
        rule.points = _bezier.segments([(PANEL, 0.22)], [(EDGE, 0.22)])
        self.beat(
            "its share, measured", "Up, then down: the gap in the loss, per unit of weight, is its share."
        )
        self.play(FadeIn(said[0]), *arrive(losses[0]), run_time=0.5)
        ups = [Advance(part, 0, h, rate_func=smooth) for part in (self.nudging, losses[0])]
        self.play(*ups, run_time=1.6)
        self.play(FadeIn(said[1]), *arrive(losses[1]), run_time=0.5)
        downs = Advance(self.nudging, h, -h, rate_func=smooth), Advance(losses[1], 0, -h, rate_func=smooth)
        self.play(*downs, run_time=1.8)
        share = float(self.trained[f"measured_dW_{self.weight[0]}"].values[self.weight[1:]])
        self.measured = figures(four(share), NUMBER, "focus").put(EDGE, -0.2, "right")
        quotient = words(f"gap ÷ {2 * h:g}", SMALL).put(PANEL, -0.2, "left")
        self.play(FadeIn(rule), FadeIn(quotient), run_time=0.5)
        copies = VGroup(*[part.number for part in losses])
        self.play(TransformFromCopy(copies, self.measured), run_time=1.0)
        self.wait(1.5)
        gone = VGroup(*said, rule, quotient, self.name)
        self.play(*leave(*losses, self.nudging), FadeOut(gone), run_time=0.6)
        self.remove(*losses, self.nudging)

    # ----------------------------------------------------------------------------------- a share, computed

    def slopes_and_weights(self) -> None:
        net, L, j = self.net, self.L, self.weight[1]
        self.chain = chain_of(self.trained, self.weight)
        rows = list(enumerate(self.rows))
        heads = LEDGER.heading(HEAD, "error", "slope", "weight", "goes back")
        self.curves = [self.slope(L, k, y) for k, y in rows]
        slopes = VGroup(*[LEDGER.factor(1, y, f"{self.slopes(L)[k]:.3f}") for k, y in rows])
        equals = VGroup(*[LEDGER.equals(3, y) for y in self.rows])
        self.products = [LEDGER.product(self.chain, "path", "{:+.4f}", y, k) for k, y in rows]
        self.beat("the slope", "Now compute it. Each error, times the slope where its unit stands:")
        self.play(*leave(self.bars), *[FadeOut(w) for w in (self.get, self.want, self.head)], run_time=0.5)
        measured = LEDGER.entry(3, LAST - 0.55, self.measured.text, "focus")
        nudged = words("nudged", SMALL, "focus").put(LEDGER.ends[2], LAST - 0.55 - DROP, "right")
        self.play(
            self.missed.animate.shift([LEDGER.ends[0] - 3.2, 0, 0]),
            ReplacementTransform(self.measured, measured),
            run_time=1,
        )
        self.play(FadeIn(nudged), FadeIn(heads[:2]), *arrive(*self.curves), run_time=0.8)
        self.play(FadeIn(slopes), FadeIn(equals), FadeIn(heads[3]), *arrive(*self.products), run_time=0.8)
        through = [Advance(part, 0, 1, rate_func=smooth) for part in self.products]
        self.play(Tune(net, blame=0.3, halo=0), *through, run_time=2)
        self.wait(1.2)
        W = self.trained[f"W_{L}"][0, :, j].values
        weights = VGroup(*[LEDGER.factor(2, y, signed(W[k], 3)) for k, y in rows])
        self.beat("the weight", "Then back along its wire, times the weight of that wire.")
        copies = [TransformFromCopy(solid([net.wires[L].wire(k, j)]), weights[k]) for k, _ in rows]
        self.play(FadeIn(heads[2]), LaggedStart(*copies, lag_ratio=0.15), run_time=1.4)
        along = [Advance(part, 1, 2, rate_func=smooth) for part in self.products]
        self.play(Tune(net, blame=1), *along, run_time=2.4)
        self.wait(1)
        self.written = VGroup(self.missed, slopes, equals, weights, heads, measured, nudged)

    def one_share(self) -> None:
        net, (l, j, i) = self.net, self.weight
        heads = LEDGER.heading(LAST + 0.43, "arrives", "slope", "came in", "its share")
        total = LEDGER.entry(0, LAST, signed(float(self.chain.blame[2]), 4), "error")
        curve, slope = self.slope(l, j, LAST), LEDGER.factor(1, LAST, f"{self.slopes(l)[j]:.3f}")
        came_in = LEDGER.factor(2, LAST, f"{net.activation(l - 1, 0.0)[i]:.2f}")
        equals = LEDGER.equals(3, LAST)
        form = four_digits(float(self.chain.blame[4]))
        share = LEDGER.product(self.chain, "blame", form, LAST).show(2)
        self.beat("one share", "Add what arrives. Times the slope here. Times what came in.")
        copies = VGroup(*[part.number for part in self.products])
        self.play(FadeIn(heads[0]), TransformFromCopy(copies, total), run_time=1.4)
        self.play(FadeIn(heads[1]), FadeIn(slope), *arrive(curve), run_time=0.6)
        self.play(FadeIn(equals), FadeIn(heads[3]), *arrive(share), run_time=0.5)
        self.play(Tune(net, blame=1.3), Advance(share, 2, 3, rate_func=smooth), run_time=1.6)
        source = net.numbers[l - 1][i] if net.numbers[l - 1] else net.units[l - 1][i]
        self.play(FadeIn(heads[2]), TransformFromCopy(source, came_in), run_time=1.0)
        self.play(Tune(net, meet=1), Advance(share, 3, 4, rate_func=smooth), run_time=2)
        self.beat("the same number", "The same share as the nudge measured, and nothing was nudged.")
        self.wait(3.2)
        net.tune(meet=0)
        gone = [*self.curves, curve, *self.products, share]
        self.written.add(heads, total, slope, came_in, equals)
        self.play(FadeOut(self.written), FadeOut(self.ring), *leave(*gone), run_time=0.7)
        self.remove(*gone)

    def slope(self, l: int, unit: int, y: float) -> Slope:
        """One unit's curve and tangent, in the ledger's second column."""
        box = (LEDGER.ends[0] + 0.38, y - 0.27, 0.78, 0.54)
        return Slope(self.trained, f"z_{l}", unit, box, self.activation(l), clock="step").tune(presence=0)

    def slopes(self, l: int) -> Array:
        """σ′ of every unit of layer l at step 0."""
        return sigma_prime(self.trained[f"a_{l}"][0].values, self.activation(l))

    def activation(self, l: int) -> str:
        return self.backprop.output_activation if l == self.L else self.backprop.activation

    # --------------------------------------------------------------------------------------- all the shares

    def all_at_once(self) -> None:
        net, L = self.net, self.L
        pairs = pairs_of(self.trained)
        names = ("nudged", "computed")
        scatter = Scatter(pairs, *names, (1.2, -1.1), 2.7, names, ("focus", "error"))
        scatter.tune(presence=0, there=0)
        order = np.argsort(-abs(pairs.computed.values))
        table = [VGroup(words(names[0], SMALL, "focus").put(5.2, HEAD, "right"))]
        table[0].add(words(names[1], SMALL, "error").put(EDGE, HEAD, "right"))
        for k in order[np.linspace(0, len(order) * 0.7, 6).astype(int)]:
            y = HEAD - 0.45 * len(table)
            nudge, computed = (four(float(pairs[name][k])) for name in names)
            row = (
                figures(nudge, 16, "focus").put(5.2, y, "right"),
                figures(computed, 16, "error").put(EDGE, y, "right"),
            )
            table.append(VGroup(*row))
        agree = sum(four(float(a)) == four(float(b)) for a, b in zip(pairs.nudged, pairs.computed))
        count = words(f"{agree} of {len(order)} agree to four digits", LABEL).put(EDGE, -2.1, "right")
        self.beat("all at once", "Now every unit at once: each blame flows back over the same wires.")
        self.play(Tune(net, route=0, blame=0, halo=1), *arrive(scatter), FadeIn(table[0]), run_time=1)
        self.play(Tune(net, blame=0.3, halo=0), run_time=0.8)
        self.play(Tune(net, blame=L - 0.7), run_time=2.6 * (L - 1))
        self.wait(0.5)
        runs = 2 * len(order)
        self.beat("one sweep", f"One sweep back finds all {len(order)} shares. Nudging took {runs} runs.")
        rows = LaggedStart(*[FadeIn(row) for row in table[1:]], lag_ratio=0.4)
        self.play(Tune(net, meet=1), Tune(scatter, there=1), rows, run_time=3)
        net.tune(meet=0)
        self.play(FadeIn(count), run_time=0.6)
        self.wait(2.6)
        self.play(*leave(scatter), *[FadeOut(row) for row in (*table, count)], run_time=0.7)
        self.remove(scatter)

    # --------------------------------------------------------------------------------------------- learning

    def tiny_steps(self) -> None:
        eta, run = self.backprop.eta, self.trained
        l, j, i = self.weight
        end, high = float(run.step[-1]), 1.05 * float(run.loss.max())
        axes = (3.7, -1.4, 2.8, 2.2), (0, end), (0, high)
        chart = Curve(run, "loss", *axes, "", "step", "error", "step", steps={f"{end / 2:.0f}": end / 2})
        told = run.assign(count=run.step.astype(float), weight=run[f"W_{l}"][:, j, i])
        rows: tuple[tuple[str, str, str, float, Role], ...] = (
            ("step", "count", "{:.0f}", 2.22, "ink"),
            ("loss", "loss", "{:.5f}", 1.8, "error"),
            ("this weight", "weight", "{:+.4f}", 1.38, "focus"),
        )
        numbers = [live(told, name, form, (EDGE, y), "step", role) for _, name, form, y, role in rows]
        said = VGroup(*[words(text, SMALL).put(PANEL + 0.4, y, "left") for text, _, _, y, _ in rows])
        said.add(circle(np.array([PANEL + 0.13, 1.45]), 0.12))
        moving = [self.net, self.bars, chart, *numbers]
        self.beat("a tiny step", f"One tiny step: every weight moves against its share, times {eta:g}.")
        self.names_data(f"{self.source} · η={eta:g} · {end:.0f} steps")
        shown = [FadeIn(shape) for shape in (said, self.ring, self.get, self.want)]
        self.play(*arrive(self.bars, chart.tune(presence=0), *numbers), *shown, run_time=0.8)
        self.wait(0.6)
        self.play(*[Advance(part, 0, 1, rate_func=smooth) for part in moving], run_time=1.5)
        self.wait(1.5)
        self.beat("hundreds", "Then hundreds. Wires breathe, outputs creep to what we want.")
        self.play(*[Advance(part, 1, end, rate_func=ease_in_quad) for part in moving], run_time=8.5)
        self.wait(1.5)
        gone = [FadeOut(shape) for shape in (said, self.ring, self.get, self.want)]
        self.play(*leave(self.bars, chart, *numbers), *gone, run_time=0.7)
        self.remove(self.bars, chart, *numbers)

    # ---------------------------------------------------------------------------------------------- formulas

    def written_down(self) -> None:
        net, L = self.net, self.L
        first, further, step = (
            math("{{delta^L : d}} = {{(a^L - y) : e}} dot.o {{sigma'(z^L) : s}}", 30),
            math("{{delta^l : d}} = {{(W^(l+1))^top : w}} {{delta^(l+1) : e}} dot.o {{sigma'(z^l) : s}}", 30),
            math("{{W^l : w}} arrow.l {{W^l : v}} - eta {{delta^l : d}} {{(a^(l-1))^top : a}}", 30),
        )
        texts = "blame at the outputs", "blame further back", "a step of every weight; a bias takes δ alone"
        names = [
            words(text, SMALL, "muted").put(1.2, y, "left") for text, y in zip(texts, (1.85, 0.45, -0.95))
        ]
        for formula, name in zip((first, further, step), names):
            formula.move_to([1.2 + formula.width / 2, name.baseline - 0.52, 0])
        last, inner = net.wires[L], net.wires[L - 1]
        self.beat("written down", "Back to the start, to write it down. Error times slope.")
        self.names_data(f"{self.source} · η={self.backprop.eta:g} · step 0")
        self.play(Advance(net, net.t, 0, rate_func=smooth, run_time=1.6), Tune(net, blame=0, halo=1))
        self.play(FadeIn(names[0]), *copied(first, e=net.halos, s=net.units[L]), run_time=1.6)
        self.play(
            Tune(net, blame=0.3, halo=0),
            *copied(first, d=net.arcs[L]),
            FadeIn(rest(first, "des")),
            run_time=1.2,
        )
        self.wait(1)
        self.beat("further back", "Back along the wires, and times the slope there.")
        self.play(Tune(net, blame=1), *copied(further, w=last, e=net.arcs[L]), FadeIn(names[1]), run_time=1.8)
        inside = net.units[L - 1], net.arcs[L - 1]
        self.play(Tune(net, blame=L - 0.7), *copied(further, s=inside[0], d=inside[1]), run_time=1.4)
        self.play(FadeIn(rest(further, "dwes")), run_time=0.5)
        self.wait(1.2)
        self.beat("the step", "Each weight steps against its blame times what came in.")
        self.play(FadeIn(names[2]), *copied(step, w=inner, v=inner), run_time=1.4)
        self.play(*copied(step, d=inside[1], a=net.units[L - 2]), run_time=1.6)
        self.play(FadeIn(rest(step, "wvda")), run_time=0.5)
        self.wait(1.5)
        self.beat("the limit", "This was one example. With many, each weight averages its shares.")
        self.wait(3.4)
        formulas = [FadeOut(shape) for shape in (first, further, step, *names)]
        self.play(*formulas, *leave(net), run_time=0.8)
        self.remove(net)
        self.remember("A weight’s share: what came in, times the blame that came back.")


def circle(centre: Array, radius: float) -> VMobject:
    """The ring that says: look here."""
    ring = mark(stroke="focus", width=5)
    ring.points = _bezier.discs(centre, radius)
    return ring


def arrive(*parts: Part) -> list[Tune]:
    """Parts that come."""
    return [Tune(part, presence=1) for part in parts]


def leave(*parts: Part) -> list[Tune]:
    """Parts that go."""
    return [Tune(part, presence=0) for part in parts]
