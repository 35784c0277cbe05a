"""How does a weight know its share of the blame?

The lecture's network with real numbers: one weight nudged, the same share computed backwards, then all.
"""

import numpy as np
import xarray as xr
from manim import (
    Create,
    FadeIn,
    FadeOut,
    GrowFromCenter,
    LaggedStart,
    ReplacementTransform,
    VGroup,
    VMobject,
    smooth,
    squish_rate_func,
)
from manim.utils.rate_functions import ease_in_quad

from scenes import _bezier
from scenes._film import Advance, Film, Tune
from scenes._language import said
from scenes._theme import LABEL, NUMBER, SMALL, Role, figures, words
from scenes.parts import Array, mark
from scenes.parts.bars import Bars
from scenes.parts.curve import Curve
from scenes.parts.flight import arrive, become, leave, pieces
from scenes.parts.formula import blame_formulas, rest
from scenes.parts.keys import blame_key, legend, ring
from scenes.parts.ledger import DROP, Ledger, four, four_digits, live, signed
from scenes.parts.network import Network
from scenes.parts.scatter import Scatter, table_of
from scenes.parts.shares import chain_of, most_blamed, nudged, pairs_of
from scenes.parts.slope import Slope
from scenes.parts.squares import squares
from sims import Backprop, ParameterError
from sims.backprop import sigma_prime

