"""How does a GRU hold on?

A simple recurrent network, a GRU and an LSTM read the lecture's sentence about an alligator.
"""

from functools import lru_cache

import numpy as np
import xarray as xr
from manim import Create, FadeIn, FadeOut, LaggedStart, TransformFromCopy, VGroup, VMobject, Write

from scenes import _bezier
from scenes._film import WIDE, Advance, Film, Tune
from scenes._theme import DIM, LABEL, SMALL, Role, colour, figures, math, words
from scenes.parts import mark
from scenes.parts.blend import Blend
from scenes.parts.curve import Curve
from scenes.parts.gates import Gates
from scenes.parts.memory import HALF, Memory, Shadow, staggered, word_by_word
from scenes.parts.number import Readout, advance
from sims import GRU, LSTM, SRN, ParameterError, Simulation

COLUMNS = np.linspace(-4.9, 5.9, 13)
ACROSS = COLUMNS[-1] - COLUMNS[0]
LINE = 2.3  # baseline of the upper row of words
ANIMAL, LAST = 6, 12  # places of the word asked for, and of the word it is asked at
SEEDS = range(12)
SUM = 17  # size of the sums in numbers
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
    kept = {name: {"task", "length", "form", "reach"} for name in ("srn", "gru", "lstm")}

    def construct(self) -> None:
        for sim in (self.srn, self.gru, self.lstm):
            if sim.task != "alligator" or getattr(sim, "form", "cho") != "cho":
                raise ParameterError(
                    "this film reads the alligator's sentence with Cho's gates; keep task and form"
                )
        self.add(self.title)
        run = self.run(self.gru)
        self.words = [str(run.input.values[i]) for i in run.x.isel(sequence=0).argmax("input")]
        self.sentence = staggered(self.words, COLUMNS, LINE)
        self.one_memory()
        self.its_trace_is_gone()
        self.a_gate()
        self.open_and_shut()
        self.the_formula()
        self.a_gate_for_every_number()
        self.word_by_word()
        self.gradient_left()
        self.what_can_be_learnt()
        self.amplify_and_forget()
        self.ticks_and_hops()
        self.remember("A GRU holds on by learning when to shut its gates.")

    # ------------------------------------------------------------------------------------- one memory

    def one_memory(self) -> None:
        read = reading(self.run(self.srn), -1)
        memory = Memory(read, "h", COLUMNS, 1.5, 1.9).tune(presence=0, past=DIM)
        told = Gates(read, "told", COLUMNS, -0.75, 0.75, role="state").tune(presence=0, framed=0)
        names = VGroup(beside("memory", 0.5), beside(f"{self.words[ANIMAL]}?", -1.18))
        n = self.srn.hidden
        self.beat("one memory", f"A simple recurrent network: {n} numbers, rewritten at every word.")
        self.names_data(f"SRN({n}) · Elman’s copy-back, {self.srn.steps} steps · seed {self.srn.seed}")
        self.play(
            FadeIn(self.sentence, lag_ratio=0.1, run_time=1.2), Tune(memory, presence=1), FadeIn(names[0])
        )
        self.play(Tune(told, presence=1, run_time=0.6), FadeIn(names[1], run_time=0.6))
        through = {"rate_func": word_by_word(LAST), "run_time": 7}
        self.play(Advance(memory, 0, LAST, **through), Advance(told, 0, LAST, **through))
        share = float(read.told[-1, 0])
        outcome = "it can only guess" if self.run(self.srn).accuracy[-1] < 0.5 else "it still knows"
        self.beat("asked at the end", f"Asked for the animal at “{self.words[LAST]}”, {outcome}.")
        answer = figures(f"{share:.0%}", 20, "focus").put(COLUMNS[LAST], -1.95)
        ring = ring_around(COLUMNS[LAST], -1.6, -0.65)
        self.play(FadeIn(answer), Create(ring), run_time=0.8)
        self.wait(2.8)
        self.play(FadeOut(VGroup(answer, ring, names[1])), Tune(told, presence=0), run_time=0.6)
        self.remove(told)
        self.memory, self.side = memory, names[0]

    def its_trace_is_gone(self) -> None:
        run, memory = self.run(self.srn), self.memory
        read = reading(run, -1)
        n = run.sizes["sequence"]
        other = Shadow(reading(run, -1, -1), "h", COLUMNS, 1.5, 1.9).tune(presence=0, framed=0)
        name = str(run.output.values[-1])
        swapped = words(name, LABEL, "target").put(COLUMNS[ANIMAL], LINE + 0.4)
        box = (COLUMNS[0], -2.3, ACROSS, 1.35)
        says = f"difference the animal makes to the memory, mean of {n * (n - 1) // 2} pairs"
        trace = Curve(read, "trace", box, (0, LAST), (0, 0.8), says, "", clock="token", ticks={"0": 0})
        there, left = (float(read.trace[t]) for t in (ANIMAL, LAST))
        fate = "hardly knows" if left < there / 2 else "still knows"
        self.beat(
            "its trace",
            f"Put “{name}” for “{self.words[ANIMAL]}”: by “{self.words[LAST]}” the memory {fate}.",
        )
        self.play(FadeIn(swapped), Tune(memory, past=1, framed=0), FadeIn(trace), run_time=0.8)
        other.tune(presence=1)
        self.play(Advance(other, 0, LAST, run_time=6.5), Advance(trace, 0, LAST, run_time=6.5))
        numbers = [figures(f"{value:.2f}", 18, "focus") for value in (there, left)]
        numbers[0].put(COLUMNS[ANIMAL] + 0.2, box[1] + box[3] * there / 0.8, "left")
        numbers[1].put(COLUMNS[LAST], box[1] + box[3] * left / 0.8 + 0.2)
        self.play(*[FadeIn(number) for number in numbers], run_time=0.5)
        self.wait(1.8)
        leaving = [*numbers, swapped, self.side, trace, self.sentence]
        self.play(*[FadeOut(gone) for gone in leaving], Tune(memory, presence=0), Tune(other, presence=0))
        self.remove(memory, other)

    def a_gate(self) -> None:
        read = reading(self.run(self.gru), -1)
        unit, self.shut_at = clearest(read)
        self.blend = Blend(read.isel(unit=unit), 0, 0.25).tune(presence=0, opened=0).show(ANIMAL)
        self.heading = words(f"at “{self.words[ANIMAL]}”", LABEL).put(0, 2.25)
        self.beat("a gate", "A gate says how far to go from the old number to the new one.")
        self.names_data(f"{self.trained()} · the unit whose gate does most: {unit + 1}")
        self.play(Tune(self.blend, presence=1), FadeIn(self.heading), run_time=0.8)
        self.wait(1)
        self.play(Tune(self.blend, opened=1, run_time=3))
        self.wait(0.8)

    def open_and_shut(self) -> None:
        shut = Blend(self.blend.trajectory, 3.3, 0.25).tune(presence=0, opened=0).show(self.shut_at)
        heading = words(f"at “{self.words[self.shut_at]}”", LABEL).put(3.3, 2.25)
        self.beat("open and shut", "Open: the new number replaces the old. Shut: the old one is kept.")
        self.play(
            Tune(self.blend, x=-3.3, run_time=1.2), self.heading.animate(run_time=1.2).shift([-3.3, 0, 0])
        )
        self.play(Tune(shut, presence=1), FadeIn(heading), run_time=0.8)
        self.play(Tune(shut, opened=1, run_time=1.5))
        self.wait(1.2)
        self.shut, self.headings = shut, VGroup(self.heading, heading)

    def the_formula(self) -> None:
        sums = []
        self.beat("the formula", "The gate z is the share of the new; the rest, 1 − z, is the old’s.")
        for blend in (self.blend, self.shut):
            z, old, new, now = blend.gate, *blend.numbers
            sums.append(VGroup(*weighing(blend.x, -2.02, z.value, old.value, new.value, now.value)))
            keep, _, was, _, take, _, comes, _, result = sums[-1]
            flights = zip((z, old, z, new, now), (keep, was, take, comes, result), strict=True)
            self.play(
                *[TransformFromCopy(source, piece) for source, piece in flights],
                *[FadeIn(sums[-1][i]) for i in (1, 3, 5, 7)],
                run_time=1.2,
            )
        formula = math("h' = (1 - {{z : gate}}) h + {{z : again}} tilde(h)", 26).move_to([0, -2.45, 0])
        for name in ("gate", "again"):
            formula.select(name).set_color(colour("updated"))
        self.play(TransformFromCopy(sums[1], formula), run_time=1.2)
        self.wait(2.2)
        self.play(
            *[Tune(part, presence=0, run_time=0.6) for part in (self.blend, self.shut)],
            FadeOut(VGroup(self.headings, formula, *sums), run_time=0.6),
        )
        self.remove(self.blend, self.shut)

    # ------------------------------------------------------------------------------------- all gates

    def a_gate_for_every_number(self) -> None:
        run = self.run(self.gru)
        steps = float(run.step[-1])
        lesson = run.isel(sequence=0, unit=in_order(reading(run, -1))).assign(percent=100 * run.accuracy)
        gates = Gates(lesson, "z", COLUMNS, 1.5, 2.3, clock="step").tune(presence=0)
        side = beside("gates", 0.28)
        top = float(run.loss.max())
        loss = Curve(
            run, "loss", (COLUMNS[0], -2.35, 7.2, 1.05), (0, steps), (0, top), "loss", "", "error", "step"
        )
        step = Readout(
            lesson.assign(at=lesson.step.astype(float)), "at", "step {:.0f}", (3.3, -1.6), clock="step"
        )
        right = Readout(lesson, "percent", "{:.0f}% right", (3.3, -2.1), clock="step")
        self.beat(
            "a gate for every number",
            f"All {self.gru.hidden} numbers have a gate of their own, at every word.",
        )
        self.names_data(
            f"{self.trained()} · units in order of gate at “{self.words[ANIMAL]}” less mean after"
        )
        self.play(FadeIn(self.sentence), Tune(gates, presence=1), FadeIn(side), run_time=0.8)
        self.wait(2)
        self.beat("learnt", "Backpropagation sets them all from one thing: was the answer right?")
        moving = (gates, loss, step, right)
        self.play(*[FadeIn(part) for part in moving[1:]], run_time=0.6)
        self.play(*[Advance(part, 0, steps, run_time=6, rate_func=early_steps_slowly) for part in moving])
        self.wait(1)
        self.play(
            *[FadeOut(part) for part in moving[1:]], Tune(gates, presence=0), FadeOut(side), run_time=0.6
        )
        self.remove(gates)

    def word_by_word(self) -> None:
        read = reading(self.run(self.gru), -1)
        order = in_order(read)
        read = read.isel(unit=order)
        keepers = [u for u in range(len(order)) if opening(read)[u] >= 0.5] or [0]
        gates = Gates(read, "z", COLUMNS, 1.5, 1.4, spotlight=keepers).tune(framed=0)
        memory = Memory(read, "h", COLUMNS, -0.1, 1.4, spotlight=keepers)
        told = Gates(read, "told", COLUMNS, -1.7, 0.45, role="state").tune(framed=0)
        parts = (gates, memory, told)
        names = VGroup(
            beside("gates", 0.72), beside("memory", -0.88), beside(f"{self.words[ANIMAL]}?", -1.99)
        )
        for part in parts:
            part.tune(presence=0)
        self.beat("word by word", "The trained gates at work, word by word, above the memory.")
        self.names_data(
            f"{self.trained()} · units in order of gate at “{self.words[ANIMAL]}” less mean after"
        )
        self.play(*[Tune(part, presence=1) for part in parts], FadeIn(names), run_time=0.8)
        for start, stop, seconds in ((0, ANIMAL, 4), (ANIMAL, LAST, 4.5)):
            through = {"rate_func": word_by_word(stop - start), "run_time": seconds}
            self.play(*[Advance(part, start, stop, **through) for part in parts])
            if stop == ANIMAL:
                ring = ring_around(COLUMNS[ANIMAL], 0.1, 1.5)
                self.beat("open", f"By “{self.words[ANIMAL]}” they stand open …")
                self.play(Create(ring), run_time=0.6)
                self.wait(1.6)
                self.beat("shut", "… and then stay mostly shut: the memory is carried, not rewritten.")
                self.play(FadeOut(ring), run_time=0.4)
        share = float(read.told[-1, 0])
        answer = figures(f"{share:.0%}", 20, "focus").put(COLUMNS[LAST], -2.42)
        self.play(Tune(gates, others=DIM), Tune(memory, others=DIM, framed=0), FadeIn(answer))
        self.wait(2)
        self.play(*[Tune(part, presence=0) for part in parts], FadeOut(names), FadeOut(answer), run_time=0.6)
        self.remove(*parts)

    def trained(self) -> str:
        return f"GRU({self.gru.hidden}) trained {self.gru.steps} steps · seed {self.gru.seed}"

    # --------------------------------------------------------------------------------- what is left

    def gradient_left(self) -> None:
        floor, tall = -2.2, 3.3
        last, animal = self.words[LAST], self.words[ANIMAL]
        axes = grid(floor, tall)
        guide = mark(stroke="focus", width=2)
        guide.points = _bezier.segments([(COLUMNS[ANIMAL], floor)], [(COLUMNS[ANIMAL], floor + tall)])
        self.beat("gradient left", f"Learning sends a gradient back from “{last}”. How much gets through?")
        self.names_data(f"before training · {len(SEEDS)} seeds and their median · GRU gates start at keep")
        self.play(FadeIn(axes), Create(guide), run_time=0.8)
        charts, names, ends, values = [], [], [], []
        for kind, sim in (("SRN", self.srn), ("GRU", self.gru), ("LSTM", self.lstm)):
            left = backwards(trained_from(sim.model_copy(update={"steps": 1, "record_every": 1})))
            box = (COLUMNS[0], floor, ACROSS, tall), (LAST, 0), (0, 1.05)
            seeds = Curve(left, "each", *box, "", "", KINDS[kind], "back", frame=False, width=1.5)
            median = Curve(left, "median", *box, "", "", KINDS[kind], "back", frame=False)
            charts += [seeds.tune(presence=DIM), median]
            names.append(kind)
            ends.append(float(left["median"][-1]))
            values.append(float(left["median"][LAST - ANIMAL]))
        ends, heights = (spread([floor + tall * v / 1.05 for v in row], 0.32) for row in (ends, values))
        labels = [
            words(k, SMALL, KINDS[k]).put(COLUMNS[0] - 0.2, y - 0.07, "right") for k, y in zip(names, ends)
        ]
        numbers = [
            figures(f"{v:.2f}", 18, KINDS[k]).put(COLUMNS[ANIMAL] - 0.12, y + 0.12, "right")
            for k, v, y in zip(names, values, heights)
        ]
        self.play(*[Advance(chart, 0, LAST, run_time=3.5) for chart in charts[:2]])
        self.play(FadeIn(labels[0]), FadeIn(numbers[0]), run_time=0.5)
        self.beat("past shut gates", f"Shut gates let it pass: far more of it reaches “{animal}”.")
        self.play(*[Advance(chart, 0, LAST, run_time=3.5) for chart in charts[2:]])
        self.play(*[FadeIn(label) for label in (*labels[1:], *numbers[1:])], run_time=0.5)
        self.wait(1.5)
        self.play(
            *[FadeOut(gone) for gone in (*charts, *labels, *numbers, axes, guide, self.sentence)],
            run_time=0.6,
        )

    def what_can_be_learnt(self) -> None:
        srn = self.srn.model_copy(update={"reach": 0})
        far = {"task": "recall", "length": 20}
        trials = [("SRN", srn, LAST - ANIMAL), ("SRN", srn.model_copy(update=far), 19)]
        trials.append(("GRU", self.gru.model_copy(update=far), 19))
        self.beat(
            "what can be learnt",
            f"{len(SEEDS)} networks each, all backpropagated in full: who learns to hold on?",
        )
        self.names_data(
            f"the alligator’s sentence · delayed recall, 20 symbols · {srn.steps} steps · seeds 0–{SEEDS[-1]}"
        )
        charts, shown = [], VGroup()
        for i, (kind, sim, back) in enumerate(trials):
            run = trained_from(sim).transpose("step", "batch", ...)
            x = -5.6 + 4.15 * i
            head = words(f"{kind}, {back} steps back", LABEL, KINDS[kind]).put(x, 1.75, "left")
            span, marks = (0, float(run.step[-1])), {"0%": 0.0, "100%": 1.0} if i == 0 else None
            chart = Curve(
                run,
                "accuracy",
                (x, -1.35, 3.4, 2.4),
                span,
                (0, 1.02),
                "told right",
                "training",
                KINDS[kind],
                "step",
                ticks=marks,
                label_role="muted",
                width=2.5,
            )
            count = int((run.accuracy[-1] >= LEARNT).sum())
            shown.add(head, words(f"{count} of {len(SEEDS)} learn it", LABEL).put(x, -2.3, "left"))
            charts.append(chart)
            self.play(FadeIn(chart), FadeIn(head), run_time=0.5)
            self.play(Advance(chart, *span, run_time=2))
            self.play(FadeIn(shown[-1]), run_time=0.4)
        self.wait(1.8)
        self.play(*[FadeOut(gone) for gone in (*charts, shown)], run_time=0.6)

    def amplify_and_forget(self) -> None:
        run = self.run(self.gru)
        read = reading(run, -1)
        apart = run.h[-1].std("sequence")
        unit = int((apart[LAST] - apart[ANIMAL]).argmax("unit"))
        each = run.isel(step=-1, unit=unit).transpose("token", ...).assign_coords(token=read.token)
        roles: tuple[Role, ...] = ("state", *["muted"] * (run.sizes["sequence"] - 1))
        animals = Curve(
            each,
            "h",
            (COLUMNS[0], -0.05, ACROSS, 1.25),
            (0, LAST),
            (-1.05, 1.05),
            f"one number of the memory, for each of {len(roles)} animals",
            "",
            roles,
            "token",
            label_role="muted",
            width=3,
        )
        top = max(1.0, float(read.gradient_left.max())) * 1.05
        left = Curve(
            read,
            "gradient_left",
            (COLUMNS[0], -2.3, ACROSS, 1.35),
            (0, LAST),
            (0, top),
            f"gradient left of “{self.words[LAST]}”’s, after training",
            "",
            "updated",
            "token",
            ticks={"0": 0},
        )
        self.beat(
            "amplify when useful", "Amplify when useful: the animals drift further apart in this number."
        )
        self.names_data(f"{self.trained()} · the unit where they part most after the animal: {unit + 1}")
        self.play(FadeIn(self.sentence), FadeIn(animals), run_time=0.8)
        self.play(Advance(animals, 0, LAST, run_time=4))
        self.wait(1)
        self.beat(
            "forget when useful", f"Forget when useful: what came before “{self.words[ANIMAL]}” is let go."
        )
        self.play(FadeIn(left), run_time=0.6)
        self.play(Advance(left, 0, LAST, run_time=4))
        self.wait(1.2)
        self.play(FadeOut(animals), FadeOut(left), run_time=0.6)

    def ticks_and_hops(self) -> None:
        n = len(self.words)
        read = reading(self.run(self.gru), -1)
        memory = Memory(read, "h", COLUMNS, 1.5, 1.9).tune(presence=0, past=DIM)
        tick = Readout(
            read.assign(tick=read.token + 1),
            "tick",
            f"tick {{:.0f}} of {n}",
            (0.5, -1.2),
            30,
            align="centre",
            clock="token",
        )
        self.beat("ticks", f"The limit: still {n} ticks, one after the other. No word can go first.")
        self.names_data(self.trained())
        self.play(Tune(memory, presence=1), FadeIn(tick), run_time=0.6)
        through = {"rate_func": word_by_word(LAST), "run_time": 5}
        self.play(Advance(memory, 0, LAST, **through), Advance(tick, 0, LAST, **through))
        self.play(Tune(memory, presence=0, run_time=0.6), FadeOut(tick, run_time=0.6))
        self.remove(memory)
        hop = mark(stroke="focus", width=5)
        hop.points = _bezier.bows([(COLUMNS[LAST], 2.1)], [(COLUMNS[ANIMAL], 2.1)], -1.6)
        pairs = [mark(fill="muted") for _ in self.words]
        for i, row in enumerate(pairs):
            row.points = _bezier.discs([(x, 1.35 - 0.285 * i) for x in COLUMNS], 0.07)
        here = mark(fill="focus")
        here.points = _bezier.discs([(COLUMNS[ANIMAL], 1.35 - 0.285 * LAST)], 0.12)
        self.beat("one hop", f"Attention gets there in one hop, but weighs {n} × {n} pairs.")
        self.names_data(f"counted, not simulated · {n} words, {n * n} pairs")
        self.play(Create(hop), run_time=1)
        self.wait(0.8)
        self.play(FadeOut(hop), FadeIn(pairs[-1]), FadeIn(here), run_time=0.8)
        self.play(*[FadeIn(row) for row in pairs[:-1]], run_time=0.8)
        self.wait(2)
        self.play(FadeOut(VGroup(*pairs, here, self.sentence)), run_time=0.6)


