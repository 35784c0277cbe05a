"""How does a GRU hold on?

A simple recurrent network, a GRU and an LSTM read the lecture's sentence about an alligator.
"""

from functools import lru_cache
from typing import Any

import numpy as np
import xarray as xr
from manim import Create, FadeIn, FadeOut, Mobject, TransformFromCopy, VGroup, VMobject

from scenes import _bezier
from scenes._film import WIDE, Advance, Film, Tune
from scenes._theme import DIM, LABEL, SMALL, Role, colour, figures, math, words
from scenes.parts import mark
from scenes.parts.blend import Blend, weighing
from scenes.parts.curve import Curve
from scenes.parts.gates import Gates, clearest, opening
from scenes.parts.memory import HALF, Memory, Shadow, reading, staggered, word_by_word
from scenes.parts.number import Readout
from scenes.parts.way_back import WayBack, backwards, level_lines, medians_of, names_of
from sims import GRU, LSTM, SRN, ParameterError, Simulation

COLUMNS = np.linspace(-4.9, 5.9, 13)
LEFT, ACROSS = COLUMNS[0], COLUMNS[-1] - COLUMNS[0]
LINE = 2.3  # baseline of the upper row of words
ANIMAL, LAST = 6, 12  # the word asked for, and the word it is asked at
SEEDS = range(12)
LEARNT = 0.95  # of the sequences told right
KINDS: dict[str, Role] = {"SRN": "error", "GRU": "updated", "LSTM": "third"}


@lru_cache(maxsize=8)
def trained_from(sim: Simulation) -> xr.Dataset:
    """The same training from twelve seeds, side by side."""
    return type(sim).run_batch([sim.model_copy(update={"seed": seed}) for seed in SEEDS])