LEFT, PANEL, EDGE = 0.3, 3.6, 6.6  # where bars begin, where the right-hand panel does, where numbers end
TOP, HEAD = 2.22, 1.84  # the two lines above the outputs' rows
LAST, FOOT = -1.68, -2.36  # the row below them, and the line of the layers' names
LEDGER = Ledger(1.3, 3.45, 4.9, EDGE)  # error, slope, weight, what they make
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
        self.net = Network(self.trained, (-6.3, -1.7, 5.75, 4.05), self.weight).tune(presence=0)
        self.rows = self.net.places[L][:, 1]
        self.errors = self.trained[f"a_{L}"][0].values - self.trained[f"y_{L}"].values
        shape = "-".join(str(len(column)) for column in self.net.places)
        self.source = said("{shape} network · seed {seed}", shape=shape, seed=s.seed)

    # ------------------------------------------------------------------------------ the lecture's three lines

    def what_we_get(self) -> None:
        net = self.net
        key = legend(3.05, 1.15)
        self.beat("what we get", "Random weights. An input goes in; this is what comes out.")
        self.names_data(said("{source} · random weights", source=self.source))
        self.play(Tune(net, presence=1, run_time=1.0), FadeIn(key, run_time=1.0))
        self.play(Tune(net, signal=0.3, run_time=0.8))
        for l in net.layers:
            self.play(Tune(net, signal=l + 0.3, run_time=2.0))
        outputs = self.trained[f"a_{self.L}"]
        extent = min(0.0, float(outputs.min())), max(1.0, float(outputs.max()))
        names = outputs.name, f"y_{self.L}"
        self.bars = Bars(self.trained, names[0], LEFT, 1.8, self.rows, extent, "state", names[1], "step")
        self.bars.tune(presence=0, grown=0)
        self.get = words("what we get", SMALL, "state").put(LEFT, HEAD, "left")
        self.play(Tune(self.bars, presence=1, grown=1), FadeIn(self.get), run_time=1.0)
        self.wait(1)
        self.play(FadeOut(key), run_time=0.5)

    def what_we_want(self) -> None:
        self.want = words("what we want", SMALL, "target").put(LEFT, TOP, "left")
        self.beat("what we want", "And this is what we want to come out.")
        self.play(Tune(self.bars, wanted=1), FadeIn(self.want), run_time=1.0)
        self.wait(2.5)

    def the_difference(self) -> None:
        missed = [figures(signed(e, 3), NUMBER, "error") for e in self.errors]
        self.missed = VGroup(*[text.put(3.2, y - DROP, "right") for text, y in zip(missed, self.rows)])
        self.head = words("difference", SMALL, "error").put(3.2, HEAD, "right")
        self.beat("the difference", "“What we get” minus “what we want” lights up the outputs.")
        self.play(Tune(self.bars, missed=1), run_time=1.0)
        flights = [a for gap, text in zip(self.bars.gaps, self.missed) for a in become([gap], text)]
        self.play(FadeIn(self.head), *flights, run_time=1.2)
        self.play(Tune(self.net, halo=1), run_time=1.0)
        self.wait(0.8)
        areas, signs = squares(self.errors, self.rows, 3.85)
        middle = self.rows.mean() - DROP
        value = figures(f"{float(self.trained.loss[0]):.4f}", NUMBER, "error").put(EDGE, middle, "right")
        name = words("loss", SMALL, "error").put(EDGE, HEAD, "right")
        self.beat("the loss", "Square each miss, add them up, halve: one number for all, the loss.")
        grown = [GrowFromCenter(area) for area in areas]
        self.play(LaggedStart(*grown, lag_ratio=0.3), run_time=1.4)
        self.play(FadeIn(signs), run_time=0.6)
        self.play(FadeIn(name), FadeIn(value), run_time=0.8)
        self.wait(2)
        self.play(*[FadeOut(shape) for shape in (areas, signs, value, name)], run_time=0.5)

    # ----------------------------------------------------------------------------------- a share, measured

    def nudge_one(self) -> None:
        h, net, l = self.backprop.nudge, self.net, self.weight[0]
        around, up = nudged(self.trained, self.weight, h)
        self.ring = ring(net.clearing(*self.weight), 0.17)
        name = words("this weight", SMALL).put(PANEL + 0.4, TOP, "left")
        self.name = VGroup(ring(np.array([PANEL + 0.13, TOP + 0.07]), 0.12), name)
        self.nudging = live(around, "weight", "{:+.4f}", (EDGE, TOP), "nudge", "focus").show(0)
        far = 1.25 * max(float(abs(up.moved).max()), 1e-9)
        moved = Bars(up, "moved", PANEL, 1.5, self.rows, (-far, far), "updated", clock="nudge")
        outputs = [
            live(up, "output", "{:.5f}", (EDGE, y - DROP), "nudge", column=k) for k, y in enumerate(self.rows)
        ]
        heads = VGroup(
            words("moves by", SMALL, "muted").put(PANEL, HEAD, "left"),
            words("output", SMALL, "muted").put(EDGE, HEAD, "right"),
            figures("0", 15).put(PANEL + 0.75, self.rows[-1] - 0.46),
            figures(f"+{far:.4f}", 15).put(PANEL + 1.5, self.rows[-1] - 0.46),
        )
        reached = [moved.tune(presence=0), *outputs]
        self.beat("nudge one weight", said("Turn one weight up by {h:g} and watch the outputs move.", h=h))
        self.play(Tune(net, route=1, run_time=1), FadeIn(self.ring, run_time=1))
        self.play(FadeIn(self.name), FadeIn(heads), *arrive(self.nudging, *reached), run_time=0.8)
        net.tune(surge=l - 1)
        early, late = squish_rate_func(smooth, 0, 0.35), squish_rate_func(smooth, 0.65, 1)
        moves = [Advance(part, 0, h, rate_func=late) for part in reached]
        self.play(Advance(self.nudging, 0, h, rate_func=early), Tune(net, surge=self.L), *moves, run_time=3.2)
        self.wait(1.8)
        self.play(*[Advance(part, h, 0, rate_func=smooth) for part in (self.nudging, *reached)], run_time=0.8)
        self.play(*leave(*reached), FadeOut(heads), run_time=0.5)
        self.remove(*reached)
        self.weigh_the_loss(around)

    def weigh_the_loss(self, around: xr.Dataset) -> None:
        """The loss with the weight up and down; their difference over the nudges is the share."""
        h = self.backprop.nudge
        losses = [live(around, "loss", "{:.7f}", (EDGE, y), "nudge", "error").show(0) for y in (1.05, 0.55)]
        up = words("loss, up", SMALL).put(PANEL, 1.05, "left")
        down = words("loss, down", SMALL).put(PANEL, 0.55, "left")
        rule = line_at(0.3, PANEL)
        self.beat("its share, measured", "Up, then down. Gap in the loss ÷ gap in the weight: its share.")
        self.play(FadeIn(up), *arrive(losses[0]), run_time=0.5)
        ups = [Advance(part, 0, h, rate_func=smooth) for part in (self.nudging, losses[0])]
        self.play(*ups, run_time=1.6)
        self.play(FadeIn(down), *arrive(losses[1]), run_time=0.5)
        downs = Advance(self.nudging, h, -h, rate_func=smooth), Advance(losses[1], 0, -h, rate_func=smooth)
        self.play(*downs, run_time=1.8)
        share = float(self.trained[f"measured_dW_{self.weight[0]}"].values[self.weight[1:]])
        self.measured = figures(four(share), NUMBER, "focus").put(EDGE, -0.15, "right")
        quotient = words(said("gap ÷ {twice:g}", twice=2 * h), SMALL).put(PANEL, -0.15, "left")
        self.play(Create(rule), FadeIn(quotient), run_time=0.6)
        self.play(FadeIn(self.measured), run_time=0.6)
        self.wait(1.8)
        gone = VGroup(up, down, rule, quotient, self.name)
        self.play(*leave(*losses, self.nudging), FadeOut(gone), run_time=0.6)
        self.remove(*losses, self.nudging)

    # ----------------------------------------------------------------------------------- a share, computed

    def slopes_and_weights(self) -> None:
        net, L, j = self.net, self.L, self.weight[1]
        self.chain = chain_of(self.trained, self.weight)
        rows = list(enumerate(self.rows))
        heads = LEDGER.heading(HEAD, "error", "slope", "weight", "goes back")
        blame = LEDGER.name(3, HEAD, "blame")
        self.curves = [self.slope(L, k, y) for k, y in rows]
        slopes = VGroup(*[LEDGER.factor(1, y, f"{self.slopes(L)[k]:.3f}") for k, y in rows])
        equals = VGroup(*[LEDGER.equals(3, y) for y in self.rows])
        self.products = [LEDGER.product(self.chain, "path", "{:+.4f}", y, k).show(1) for k, y in rows]
        self.beat("the slope", "Now compute it. Error × the slope of its unit’s curve: its blame.")
        self.play(*leave(self.bars), *[FadeOut(w) for w in (self.get, self.want, self.head)], run_time=0.5)
        measured = figures(self.measured.text, NUMBER, "focus").put(EDGE, FOOT, "right")
        label = words("measured", SMALL, "focus").put(LEDGER.ends[2], FOOT, "right")
        self.play(
            self.missed.animate.shift([LEDGER.ends[0] - 3.2, 0, 0]),
            ReplacementTransform(self.measured, measured),
            run_time=1,
        )
        self.play(FadeIn(label), FadeIn(heads[:2]), FadeIn(slopes), *arrive(*self.curves), run_time=0.8)
        self.wait(1)
        self.play(FadeIn(equals), FadeIn(blame), *arrive(*self.products), run_time=0.6)
        self.play(Tune(net, blame=0.3, halo=0), run_time=1.4)
        self.wait(1.5)
        W = self.trained[f"W_{L}"][0, :, j].values
        weights = VGroup(*[LEDGER.factor(2, y, signed(W[k], 3)) for k, y in rows])
        self.beat("the weight", "Each goes back along its wire, times the weight of that wire.")
        self.play(*leave(*self.products), FadeOut(blame), run_time=0.4)
        flights = [a for k, _ in rows for a in become([net.wires[L].wire(k, j)], weights[k])]
        self.play(FadeIn(heads[2]), *flights, run_time=1.4)
        self.play(Tune(net, blame=1), run_time=1.8)
        for product in self.products:
            product.show(2)
        self.play(FadeIn(heads[3]), *arrive(*self.products), run_time=0.6)
        self.wait(1.2)
        self.written = VGroup(self.missed, slopes, equals, weights, heads, measured, label)

    def one_share(self) -> None:
        net, (l, j, i) = self.net, self.weight
        heads = LEDGER.heading(LAST + 0.43, "arrives", "slope", "came in", "its share")
        blame = LEDGER.name(3, LAST + 0.43, "blame")
        rule = line_at(self.rows[-1] - 0.32, LEDGER.ends[2] + 0.35)
        total = figures(signed(float(self.chain.blame[2]), 3), NUMBER, "error").put(
            EDGE, rule.get_y() - 0.34, "right"
        )
        arrived = LEDGER.entry(0, LAST, total.text, "error")
        curve, slope = self.slope(l, j, LAST), LEDGER.factor(1, LAST, f"{self.slopes(l)[j]:.3f}")
        came_in = LEDGER.factor(2, LAST, f"{net.activation(l - 1, 0.0)[i]:.2f}")
        equals = LEDGER.equals(3, LAST)
        form = four_digits(float(self.chain.blame[4]))
        share = LEDGER.product(self.chain, "blame", form, LAST).show(3)
        self.beat("what arrives", "Add what arrives, times the slope here: this unit’s blame.")
        self.play(Create(rule), FadeIn(total), run_time=0.8)
        self.play(FadeIn(heads[0]), FadeOut(rule), ReplacementTransform(total, arrived), run_time=1.0)
        self.play(FadeIn(heads[1]), FadeIn(slope), *arrive(curve), run_time=0.6)
        self.play(FadeIn(equals), FadeIn(blame), *arrive(share), Tune(net, blame=1.3), run_time=0.8)
        self.wait(1.2)
        self.beat("one share", "Times what came in: the share of this one weight.")
        self.play(*leave(share), FadeOut(blame), run_time=0.4)
        self.play(FadeIn(heads[2]), *become([net.units[l - 1][i]], came_in), run_time=1.2)
        self.play(Tune(net, meet=1), run_time=1.8)
        share.show(4)
        self.play(FadeIn(heads[3]), *arrive(share), run_time=0.6)
        self.wait(0.5)
        self.beat("the same number", "The same share as the nudge measured, and nothing was nudged.")
        self.wait(3.5)
        net.tune(meet=0)
        gone = [*self.curves, curve, *self.products, share]
        self.written.add(heads, arrived, slope, came_in, equals)
        self.play(FadeOut(self.written), FadeOut(self.ring), *leave(*gone), run_time=0.7)
        self.remove(*gone)

    def slope(self, l: int, unit: int, y: float) -> Slope:
        """One unit's curve and tangent, in the ledger's second column."""
        box = (LEDGER.ends[0] + 0.4, y - 0.3, 0.9, 0.6)
        return Slope(self.trained, f"z_{l}", unit, box, self.activation(l), clock="step").tune(presence=0)

    def slopes(self, l: int) -> Array:
        """σ′ of every unit of layer l at step 0."""
        return sigma_prime(self.trained[f"a_{l}"][0].values, self.activation(l))

    def activation(self, l: int) -> str:
        return self.backprop.output_activation if l == self.L else self.backprop.activation

    # --------------------------------------------------------------------------------------- all the shares

    def all_at_once(self) -> None:
        net, L = self.net, self.L
        key = blame_key(1.6, 1.1)
        self.beat("all at once", "Every unit at once: blame flows back along the same wires.")
        self.play(Tune(net, route=0, blame_there=0), FadeIn(key), run_time=1)
        net.tune(blame=0, blame_there=1)
        self.play(Tune(net, blame=0.3), run_time=0.8)
        self.play(Tune(net, blame=L - 0.7), run_time=2.4 * (L - 1))
        self.wait(0.8)
        self.beat("on every wire", "On each wire, what came in meets what came back: its share.")
        self.play(Tune(net, meet=1), run_time=3.2)
        net.tune(meet=0)
        self.wait(0.6)
        self.play(FadeOut(key), run_time=0.5)
        pairs = pairs_of(self.trained)
        names = ("measured", "computed")
        scatter = Scatter(pairs, "nudged", "computed", (0.9, HEAD - 2.86), 2.7, names, ("focus", "error"))
        scatter.tune(presence=0, there=0)
        heads, rows, agree = table_of(pairs, names, (5.1, EDGE), HEAD)
        n = pairs.sizes["pair"]
        counted = said("{agree} of {n} agree to four digits", agree=agree, n=n)
        count = words(counted, LABEL).put(EDGE, -1.95, "right")
        sweep = "One sweep back finds all {n} shares. Nudging took {runs} runs."
        self.beat("one sweep", said(sweep, n=n, runs=2 * n))
        self.play(*arrive(scatter), FadeIn(heads), run_time=0.6)
        come = LaggedStart(*[FadeIn(row) for row in rows], lag_ratio=0.4)
        self.play(Tune(scatter, there=1), come, run_time=2.4)
        self.play(FadeIn(count), run_time=0.6)
        self.wait(2.2)
        self.play(*leave(scatter), *[FadeOut(row) for row in (heads, *rows, count)], run_time=0.6)
        self.remove(scatter)

    # --------------------------------------------------------------------------------------------- learning

    def tiny_steps(self) -> None:
        eta, run = self.backprop.eta, self.trained
        l, j, i = self.weight
        end, high = float(run.step[-1]), 1.05 * float(run.loss.max())
        axes, span = (PANEL, -1.3, EDGE - PANEL, 2.0), ((0, end), (0, high))
        steps = {"0": 0.0, f"{end / 2:.0f}": end / 2}
        chart = Curve(run, "loss", axes, *span, "loss", "step", "error", "step", steps=steps)
        told = run.assign(count=run.step.astype(float), weight=run[f"W_{l}"][:, j, i])
        rows: tuple[tuple[str, str, float, Role], ...] = (
            ("count", "{:.0f}", TOP, "ink"),
            ("weight", "{:+.5f}", HEAD, "focus"),
            ("loss", "{:.5f}", 0.86, "error"),
        )
        numbers = [live(told, name, form, (EDGE, y), "step", role) for name, form, y, role in rows]
        names = VGroup(
            *[words(t, SMALL).put(PANEL, y, "left") for t, y in (("step", TOP), ("this weight", HEAD))]
        )
        names.add(ring(np.array([PANEL - 0.27, HEAD + 0.07]), 0.12))
        change = figures(signed(float(told.weight[1] - told.weight[0]), 5), NUMBER, "updated")
        by = VGroup(
            words(said("−{eta:g} × share", eta=eta), SMALL).put(PANEL, 1.46, "left"),
            change.put(EDGE, 1.46, "right"),
        )
        moving = [self.net, self.bars, chart, *numbers]
        step = said("One tiny step: every weight moves against its share, times {eta:g}.", eta=eta)
        self.beat("a tiny step", step)
        badge = "{source} · η={eta:g} · {steps:.0f} steps"
        self.names_data(said(badge, source=self.source, eta=eta, steps=end))
        shown = [FadeIn(shape) for shape in (names, self.ring, self.get, self.want)]
        self.play(*arrive(self.bars, chart.tune(presence=0), *numbers), *shown, run_time=0.8)
        self.play(FadeIn(by), run_time=0.6)
        self.wait(1)
        self.play(*[Advance(part, 0, 1, rate_func=smooth) for part in moving], run_time=1.5)
        self.wait(1.2)
        hundreds = "Then {more:.0f} more: wires widen or thin, outputs creep to what we want."
        self.beat("hundreds", said(hundreds, more=end - 1))
        self.play(FadeOut(by), run_time=0.4)
        self.play(*[Advance(part, 1, end, rate_func=ease_in_quad) for part in moving], run_time=7)
        self.wait(1.5)
        gone = [FadeOut(shape) for shape in (names, self.ring, self.get, self.want)]
        self.play(*leave(self.bars, chart, *numbers), *gone, Tune(self.net, blame_there=0), run_time=0.7)
        self.remove(self.bars, chart, *numbers)

    # ---------------------------------------------------------------------------------------------- formulas

    def written_down(self) -> None:
        net, L = self.net, self.L
        first, further, step = blame_formulas()
        texts = "blame at the outputs", "blame further back", "one step of every weight"
        names = [words(t, SMALL, "muted").put(1.2, y, "left") for t, y in zip(texts, (HEAD, 0.5, -0.84))]
        for formula, name in zip((first, further, step), names):
            formula.move_to([1.2 + formula.width / 2, name.baseline - 0.52, 0])
        inside = net.units[L - 1], net.arcs[L - 1]
        net.tune(blame=0, blame_there=1)
        self.beat("written down", "Back at step 0, written down: error times slope is the blame.")
        self.names_data(said("{source} · η={eta:g} · step 0", source=self.source, eta=self.backprop.eta))
        rewind = Advance(net, net.t, 0, rate_func=smooth)
        self.play(rewind, Tune(net, halo=1, run_time=1.6), FadeIn(names[0]), run_time=1.6)
        self.play(*pieces(first, e=net.halos, s=net.units[L]), run_time=1.4)
        self.play(Tune(net, blame=0.3, halo=0), run_time=0.8)
        self.play(*pieces(first, d=net.arcs[L]), FadeIn(rest(first, "des")), run_time=1.2)
        self.wait(1)
        self.beat("further back", "Sent back along the wires, and times the slope there.")
        self.play(*pieces(further, w=net.wires[L], e=net.arcs[L]), FadeIn(names[1]), run_time=1.4)
        self.play(Tune(net, blame=L - 0.7), run_time=1.6)
        self.play(*pieces(further, s=inside[0], d=inside[1]), FadeIn(rest(further, "dwes")), run_time=1.4)
        self.wait(1)
        self.beat("the step", "Each weight steps against the blame times what came in.")
        self.play(FadeIn(names[2]), *pieces(step, v=net.wires[L - 1]), run_time=1.4)
        self.play(*pieces(step, d=inside[1], a=net.units[L - 2]), FadeIn(rest(step, "vda")), run_time=1.4)
        self.wait(1.8)
        self.beat("the limit", "This was one example. With many, each weight averages its shares.")
        bias = words("biases, not drawn, step by −η δ", SMALL, "muted").put(1.2, FOOT, "left")
        self.play(FadeIn(bias), run_time=0.6)
        self.wait(3)
        formulas = [FadeOut(shape) for shape in (first, further, step, bias, *names)]
        self.play(*formulas, *leave(net), run_time=0.8)
        self.remove(net)
        self.remember("A weight’s share: what came in, times the blame that came back.")


def line_at(y: float, left: float) -> VMobject:
    """A rule to the right edge, under which the result of a column stands."""
    rule = mark(stroke="muted", width=2)
    rule.points = _bezier.segments([(left, y)], [(EDGE, y)])
    return rule