def early_steps_slowly(alpha: float) -> float:
    """Most of the learning is at the beginning."""
    return alpha**2


def reading(run: xr.Dataset, step: int, sequence: int = 0) -> xr.Dataset:
    """What happens word by word in one sentence, at one recorded step of training; words count from 0."""
    read = run.isel(step=step, sequence=sequence)
    told = run.y.isel(step=step, sequence=sequence, output=[0]).rename(output="answer")
    before = read.h.shift(token=1, fill_value=0.0)
    return read.assign(h_before=before, told=told).assign_coords(token=np.arange(float(read.sizes["token"])))


def opening(read: xr.Dataset) -> np.ndarray:
    """How much wider each gate is open at the animal than after it."""
    return (read.z[ANIMAL] - read.z[ANIMAL + 1 :].mean("token")).values


def in_order(read: xr.Dataset) -> np.ndarray:
    """Units, those first whose gates open most at the animal alone."""
    return np.argsort(-opening(read), kind="stable")


def clearest(read: xr.Dataset) -> tuple[int, int]:
    """The unit whose gate lets most in at the animal and keeps most out at one later word, and that word."""
    change = abs(read.h_tilde - read.h_before).values
    z = read.z.values
    kept_out = ((1 - z) * change)[ANIMAL + 1 :]
    unit = int(((z * change)[ANIMAL] * kept_out.max(0)).argmax())
    return unit, ANIMAL + 1 + int(kept_out[:, unit].argmax())


