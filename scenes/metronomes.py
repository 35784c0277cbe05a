"""How do separate parts agree with no conductor?

Pantaleone's five metronomes on a board, then Kuramoto's oscillators walking downhill.
"""

import numpy as np
import xarray as xr
from manim import FadeIn, FadeOut, LaggedStart, Mobject, TransformFromCopy, VGroup, Write

from scenes import _bezier
from scenes._film import Advance, Film, Tune
from scenes._language import said
from scenes._theme import LABEL, SMALL, Role, math, words
from scenes.parts import FIVE, mark
from scenes.parts.curve import Curve
from scenes.parts.metronome_row import MetronomeRow
from scenes.parts.number import Readout
from scenes.parts.phase_circle import PhaseCircle
from scenes.parts.valley import Valley
from sims import GradientDescent, Kuramoto
from sims import Metronomes as Pantaleone

SWING = 2 * np.pi  # one small swing, in the time of the trajectory
GENTLE, TOO_BIG = 1.5, 2.5  # step sizes on either side of the limit η = 2


class Metronomes(Film):
    """Five metronomes fall in phase, and so does gradient descent."""

    question = "How do separate parts agree with no conductor?"
    metronomes = Pantaleone(seed=9)
    kuramoto = Kuramoto(n=5, frequencies="equal", K=1.0, steps=400, seed=3)
    descent = GradientDescent(surface="bowl", kappa=1.0, optimiser="gd", x_0=0.5, y_0=0.0, steps=12)

    def construct(self) -> None:
        self.add(self.title)
        total = float(self.run(self.metronomes).time[-1]) / SWING
        self.unit = min(total, 100) / 100  # the film shows the first hundred swings
        self.stage: list[Mobject] = []
        self.on_a_table()
        self.on_two_cans()
        self.as_phases()
        self.in_agreement()
        self.downhill()
        self.too_big_a_step()
        self.the_map()
        self.where_it_breaks()

    def clear(self) -> None:
        """What is no longer spoken of leaves together with its caption."""
        self.play(*[FadeOut(gone) for gone in self.stage], run_time=0.6)
        self.stage = []

    def count(self, n: int | None = None) -> str:
        """How many metronomes (or so many), as a word where it is a short one."""
        n = n or self.metronomes.n
        short = "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine", "Ten"
        spoken = [said(word) for word in short]
        return spoken[n - 1] if n <= len(spoken) else str(n)

    def swings(self, count: float) -> float:
        """So many of a hundred swings, in the time of the trajectory."""
        return count * self.unit * SWING

    def on_a_table(self) -> None:
        alone = MetronomeRow(self.run(self.metronomes.model_copy(update={"beta": 0.0})), (0, -1.9))
        alone.tune(presence=0)
        each = "{count} metronomes on a fixed table. Each keeps its own time."
        self.beat("a fixed table", said(each, count=self.count()))
        self.names_data(self.source(0.0))
        self.play(Tune(alone, presence=1), Advance(alone, 0, self.swings(8), run_time=8))
        self.stage = [alone]

    def on_two_cans(self) -> None:
        free = MetronomeRow(self.run(self.metronomes), (0, -1.9)).tune(presence=0)
        self.beat("a board that rolls", "Now the board rolls on two cans, and wobbles with every swing.")
        badge = "{source} · board drawn moving {times:g} times as far"
        source = self.source(self.metronomes.beta)
        self.names_data(said(badge, source=source, times=free.exaggerated))
        self.clear()
        self.play(Tune(free, presence=1, run_time=0.6))
        self.play(Tune(free, lift=1, run_time=2))
        self.play(Advance(free, 0, self.swings(7), run_time=7))
        self.beat("four times faster", "Four times faster: each nudges the board, the board nudges the rest.")
        self.play(Tune(free, traces=1), Advance(free, self.swings(7), self.swings(71), run_time=16))
        self.beat("in phase", self.outcome())
        self.play(Tune(free, traces=0), Advance(free, self.swings(71), self.swings(76), run_time=5))
        self.stage = [free]

    def outcome(self) -> str:
        """What came of it, in the run's own number."""
        until = self.metronomes.measure(self.run(self.metronomes))["periods until in phase"]
        shown = 71 * self.unit
        soon = "After {swings:.0f} swings they nearly agree, then closer still. No one led."
        agreed = said(soon, swings=until)
        not_yet = said("After {swings:.0f} swings they do not agree yet.", swings=shown)
        return agreed if until <= shown else not_yet

    def as_phases(self) -> None:
        run = self.run(self.metronomes)
        row = MetronomeRow(run, (-3.3, -0.85), size=0.5).tune(presence=0, lift=1)
        turning = float(run.psi.diff("time").mean() / run.time.diff("time").mean())
        zero = float(run.psi[-1] - turning * run.time[-1])
        place = {"centre": (3.4, 0.1), "radius": 1.75, "phase": "phi", "zero": zero}
        whirling = PhaseCircle(run, **place).tune(presence=0, dots_there=0, arrow_there=0)
        self.circle = PhaseCircle(run, **place, turning=turning).tune(arrow_there=0)
        self.beat("phases", "Back to the start. One swing, there and back, is once round.")
        self.clear()
        self.play(Tune(row, presence=1), Tune(whirling, presence=1))
        dots = [mark(fill=FIVE[i % len(FIVE)]) for i in range(len(whirling.dots))]
        for dot, there in zip(dots, whirling.dots, strict=True):
            dot.points = there.points.copy()
        flights = [TransformFromCopy(bob, dot) for bob, dot in zip(row.bobs, dots, strict=True)]
        self.play(LaggedStart(*flights, lag_ratio=0.12, run_time=2.0))
        whirling.tune(dots_there=1)
        self.remove(*dots)
        self.rounds = 2 * SWING / turning  # two turns of the beat: here both circles show the same
        self.play(*[Advance(part, 0, self.rounds, run_time=4) for part in (row, whirling)])
        self.remove(whirling)
        self.add(self.circle.show(self.rounds))
        self.stage = [row]

    def in_agreement(self) -> None:
        run, circle = self.run(self.metronomes), self.circle
        swings = run.assign_coords(time=run.time / SWING)
        end = self.swings(100) / SWING
        chart = Curve(
            swings,
            "r",
            (-6.0, -1.6, 5.6, 2.0),
            (0, end),
            (0, 1),
            "agreement r",
            "swings",
            ticks={"0": 0, "1": 1},
            steps={f"{share * end:.0f}": share * end for share in (0.25, 0.5, 0.75)},
        )
        r = Readout(swings, "r", "{:.2f}", (-0.4, 0.56), role="focus", align="right")
        formula = math("r e^(i psi) = 1/N sum_(j=1)^N e^(i phi_j)", LABEL).move_to([-3.2, 1.85, 0])
        start = self.rounds / SWING
        for part in (chart, r):
            part.show(start)
        self.beat("agreement", "Now seen turning with the beat: the dots’ mean is an arrow r long.")
        self.clear()
        self.play(Tune(circle, arrow_there=1), FadeIn(chart), FadeIn(r), run_time=0.8)
        self.play(
            Advance(circle, self.rounds, self.swings(100), run_time=11),
            Advance(chart, start, end, run_time=11),
            Advance(r, start, end, run_time=11),
        )
        self.play(Write(formula), run_time=1.5)
        self.wait(2)
        self.stage = [circle, chart, r, formula]

    def downhill(self) -> None:
        s = self.kuramoto
        run = self.run(s)
        end = float(run.time[-1])
        valley = Valley(run, s.K or 1.0, (-6.1, -1.6, 7.2, 3.3)).tune(presence=0)
        low = -s.K * s.n / 2
        chart = Curve(
            run,
            "energy",
            (2.6, -1.6, 3.6, 1.6),
            (0, end),
            (min(low, -1e-9) * 1.05, 0),
            "energy E",
            "time",
            "ink",
        )
        i = int(np.abs(run.theta_dot.sel(time=0.25 * end, method="nearest").values).argmax())
        role = FIVE[i % len(FIVE)]
        drift = Readout(run, "theta_dot", "{:+.3f}", (5.0, 2.12), role=role, column=i)
        fall = Readout(run.assign(slope=-run.slope), "slope", "{:+.3f}", (5.0, 1.17), column=i)
        law = VGroup(
            math(f"dot(theta)_{i + 1}", LABEL, role).move_to([4.2, 2.21, 0]),
            math(f"-(partial E)/(partial theta_{i + 1})", LABEL).move_to([4.1, 1.26, 0]),
        )
        self.beat("downhill", "Simpler clocks: each feels the pull of the rest, as a valley.")
        badge = "Kuramoto 1975 · N={n} K={K:g} · equal frequencies · seed {seed}"
        self.names_data(said(badge, n=s.n, K=s.K, seed=s.seed))
        self.clear()
        self.play(Tune(valley, presence=1), FadeIn(chart), run_time=1)
        self.play(Advance(valley, 0, 0.25 * end, run_time=3.5), Advance(chart, 0, 0.25 * end, run_time=3.5))
        self.beat("two arrows, one", "Broad: how each drifts. Thin: minus its slope. The two are equal.")
        for part in (drift, fall):
            part.show(0.25 * end)
        self.play(FadeIn(law), FadeIn(drift), FadeIn(fall), Tune(valley, falls_there=1), run_time=0.8)
        moving = (valley, chart, drift, fall)
        self.play(*[Advance(part, 0.25 * end, end, run_time=7) for part in moving])
        self.wait(1)
        self.stage = [valley, chart, law, drift, fall]

    def too_big_a_step(self) -> None:
        self.beat("steps too big", "Beyond a step of 2 each one overshoots: no rest here, runaway there.")
        badge = "Kuramoto in steps, started close, K=1 · descent on a bowl, λ=1 · seed {seed}"
        self.names_data(said(badge, seed=self.kuramoto.seed))
        self.clear()
        phases = said("{count} phases, from their mean", count=self.count(self.kuramoto.n).lower())
        heads = VGroup(
            words(phases, SMALL, "muted").put(-2.9, 2.3),
            words("one weight on a bowl", SMALL, "muted").put(3.7, 2.3),
            words("step size", SMALL, "muted").put(-6.05, 2.3),
        )
        rows: tuple[tuple[float, float, Role], ...] = ((GENTLE, 0.35, "updated"), (TOO_BIG, -1.95, "error"))
        charts = []
        labels = VGroup()
        for eta, bottom, role in rows:
            clocks = stepped(self.run(self.in_steps(eta)))
            bowl = self.run(self.descent.model_copy(update={"eta": eta})).isel(coordinate=0)
            for run, name, left, clock in ((clocks, "apart", -5.4, "time"), (bowl, "x", 1.2, "step")):
                axes = (left, bottom, 5.0, 1.6), (0, 12), (-1.6, 1.6)
                charts.append(
                    Curve(
                        run,
                        name,
                        *axes,
                        "",
                        "step" if role == "error" else "",
                        FIVE if name == "apart" else role,
                        clock,
                    )
                )
            labels.add(math(f"eta = {eta:g}", LABEL, role).move_to([-6.05, bottom + 0.8, 0]))
        self.play(FadeIn(heads), FadeIn(labels), *[FadeIn(chart) for chart in charts], run_time=0.8)
        self.play(*[Advance(chart, 0, 12, run_time=4) for chart in charts[:2]])
        self.wait(0.6)
        self.play(*[Advance(chart, 0, 12, run_time=4) for chart in charts[2:]])
        off = words("off the chart", SMALL, "error").put(2.7, -1.6, "left")
        self.play(FadeIn(off), run_time=0.5)
        self.wait(2)
        self.stage = [heads, labels, off, *charts]

    def in_steps(self, eta: float) -> Kuramoto:
        """The same clocks close together, taken in steps."""
        return self.kuramoto.model_copy(
            update={"scheme": "euler", "dt": eta, "K": 1.0, "steps": 12, "every": 1, "arc": 1.2}
        )

    def the_map(self) -> None:
        self.beat("the map", "So the metronomes are a picture of learning.")
        self.names_data("")
        self.clear()
        pairs = [
            ("the board", "the shared error"),
            ("a phase", "a weight"),
            ("in step, at 360°", "the wanted output"),
            ("a nudge", "a small step downhill"),
        ]
        rows = []
        for i, (left, right) in enumerate(pairs):
            y = 1.6 - 1.05 * i
            link = mark(stroke="muted", width=3)
            link.points = _bezier.segments([(-0.75, y + 0.09)], [(0.75, y + 0.09)])
            rows.append(
                VGroup(
                    words(left, 26, "state").put(-1.2, y, "right"),
                    link,
                    words(right, 26, "target").put(1.2, y, "left"),
                )
            )
        self.play(LaggedStart(*[FadeIn(row) for row in rows], lag_ratio=0.5, run_time=4))
        self.wait(2.5)
        self.stage = [*rows]

    def where_it_breaks(self) -> None:
        self.beat("where it breaks", "And only a picture: the metronomes have none of these.")
        self.clear()
        lacks = ["layers", "labels: a wanted output", "the chain rule"]
        rows = []
        for i, text in enumerate(lacks):
            y = 1.6 - 0.95 * i
            cross = mark(stroke="error", width=5)
            cross.points = _bezier.segments(
                [(-2.2, y - 0.04), (-2.2, y + 0.24)], [(-1.92, y + 0.24), (-1.92, y - 0.04)]
            )
            rows.append(VGroup(cross, words(text, 26).put(-1.5, y, "left")))
        self.play(LaggedStart(*[FadeIn(row) for row in rows], lag_ratio=0.5, run_time=3))
        rows.append(VGroup(words("Metronomes copy each other. Weights do not.", 26).put(0, -1.7)))
        self.play(FadeIn(rows[-1]), run_time=0.6)
        self.wait(2.5)
        self.leave(*rows)
        self.remember("Small nudges through one shared board are enough to agree.")

    def source(self, beta: float) -> str:
        s = self.metronomes
        badge = "Pantaleone 2002 · β={beta:g} µ={mu:g} θ₀={theta_0:g} · seed {seed}"
        return said(badge, beta=beta, mu=s.mu, theta_0=s.theta_0, seed=s.seed)


def stepped(run: xr.Dataset) -> xr.Dataset:
    """A run in steps with the step's number as its clock, and every phase measured from the mean."""
    apart = np.angle(np.exp(1j * (run.theta - run.psi)))
    labelled = run.assign(apart=(run.theta.dims, apart))
    return labelled.assign_coords(time=np.arange(run.sizes["time"], dtype=float))
