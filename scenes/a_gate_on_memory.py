"""How does a GRU hold on?

A simple recurrent network, a GRU and an LSTM read the lecture's sentence about an alligator.
"""

from typing import Any

import numpy as np
import xarray as xr
from manim import Create, FadeIn, FadeOut, VGroup

from scenes import _bezier
from scenes._film import WIDE, Advance, Film, Tune
from scenes._language import said
from scenes._theme import DIM, LABEL, Role, Words, colour, figures, math, words
from scenes.parts import mark
from scenes.parts.answers import Answers
from scenes.parts.beside import along, beside, in_a_row, ring_around
from scenes.parts.blend import Blend, came, weighing
from scenes.parts.curve import Curve
from scenes.parts.gates import Gates, clearest, opening
from scenes.parts.lessons import Lessons
from scenes.parts.memory import Memory, Shadow, reading, staggered, word_by_word
from scenes.parts.number import Readout
from scenes.parts.way_back import WayBack, backwards, level_lines, medians_of, names_of
from sims import GRU, LSTM, SRN, ParameterError

COLUMNS = np.linspace(-4.9, 5.9, 13)
LEFT, ACROSS = COLUMNS[0], COLUMNS[-1] - COLUMNS[0]
LINE = 2.3  # baseline of the upper row of words
BLEND = 0.7  # middle of a gate at work
ANIMAL, LAST = 6, 12  # the word asked for, and the word it is asked at
SEEDS = range(12)
LEARNT = 0.95  # of the sequences told right
KINDS: dict[str, Role] = {"SRN": "error", "GRU": "updated", "LSTM": "third"}


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
        run = self.run(self.srn)
        read, last, n = reading(run, -1), self.words[LAST], self.srn.hidden
        memory = Memory(read, "h", COLUMNS, 1.5, 1.9).tune(presence=0, past=DIM)
        name = beside("memory", 0.5)
        caption = said("A simple recurrent network: {count} numbers, rewritten at every word.", count=n)
        self.beat("one memory", caption)
        one_back = "SRN({hidden}) trained one step back (Elman 1990), {steps} steps · seed {seed}"
        in_full = "SRN({hidden}) trained in full, {steps} steps · seed {seed}"
        self.names_data(either(self.srn.reach == 1, one_back, in_full, **sizes(self.srn)))
        self.play(FadeIn(self.sentence, lag_ratio=0.1), Tune(memory, presence=1), FadeIn(name), run_time=1)
        self.advance([memory], 0, LAST, 6, rate_func=word_by_word(LAST))
        share = float(run.y[-1, 0, -1, 0])
        guesses = "Which animal was it? At “{last}” it can only guess: {share:.0f}%."
        knows = "Which animal was it? At “{last}” it still knows: {share:.0f}%."
        caption = either(share < 2 / run.sizes["output"], guesses, knows, last=last, share=100 * share)
        self.beat("asked at the end", caption)
        answers = self.answers(run, -1.75, 0.75)
        asked = VGroup(beside("answer", -1.38), answers)
        self.play(FadeIn(asked), run_time=0.6)
        self.play(Tune(answers, grown=1), run_time=0.8)
        self.wait(2.4)
        self.play(FadeOut(asked), run_time=0.6)
        self.memory, self.side = memory, name

    def its_trace(self) -> None:
        run, memory = self.run(self.srn), self.memory
        read, n = reading(run, -1), run.sizes["sequence"]
        there, left = (float(read.trace[t]) for t in (ANIMAL, LAST))
        other = Shadow(reading(run, -1, -1), "h", COLUMNS, 1.5, 1.9).tune(framed=0)
        name = str(run.output.values[-1])
        swapped = Words(name, LABEL, "target").put(COLUMNS[ANIMAL], LINE + 0.4)
        says = "difference the animal makes to the memory, mean of {pairs} pairs"
        trace = along(COLUMNS, read, "trace", -2.3, 1.35, (0, 0.8), said(says, pairs=n * (n - 1) // 2))
        gone = "Put “{other}” for “{animal}”: by “{last}” the memory hardly differs."
        kept = "Put “{other}” for “{animal}”: by “{last}” the memory still differs."
        spoken = {"other": name, "animal": self.words[ANIMAL], "last": self.words[LAST]}
        self.beat("its trace", either(left < there / 2, gone, kept, **spoken))
        self.play(FadeIn(swapped), Tune(memory, past=1, framed=0), FadeIn(trace), run_time=0.8)
        self.advance([other, trace], 0, LAST, 5)
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
        self.blend = Blend(read.isel(unit=unit), 0, BLEND).tune(opened=0).show(ANIMAL)
        self.heading = words(said("at “{word}”", word=self.words[ANIMAL]), LABEL).put(0, BLEND + 1.8)
        caption = "A GRU, a gated recurrent unit, has a gate between old and new."
        badge = "{trained} · the unit whose gate does most: {unit}"
        self.turn("a gate", caption, said(badge, trained=self.trained(), unit=unit + 1))
        self.play(FadeIn(self.blend), FadeIn(self.heading), run_time=0.8)
        self.wait(2.6)
        self.beat("how far", "The gate says how far to go from the old number to the new one.")
        self.play(Tune(self.blend, opened=1, run_time=2.5))
        self.wait(1.2)

    def open_and_shut(self) -> None:
        self.shut = Blend(self.blend.trajectory, 3.3, BLEND).tune(opened=0).show(self.shut_at)
        heading = words(said("at “{word}”", word=self.words[self.shut_at]), LABEL).put(3.3, BLEND + 1.8)
        self.beat("open and shut", "Open: the new number replaces the old. Shut: the old one is kept.")
        aside = self.heading.animate(run_time=1.2).shift([-3.3, 0, 0])
        self.play(Tune(self.blend, x=-3.3, run_time=1.2), aside)
        self.play(FadeIn(self.shut), FadeIn(heading), run_time=0.8)
        self.play(Tune(self.shut, opened=1, run_time=1.2))
        self.wait(1.2)
        self.headings = VGroup(self.heading, heading)

    def the_formula(self) -> None:
        self.beat("the formula", "The gate z is the share of the new; the rest, 1 − z, is the old’s.")
        sums = [weighing(blend, -1.7) for blend in (self.blend, self.shut)]
        for pieces in sums:
            self.play(came(pieces), run_time=1.6)
        formula = math(
            "{{h' : now}} = ({{1 - z : keep}}) {{h : old}} + {{z : take}} {{tilde(h) : new}}", 28
        ).move_to([0, -2.26, 0])
        named = [formula.select(name) for name in ("keep", "old", "take", "new", "now")]
        VGroup(named[0], named[2]).set_color(colour("updated"))
        rest = VGroup(*[glyph for glyph in formula if not any(glyph in piece for piece in named)])
        self.play(came(named), FadeIn(rest), run_time=1.6)
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
        step = Readout(lesson, "at", said("step {:.0f}"), (3.3, -1.6), clock="step")
        right = Readout(lesson, "percent", said("{:.0f}% right"), (3.3, -2.1), clock="step")
        caption = said("All {count} numbers have gates of their own, at every word.", count=len(order))
        untrained = said("GRU({hidden}) before training · seed {seed}", **sizes(self.gru))
        self.turn("a gate for every number", caption, untrained)
        self.play(FadeIn(self.sentence), FadeIn(gates), FadeIn(side), run_time=0.8)
        self.wait(3.2)
        self.beat("learnt", "Backpropagation tunes what opens them, from right or wrong alone.")
        ordered = "{trained} · rows sorted by how much they open at “{animal}”"
        self.names_data(said(ordered, trained=self.trained(), animal=self.words[ANIMAL]))
        self.play(*[FadeIn(part) for part in (loss, step, right)], run_time=0.6)
        self.advance([gates, loss, step, right], 0, steps, 5.4, rate_func=early_steps_slowly)
        self.wait(0.8)
        self.leave(loss, step, right, gates, side)

    def word_by_word(self) -> None:
        run = self.run(self.gru)
        read = reading(run, -1)
        open_at = opening(read, ANIMAL)
        read = read.isel(unit=np.argsort(-open_at, kind="stable"))
        n, keepers = len(open_at), range(int((open_at >= 0.5).sum()))
        gates = Gates(read, "z", COLUMNS, 1.5, 1.3, spotlight=keepers).tune(framed=0)
        memory = Memory(read, "h", COLUMNS, 0.0, 1.3, spotlight=keepers)
        names = VGroup(beside("gates", 0.85), beside("memory", -0.65))
        learnt = bool(read.z[ANIMAL].mean() > read.z[0].mean())
        do = "The trained gates at work: they open on the way to “{animal}” …"
        do_not = "The trained gates at work: they do not yet open for “{animal}” …"
        self.turn("word by word", either(learnt, do, do_not, animal=self.words[ANIMAL]))
        self.play(FadeIn(gates), FadeIn(memory), FadeIn(names), run_time=0.8)
        self.advance([gates, memory], 0, ANIMAL, 3.6, rate_func=word_by_word(ANIMAL))
        ring = ring_around(COLUMNS[ANIMAL], 0.2, 1.5)
        self.play(Create(ring), Tune(memory, framed=0), run_time=0.6)
        self.wait(1)
        caption = "… then {count} of {all} stay mostly shut: what they hold is carried on."
        self.beat("shut", said(caption, count=len(keepers), all=n))
        self.play(FadeOut(ring), Tune(memory, framed=1), run_time=0.6)
        self.advance([gates, memory], ANIMAL, LAST, 4.2, rate_func=word_by_word(LAST - ANIMAL))
        self.play(Tune(gates, others=DIM), Tune(memory, others=DIM, framed=0))
        self.wait(0.5)
        right = float(run.y[-1, 0, -1, 0])
        does = "Which animal was it? At “{last}” it remembers: {share:.1f}%."
        does_not = "Which animal was it? At “{last}” it does not know: {share:.1f}%."
        caption = either(right > 0.5, does, does_not, last=self.words[LAST], share=100 * right)
        self.beat("asked again", caption)
        answers = self.answers(run, -2.1, 0.42)
        names.add(beside("answer", -1.89))
        self.play(FadeIn(answers), FadeIn(names[2]), run_time=0.6)
        self.play(Tune(answers, grown=1), run_time=0.8)
        self.wait(3)
        self.leave(gates, memory, names, answers)

    # --------------------------------------------------------------------------------- what is left

    def gradient_left(self) -> None:
        trained = {"SRN": self.srn, "GRU": self.gru, "LSTM": self.lstm}
        first = {"steps": 1, "record_every": 1}
        left = {
            k: backwards(self.run_seeds(sim.model_copy(update=first), SEEDS)) for k, sim in trained.items()
        }
        passed, faded = (float(left[kind]["median"][LAST - ANIMAL]) for kind in ("GRU", "SRN"))
        top = 1.03 * max(1.0, *(float(each.high.max()) for each in left.values()))
        box, animal, last = (LEFT, -2.2, ACROSS, 3.3), self.words[ANIMAL], self.words[LAST]
        ways = {k: WayBack(each, box, top, KINDS[k]) for k, each in left.items()}
        names, numbers = names_of(ways), medians_of(list(ways.values()), LAST - ANIMAL)
        lines, guide = level_lines(box, top), mark(stroke="focus", width=2)
        guide.points = _bezier.segments([(COLUMNS[ANIMAL], -2.2)], [(COLUMNS[ANIMAL], 1.1)])
        badge = (
            "before training · median and {most} of {all} seeds"
            " · gate biases {gru:g} and {lstm:g} towards keeping"
        )
        counts = {"most": len(SEEDS) - 2, "all": len(SEEDS)}
        badge = said(badge, **counts, gru=self.gru.gate_bias, lstm=self.lstm.gate_bias)
        caption = said("Learning sends a gradient back from “{last}”. How much is left?", last=last)
        self.turn("gradient left", caption, badge)
        self.play(FadeIn(lines), Create(guide), run_time=0.8)
        self.advance([ways["SRN"]], 0, LAST, 3.2)
        self.play(FadeIn(names[0]), FadeIn(numbers[0]), run_time=0.5)
        keeping = "With gates that keep, {passed:.0f}% of it reaches “{animal}”; without, {faded:.0f}%."
        plain = "With gates, {passed:.0f}% of it reaches “{animal}”; without, {faded:.0f}%."
        shares = {"passed": 100 * passed, "faded": 100 * faded}
        self.beat("past gates", either(self.gru.gate_bias > 0, keeping, plain, animal=animal, **shares))
        self.advance([ways["GRU"], ways["LSTM"]], 0, LAST, 3.2)
        self.play(*[FadeIn(label) for label in (*names[1:], *numbers[1:])], run_time=0.5)
        self.wait(1.8)
        self.leave(*ways.values(), *names, *numbers, lines, guide, self.sentence)

    def what_can_be_learnt(self) -> None:
        srn, far = self.srn.model_copy(update={"reach": 0}), {"task": "recall", "length": 20}
        near, letter = said("the sentence, {back} words back", back=LAST - ANIMAL), "a letter, 19 back"
        trials = [("SRN", srn, near), ("SRN", srn.model_copy(update=far), letter)]
        trials.append(("GRU", self.gru.model_copy(update=far), letter))
        caption = "Who learns to hold on? {count} networks each, taught all the way back."
        badge = (
            "backpropagation through time · recall of the first of 20 letters"
            " · {steps} steps · seeds {first}–{last}"
        )
        badge = said(badge, steps=srn.steps, first=SEEDS[0], last=SEEDS[-1])
        self.turn("what can be learnt", said(caption, count=len(SEEDS)), badge)
        for i, (kind, sim, task) in enumerate(trials):
            runs, x = self.run_seeds(sim, SEEDS), -5.6 + 4.15 * i
            lessons = Lessons(runs, (x, -1.35, 2.9, 2.3), kind, task, KINDS[kind])
            count = int((runs.accuracy.isel(step=-1) >= LEARNT).sum())
            learn = said("{count} of {all} learn it", count=count, all=len(SEEDS))
            result = words(learn, LABEL).put(x, -2.3, "left")
            if i == 1:
                caption = "The same network, asked for a letter 19 back, not {back}."
                self.beat("further back", said(caption, back=LAST - ANIMAL))
            if i == 2:
                self.beat("with gates", "The same task, with gates.")
            self.play(FadeIn(lessons), run_time=0.5)
            self.advance([lessons], 0, float(runs.step[-1]), 2.8 if i == 1 else 2.4)
            self.play(FadeIn(result), run_time=0.4)
            self.leave(lessons, result)
        self.wait(1.6)

    def amplify_and_forget(self) -> None:
        run = self.run(self.gru)
        read, names = reading(run, -1), run.output.values
        apart = run.h[-1].std("sequence")
        unit = int((apart[LAST] - apart[ANIMAL]).argmax("unit"))
        each = run.isel(step=-1, unit=unit).transpose("token", ...).assign_coords(token=read.token)
        moves = abs(each.h[LAST] - each.h[ANIMAL]).values
        far = 1 + int(moves[1:].argmax())
        others = [i for i in range(len(names)) if i not in (0, far)]
        roles = (*["muted"] * len(others), "target", "state")
        ticks = {"−1": -1.0, "0": 0.0, "+1": 1.0}
        animals = along(
            COLUMNS, each.isel(sequence=[*others, far, 0]), "h", -2.2, 2.9, (-1.1, 1.1), "", roles, ticks
        )
        key = in_a_row(
            LEFT,
            1.05,
            ("one number of the memory, after", "muted"),
            (said("“{animal}”,", animal=names[0]), "state"),
            (said("“{animal}”", animal=names[far]), "target"),
            (said("and {count} other animals", count=len(others)), "muted"),
        )
        caption = "Amplify when useful: word by word, some animals move apart."
        badge = "{trained} · the unit where they part most: {unit}"
        self.turn("amplify when useful", caption, said(badge, trained=self.trained(), unit=unit + 1))
        self.play(FadeIn(self.sentence), FadeIn(animals), FadeIn(key), run_time=0.8)
        self.advance([animals], 0, LAST, 4.5)
        self.wait(1.2)
        self.leave(animals, key)
        top = 1.05 * max(1.0, float(read.gradient_left.max()))
        says = "share of the gradient left, back from “{last}” to each word’s memory"
        says, ticks = said(says, last=self.words[LAST]), {"0": 0.0, "1": 1.0}
        left = along(COLUMNS, read, "gradient_left", -2.2, 2.9, (0, top), says, ("updated",), ticks)
        caption = "Forget when useful: what came before “{animal}” is let go."
        self.turn("forget when useful", said(caption, animal=self.words[ANIMAL]), self.trained())
        self.play(FadeIn(left), run_time=0.6)
        self.advance([left], 0, LAST, 3.6)
        self.wait(1.6)
        self.leave(left)

    # ------------------------------------------------------------------------------------- the limit

    def ticks(self) -> None:
        read, n = reading(self.run(self.gru), -1), len(self.words)
        memory = Memory(read, "h", COLUMNS, 1.5, 1.9).tune(past=DIM)
        form, look = said("tick {tick} of {n}", tick="{:.0f}", n=n), {"align": "centre", "clock": "token"}
        tick = Readout(read.assign(tick=read.token + 1), "tick", form, (0.5, -1.3), 30, **look)
        caption = said("Each word waits for the one before: still {n} ticks in a row.", n=n)
        self.turn("ticks", caption, self.trained())
        self.play(FadeIn(memory), FadeIn(tick), run_time=0.6)
        self.advance([memory, tick], 0, LAST, 4, rate_func=word_by_word(LAST))
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
            rows.add(VGroup(dots, Words(word, 15, "muted").put(-WIDE, y - 0.07, "left")))
        here.points = _bezier.discs([(COLUMNS[ANIMAL], lines[LAST])], 0.13)
        caption = said("Attention gets there in one hop, but weighs {n} × {n} pairs.", n=n)
        badge = said("counted, not simulated · {n} words, {pairs} pairs", n=n, pairs=n * n)
        self.turn("one hop", caption, badge)
        self.play(Create(hop), FadeIn(label), run_time=1)
        self.wait(0.8)
        self.play(FadeOut(hop), FadeOut(label), FadeIn(rows[-1]), FadeIn(here), run_time=0.8)
        self.play(FadeIn(rows[:-1]), run_time=0.8)
        self.wait(2.2)
        self.leave(*rows, here, self.sentence)

    # --------------------------------------------------------------------------------------- the means

    def advance(self, parts: list[Any], start: float, stop: float, seconds: float, **how: Any) -> None:
        """Run the clocks of some parts together."""
        self.play(*[Advance(part, start, stop, run_time=seconds, **how) for part in parts])

    def answers(self, run: xr.Dataset, bottom: float, height: float) -> Answers:
        """What a network answers at the last word, its vessels still empty."""
        columns = np.linspace(COLUMNS[0], COLUMNS[-1] - 1.1, run.sizes["output"])
        return Answers(run.isel(sequence=0, token=-1), columns, bottom, height).tune(grown=0)

    def trained(self) -> str:
        return said("GRU({hidden}) trained {steps} steps · seed {seed}", **sizes(self.gru))


def early_steps_slowly(alpha: float) -> float:
    """Most of the learning is at the beginning."""
    return alpha**2


def either(first: bool, one: str, other: str, /, **values: object) -> str:
    """One of two sentences; both are asked for, so that a table of words has both."""
    both = said(one, **values), said(other, **values)
    return both[0] if first else both[1]


def sizes(sim: SRN | GRU) -> dict[str, object]:
    """What a badge says of a network."""
    return {"hidden": sim.hidden, "steps": sim.steps, "seed": sim.seed}