def beside(text: str, y: float) -> VMobject:
    """The name of a row of marks, at the left edge."""
    return words(text, SMALL, "muted").put(-WIDE, y - 0.06, "left")


def ring_around(x: float, low: float, high: float) -> VMobject:
    """A yellow ring round one column."""
    ring = mark(stroke="focus", width=4)
    ring.points = _bezier.rectangles(x - HALF - 0.1, low - 0.08, x + HALF + 0.1, high + 0.08)
    return ring


def backwards(runs: xr.Dataset) -> xr.Dataset:
    """Gradient left before training, word by word back from the last: of each of a batch, and the median."""
    each = runs.gradient_left.isel(step=0, sequence=0, token=slice(None, None, -1)).transpose(
        "token", "batch"
    )
    each = each.rename(token="back").assign_coords(back=np.arange(float(each.sizes["token"])))
    return xr.Dataset({"each": each, "median": each.median("batch")})


def spread(heights: list[float], gap: float) -> list[float]:
    """The heights, moved up where needed so that labels at them are at least `gap` apart."""
    order = np.argsort(heights)
    free = list(heights)
    for below, above in zip(order[:-1], order[1:], strict=True):
        free[above] = max(free[above], free[below] + gap)
    return free


def grid(floor: float, tall: float) -> VGroup:
    """Lines at none and all of the gradient."""
    lines = VGroup()
    for text, y in (("0", floor), ("1", floor + tall / 1.05)):
        line = mark(stroke="muted" if text == "0" else "faint", width=2)
        line.points = _bezier.segments([(COLUMNS[0], y)], [(COLUMNS[-1], y)])
        lines.add(line, figures(text, 16).put(COLUMNS[-1] + 0.22, y - 0.07, "left"))
    return lines


def weighing(x: float, y: float, z: float, old: float, new: float, now: float) -> list[VMobject]:
    """(1 - z) × old + z × new = now in numbers, piece by piece, round x on the baseline y."""

    def signed(value: float) -> str:
        return f"(−{-value:.2f})" if value < 0 else f"{value:.2f}"

    pieces: list[tuple[str, Role]] = [(f"{1 - z:.2f}", "updated"), ("×", "muted"), (signed(old), "ink")]
    pieces += [("+", "muted"), (f"{z:.2f}", "updated"), ("×", "muted"), (signed(new), "ink")]
    pieces += [("=", "muted"), (f"{now:.2f}".replace("-", "−"), "ink")]
    cell = advance(SUM)
    at = x - cell * (sum(len(text) + 1 for text, _ in pieces) - 1) / 2
    placed = []
    for text, role in pieces:
        placed.append(figures(text, SUM, role).put(at + cell * len(text) / 2, y))
        at += cell * (len(text) + 1)
    return placed