class AGateOnMemory(Film):
    """A memory with gates can keep what it read six words ago."""

    question = "How does a GRU hold on?"
    srn = SRN(task="alligator", reach=1, seed=1)
    gru = GRU(task="alligator", seed=1)
    lstm = LSTM(task="alligator", seed=1)
    kept = {"srn": {"task", "length", "reach"}, "gru": {"task", "length", "form"}, "lstm": {"task", "length"}}

    def construct(self) -> None:
        for sim in (self.srn, self.gru, self.lstm):
            if sim.task != "alligator" or getattr(sim, "form", "cho") != "cho":
                raise ParameterError(f"this film needs task='alligator' and form='cho'; got {sim!r}")
        self.add(self.title)
        run = self.run(self.gru)
        self.words = [str(run.input.values[i]) for i in run.x.isel(sequence=0).argmax("input")]
        self.sentence = staggered(self.words, COLUMNS, LINE)
        self.one_memory()
        self.its_trace()
        self.a_gate()
        self.open_and_shut()
        self.the_formula()
        self.a_gate_for_every_number()
        self.word_by_word()
        self.gradient_left()
        self.what_can_be_learnt()
        self.amplify_and_forget()
        self.ticks()
        self.one_hop()
        self.remember("A GRU holds on by learning when to shut its gates.")

    # ------------------------------------------------------------------------------------- one memory

    def one_memory(self) -> None:
        read = reading(self.run(self.srn), -1)
        animal, last, n = self.words[ANIMAL], self.words[LAST], self.srn.hidden
        memory = Memory(read, "h", COLUMNS, 1.5, 1.9).tune(presence=0, past=DIM)
        told = Gates(read, "told", COLUMNS, -0.75, 0.75, role="state").tune(presence=0, framed=0)
        names = VGroup(beside("memory", 0.5), beside(f"{animal}?", -1.18))
        self.beat("one memory", f"A simple recurrent network: {n} numbers, rewritten at every word.")
        self.names_data(f"SRN({n}) · Elman’s copy-back, {self.srn.steps} steps · seed {self.srn.seed}")
        self.play(
            FadeIn(self.sentence, lag_ratio=0.1), Tune(memory, presence=1), FadeIn(names[0]), run_time=1
        )
        self.play(Tune(told, presence=1, run_time=0.6), FadeIn(names[1], run_time=0.6))
        self.advance([memory, told], 0, LAST, 6, rate_func=word_by_word(LAST))
        outcome = "it can only guess" if self.run(self.srn).accuracy[-1] < 0.5 else "it still knows"
        self.beat("asked at the end", f"Asked for the animal at “{last}”, {outcome}.")
        answer = figures(f"{float(read.told[-1, 0]):.0%}", 20, "focus").put(COLUMNS[LAST], -1.95)
        ring = ring_around(COLUMNS[LAST], -1.6, -0.65)
        self.play(FadeIn(answer), Create(ring), run_time=0.8)
        self.wait(2.4)
        self.leave(answer, ring, names[1], told)
        self.memory, self.side = memory, names[0]

    def its_trace(self) -> None:
        run, memory = self.run(self.srn), self.memory
        read, n = reading(run, -1), run.sizes["sequence"]
        there, left = (float(read.trace[t]) for t in (ANIMAL, LAST))
        other = Shadow(reading(run, -1, -1), "h", COLUMNS, 1.5, 1.9).tune(framed=0)
        name = str(run.output.values[-1])
        swapped = words(name, LABEL, "target").put(COLUMNS[ANIMAL], LINE + 0.4)
        says = f"difference the animal makes to the memory, mean of {n * (n - 1) // 2} pairs"
        trace = self.along(read, "trace", -2.3, 1.35, (0, 0.8), says)
        fate = "hardly differs" if left < there / 2 else "still differs"
        self.beat(
            "its trace",
            f"Put “{name}” for “{self.words[ANIMAL]}”: by “{self.words[LAST]}” the memory {fate}.",
        )
        self.play(FadeIn(swapped), Tune(memory, past=1, framed=0), FadeIn(trace), run_time=0.8)
        self.advance([other, trace], 0, LAST, 5.5)
        numbers = [figures(f"{value:.2f}", 18, "focus") for value in (there, left)]
        numbers[0].put(COLUMNS[ANIMAL] + 0.2, -2.3 + 1.35 * there / 0.8, "left")
        numbers[1].put(COLUMNS[LAST], -2.1 + 1.35 * left / 0.8)
        self.play(*[FadeIn(number) for number in numbers], run_time=0.5)
        self.wait(1.8)
        self.leave(*numbers, swapped, self.side, trace, memory, other, self.sentence)

    # --------------------------------------------------------------------------------------- the gate

    def a_gate(self) -> None:
        read = reading(self.run(self.gru), -1)
        unit, self.shut_at = clearest(read, ANIMAL)
        self.blend = Blend(read.isel(unit=unit), 0, 0.5).tune(opened=0).show(ANIMAL)
        self.heading = words(f"at “{self.words[ANIMAL]}”", LABEL).put(0, 2.35)
        self.beat("a gate", "A gate says how far to go from the old number to the new one.")
        self.names_data(f"{self.trained()} · the unit whose gate does most: {unit + 1}")
        self.play(FadeIn(self.blend), FadeIn(self.heading), run_time=0.8)
        self.wait(1)
        self.play(Tune(self.blend, opened=1, run_time=2.5))
        self.wait(0.8)

    def open_and_shut(self) -> None:
        self.shut = Blend(self.blend.trajectory, 3.3, 0.5).tune(opened=0).show(self.shut_at)
        heading = words(f"at “{self.words[self.shut_at]}”", LABEL).put(3.3, 2.35)
        self.beat("open and shut", "Open: the new number replaces the old. Shut: the old one is kept.")
        aside = self.heading.animate(run_time=1.2).shift([-3.3, 0, 0])
        self.play(Tune(self.blend, x=-3.3, run_time=1.2), aside)
        self.play(FadeIn(self.shut), FadeIn(heading), run_time=0.8)
        self.play(Tune(self.shut, opened=1, run_time=1.2))
        self.wait(1.2)
        self.headings = VGroup(self.heading, heading)

    def the_formula(self) -> None:
        self.beat("the formula", "The gate z is the share of the new; the rest, 1 − z, is the old’s.")
        sums = [weighing(blend, -1.78) for blend in (self.blend, self.shut)]
        for blend, pieces in zip((self.blend, self.shut), sums, strict=True):
            z, (old, new, now) = blend.gate, blend.numbers
            signs = [FadeIn(pieces[i]) for i in (1, 3, 5, 7)]
            sources = zip((z, old, z, new, now), pieces[::2], strict=True)
            self.play(*[TransformFromCopy(*flight) for flight in sources], *signs, run_time=1.1)
        formula = math(
            "{{h' : now}} = ({{1 - z : keep}}) {{h : old}} + {{z : take}} {{tilde(h) : new}}", 26
        ).move_to([0, -2.3, 0])
        named = [formula.select(name) for name in ("keep", "old", "take", "new", "now")]
        VGroup(named[0], named[2]).set_color(colour("updated"))
        rest = VGroup(*[glyph for glyph in formula if not any(glyph in piece for piece in named)])
        flights = [TransformFromCopy(*pair) for pair in zip(sums[1][::2], named, strict=True)]
        self.play(*flights, FadeIn(rest), run_time=1.2)
        self.wait(2)
        self.leave(self.blend, self.shut, self.headings, rest, *named, *sums)

    # ------------------------------------------------------------------------------------- all gates

    def a_gate_for_every_number(self) -> None:
        run = self.run(self.gru)
        steps = float(run.step[-1])
        order = np.argsort(-opening(reading(run, -1), ANIMAL), kind="stable")
        lesson = run.isel(sequence=0, unit=order).assign(percent=100 * run.accuracy, at=1.0 * run.step)
        gates = Gates(lesson, "z", COLUMNS, 1.5, 2.3, clock="step")
        side = beside("gates", 0.28)
        box = (LEFT, -2.35, 7.2, 1.05)
        loss = Curve(run, "loss", box, (0, steps), (0, float(run.loss.max())), "loss", "", "error", "step")
        step = Readout(lesson, "at", "step {:.0f}", (3.3, -1.6), clock="step")
        right = Readout(lesson, "percent", "{:.0f}% right", (3.3, -2.1), clock="step")
        self.beat(
            "a gate for every number", f"All {len(order)} numbers have gates of their own, at every word."
        )
        self.names_data(f"GRU({self.gru.hidden}) before training · seed {self.gru.seed}")
        self.play(FadeIn(self.sentence), FadeIn(gates), FadeIn(side), run_time=0.8)
        self.wait(3.2)
        self.beat("learnt", "Backpropagation tunes what opens them, from right or wrong alone.")
        self.names_data(self.ordered())
        self.play(*[FadeIn(part) for part in (loss, step, right)], run_time=0.6)
        self.advance([gates, loss, step, right], 0, steps, 6, rate_func=early_steps_slowly)
        self.wait(0.8)
        self.leave(loss, step, right, gates, side)

    def word_by_word(self) -> None:
        read = reading(self.run(self.gru), -1)
        open_at = opening(read, ANIMAL)
        read = read.isel(unit=np.argsort(-open_at, kind="stable"))
        n, keepers = len(open_at), range(int((open_at >= 0.5).sum()))
        gates = Gates(read, "z", COLUMNS, 1.5, 1.4, spotlight=keepers).tune(framed=0)
        memory = Memory(read, "h", COLUMNS, -0.1, 1.4, spotlight=keepers)
        told = Gates(read, "told", COLUMNS, -1.7, 0.45, role="state").tune(framed=0)
        animal = self.words[ANIMAL]
        names = VGroup(beside("gates", 0.72), beside("memory", -0.88), beside(f"{animal}?", -1.99))
        parts = [gates, memory, told]
        do = "open on the way to" if read.z[ANIMAL].mean() > read.z[0].mean() else "do not yet open for"
        self.beat("word by word", f"The trained gates at work: they {do} “{animal}” …")
        self.play(*[FadeIn(part) for part in parts], FadeIn(names), run_time=0.8)
        self.advance(parts, 0, ANIMAL, 3.6, rate_func=word_by_word(ANIMAL))
        ring = ring_around(COLUMNS[ANIMAL], 0.1, 1.5)
        self.play(Create(ring), run_time=0.6)
        self.wait(1)
        self.beat("shut", f"… then {len(keepers)} of {n} stay mostly shut: what they hold is carried on.")
        self.leave(ring)
        self.advance(parts, ANIMAL, LAST, 4.2, rate_func=word_by_word(LAST - ANIMAL))
        answer = figures(f"{float(read.told[-1, 0]):.1%}", 20, "focus").put(COLUMNS[LAST], -2.42)
        self.play(Tune(gates, others=DIM), Tune(memory, others=DIM, framed=0), FadeIn(answer))
        self.wait(2)
        self.leave(*parts, names, answer)

    # --------------------------------------------------------------------------------- what is left

    def gradient_left(self) -> None:
        trained = {"SRN": self.srn, "GRU": self.gru, "LSTM": self.lstm}
        first = {"steps": 1, "record_every": 1}
        left = {k: backwards(trained_from(sim.model_copy(update=first))) for k, sim in trained.items()}
        passed, faded = (float(left[kind]["median"][LAST - ANIMAL]) for kind in ("GRU", "SRN"))
        top = 1.03 * max(1.0, *(float(each.high.max()) for each in left.values()))
        box, animal, last = (LEFT, -2.2, ACROSS, 3.3), self.words[ANIMAL], self.words[LAST]
        ways = {k: WayBack(each, box, top, KINDS[k]) for k, each in left.items()}
        names, numbers = names_of(ways), medians_of(list(ways.values()), LAST - ANIMAL)
        lines, guide = level_lines(box, top), mark(stroke="focus", width=2)
        guide.points = _bezier.segments([(COLUMNS[ANIMAL], -2.2)], [(COLUMNS[ANIMAL], 1.1)])
        said = f"median and {len(SEEDS) - 2} of {len(SEEDS)} seeds"
        biases = f"gate biases {self.gru.gate_bias:g} and {self.lstm.gate_bias:g}"
        self.beat("gradient left", f"Learning sends a gradient back from “{last}”. How much is left?")
        self.names_data(f"before training · {said} · {biases} towards keeping")
        self.play(FadeIn(lines), Create(guide), run_time=0.8)
        self.advance([ways["SRN"]], 0, LAST, 3.2)
        self.play(FadeIn(names[0]), FadeIn(numbers[0]), run_time=0.5)
        gates = "gates that keep" if self.gru.gate_bias > 0 else "gates"
        said = f"With {gates}, {passed:.0%} of it reaches “{animal}”; without, {faded:.0%}."
        self.beat("past gates", said)
        self.advance([ways["GRU"], ways["LSTM"]], 0, LAST, 3.2)
        self.play(*[FadeIn(label) for label in (*names[1:], *numbers[1:])], run_time=0.5)
        self.wait(1.8)
        self.leave(*ways.values(), *names, *numbers, lines, guide, self.sentence)

    def what_can_be_learnt(self) -> None:
        srn, far = self.srn.model_copy(update={"reach": 0}), {"task": "recall", "length": 20}
        trials = [("SRN", srn, LAST - ANIMAL), ("SRN", srn.model_copy(update=far), 19)]
        trials.append(("GRU", self.gru.model_copy(update=far), 19))
        said = f"{len(SEEDS)} networks each, all backpropagated in full: who learns to hold on?"
        self.beat("what can be learnt", said)
        self.names_data(
            f"the sentence · delayed recall of 20 symbols · {srn.steps} steps · seeds 0–{SEEDS[-1]}"
        )
        shown: list[Mobject] = []
        for i, (kind, sim, back) in enumerate(trials):
            run = trained_from(sim).transpose("step", "batch", ...)
            x, span = -5.6 + 4.15 * i, (0.0, float(run.step[-1]))
            marks = {} if i else {"0%": 0.0, "100%": 1.0}
            look: dict[str, Any] = {"ticks": marks, "label_role": "muted", "width": 2.5}
            box, axes = (x, -1.35, 3.4, 2.4), ("told right", "training")
            chart = Curve(run, "accuracy", box, span, (0, 1.02), *axes, KINDS[kind], "step", **look)
            head = words(f"{kind}, {back} steps back", LABEL, KINDS[kind]).put(x, 1.75, "left")
            count = int((run.accuracy[-1] >= LEARNT).sum())
            result = words(f"{count} of {len(SEEDS)} learn it", LABEL).put(x, -2.3, "left")
            self.play(FadeIn(chart), FadeIn(head), run_time=0.5)
            self.advance([chart], *span, 1.6)
            self.play(FadeIn(result), run_time=0.4)
            shown += [chart, head, result]
        self.wait(1.6)
        self.leave(*shown)

    def amplify_and_forget(self) -> None:
        run = self.run(self.gru)
        read, n = reading(run, -1), run.sizes["sequence"]
        apart = run.h[-1].std("sequence")
        unit = int((apart[LAST] - apart[ANIMAL]).argmax("unit"))
        each = run.isel(step=-1, unit=unit, sequence=[*range(1, n), 0]).transpose("token", ...)
        each = each.assign_coords(token=read.token)
        animal, roles = self.words[ANIMAL], (*["muted"] * (n - 1), "state")
        says = f"one number of the memory: blue after “{animal}”, grey after {n - 1} other animals"
        animals = self.along(each, "h", -0.1, 1.25, (-1.1, 1.1), says, roles, {"−1": -1, "+1": 1})
        top = 1.05 * max(1.0, float(read.gradient_left.max()))
        says = f"how much the memory at each word still matters at “{self.words[LAST]}” (gradient left)"
        left = self.along(read, "gradient_left", -2.3, 1.3, (0, top), says, ("updated",), {"0": 0, "1": 1})
        self.beat(
            "amplify when useful", "Amplify when useful: in this number, some animals part word by word."
        )
        self.names_data(f"{self.trained()} · the unit where they part most after the animal: {unit + 1}")
        self.play(FadeIn(self.sentence), FadeIn(animals), run_time=0.8)
        self.advance([animals], 0, LAST, 3.5)
        self.wait(1)
        self.beat("forget when useful", f"Forget when useful: what came before “{animal}” is let go.")
        self.play(FadeIn(left), Tune(animals, presence=DIM), run_time=0.6)
        self.advance([left], 0, LAST, 3.2)
        self.wait(1.2)
        self.leave(animals, left)

    # ------------------------------------------------------------------------------------- the limit

    def ticks(self) -> None:
        read, n = reading(self.run(self.gru), -1), len(self.words)
        memory = Memory(read, "h", COLUMNS, 1.5, 1.9).tune(past=DIM)
        counted = read.assign(tick=read.token + 1)
        tick = Readout(
            counted, "tick", f"tick {{:.0f}} of {n}", (0.5, -1.3), 30, align="centre", clock="token"
        )
        self.beat("ticks", f"The limit: still {n} ticks, one after the other. No word can go first.")
        self.names_data(self.trained())
        self.play(FadeIn(memory), FadeIn(tick), run_time=0.6)
        self.advance([memory, tick], 0, LAST, 4.2, rate_func=word_by_word(LAST))
        self.leave(memory, tick)

    def one_hop(self) -> None:
        n = len(self.words)
        hop, here = mark(stroke="focus", width=5), mark(fill="focus")
        hop.points = _bezier.bows([(COLUMNS[LAST], 2.1)], [(COLUMNS[ANIMAL], 2.1)], -1.6)
        label = words("one hop", LABEL, "focus").put((COLUMNS[ANIMAL] + COLUMNS[LAST]) / 2, 0.05)
        lines = 1.4 - 0.3 * np.arange(n)
        rows = VGroup()
        for word, y in zip(self.words, lines, strict=True):
            dots = mark(fill="muted")
            dots.points = _bezier.discs([(x, y) for x in COLUMNS], 0.075)
            rows.add(VGroup(dots, words(word, 15, "muted").put(-WIDE, y - 0.07, "left")))
        here.points = _bezier.discs([(COLUMNS[ANIMAL], lines[LAST])], 0.13)
        self.beat("one hop", f"Attention gets there in one hop, but weighs {n} × {n} pairs.")
        self.names_data(f"counted, not simulated · {n} words, {n * n} pairs")
        self.play(Create(hop), FadeIn(label), run_time=1)
        self.wait(0.8)
        self.play(FadeOut(hop), FadeOut(label), FadeIn(rows[-1]), FadeIn(here), run_time=0.8)
        self.play(FadeIn(rows[:-1]), run_time=0.8)
        self.wait(1.8)
        self.leave(*rows, here, self.sentence)

    # --------------------------------------------------------------------------------------- the means

    def advance(self, parts: list[Any], start: float, stop: float, seconds: float, **how: Any) -> None:
        """Run the clocks of some parts together."""
        self.play(*[Advance(part, start, stop, run_time=seconds, **how) for part in parts])

    def leave(self, *gone: Mobject) -> None:
        """Fade out what is no longer spoken of."""
        self.play(*[FadeOut(mobject) for mobject in gone], run_time=0.6)

    def along(
        self,
        read: xr.Dataset,
        variable: str,
        bottom: float,
        height: float,
        extent: tuple[float, float],
        says: str,
        roles: tuple[Any, ...] = ("focus",),
        ticks: dict[str, float] | None = None,
    ) -> Curve:
        """A chart whose places along lie under the words."""
        label_role = roles[0]
        box, span = (LEFT, bottom, ACROSS, height), (0, LAST)
        look: dict[str, Any] = {"ticks": ticks or {"0": 0}, "label_role": label_role}
        return Curve(read, variable, box, span, extent, says, "", roles, "token", **look)

    def trained(self) -> str:
        return f"GRU({self.gru.hidden}) trained {self.gru.steps} steps · seed {self.gru.seed}"

    def ordered(self) -> str:
        return f"{self.trained()} · rows sorted by how much they open at “{self.words[ANIMAL]}”"


def early_steps_slowly(alpha: float) -> float:
    """Most of the learning is at the beginning."""
    return alpha**2


def beside(text: str, y: float) -> VMobject:
    """The name of a row of marks, at the left edge."""
    return words(text, SMALL, "muted").put(-WIDE, y - 0.06, "left")


def ring_around(x: float, low: float, high: float) -> VMobject:
    """A yellow ring round one column."""
    ring = mark(stroke="focus", width=4)
    ring.points = _bezier.rectangles(x - HALF - 0.1, low - 0.08, x + HALF + 0.1, high + 0.08)
    return ring
