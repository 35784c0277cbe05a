"""How can one word have two meanings?

A trained attention layer, from the two sentences of the lecture: scores, shares, and arrows tip to tail.
"""

from functools import partial

import numpy as np
import xarray as xr
from manim import Create, FadeIn, FadeOut, LaggedStart, TransformFromCopy, VGroup, smooth

from scenes._film import Advance, Film, Tune
from scenes._language import said
from scenes._theme import LABEL, SMALL, Words, math, words
from scenes.parts.curve import Curve
from scenes.parts.heatmap import Heatmap
from scenes.parts.labels import box_of
from scenes.parts.matrices import Matrices
from scenes.parts.number import Readout
from scenes.parts.score_table import ScoreTable
from scenes.parts.seed_strip import SeedStrip
from scenes.parts.sentence import Sentence
from scenes.parts.shift import Shift, on_the_way
from scenes.parts.space import SIDES, Space, View, legend, on_plane
from sims import Attention

PLANE = (-6.61, -2.1, 1.05, 2.15)  # where the space is seen: left, bottom, right, top
COLUMN, RIVER, MONEY = 4.1, 1.4, -1.05  # middle of the sentences; their baselines
SEEDS = range(12)
ENOUGH = 0.8  # of a word's attention on the words that tell its sense


class TwoBanks(Film):
    """One word, moved by the words around it to one meaning or the other."""

    question = "How can one word have two meanings?"
    attention = Attention()

    def construct(self) -> None:
        self.add(self.title)
        self.prepare()
        self.one_word()
        self.one_arrow()
        self.the_space()
        self.dot_products()
        self.shares()
        self.values()
        self.tip_to_tail()
        self.the_other_sentence()
        self.all_at_once()
        self.training()
        self.twelve_seeds()
        self.formulas()
        self.remember("Add the context vectors, in proportion to their similarity.")

    def prepare(self) -> None:
        """The trained layer's parts, none of them on the screen yet."""
        self.data = on_plane(self.run(self.attention))
        self.end = self.data.isel(step=slice(-2, None))  # two, so that a clock can run between them
        self.each = [self.data.isel(sentence=s, query=-1) for s in (0, 1)]
        widest = float(abs(self.end.scores.isel(query=-1)).max())
        self.sentences = [
            Sentence(each, 0, y, role, widest).tune(presence=0, zoom=1.5, apart=0)
            for each, y, role in zip(self.each, (1.75, -0.65), SIDES, strict=False)
        ]
        self.view = self.fitted(self.end)
        self.space = Space(self.data, self.view)
        self.shifts = [
            Shift(each, self.space, role, "bank", side)
            for each, role, side in zip(self.each, SIDES, ("left", "right"), strict=False)
        ]
        self.names_data(self.trained())

    def trained(self) -> str:
        return said("trained · seed {seed}", seed=self.attention.seed)

    def fitted(self, run: xr.Dataset, *more: str, side: float = 0.6) -> View:
        """The plane as large as all that lies on it during these steps allows."""
        found = [run[name].values.reshape(-1, 2) for name in ("word_xy", "after_xy", *more)]
        return View(PLANE, np.vstack([*found, np.zeros((1, 2))]), (side, 0.5))

    def clues(self, sentence: int) -> str:
        """The words that get most of bank's attention, in the order of the sentence."""
        weights = self.each[sentence].weights.isel(step=-1).values
        ranked = np.argsort(-weights)
        count = int(np.searchsorted(np.cumsum(weights[ranked]), ENOUGH)) + 1
        tokens = [str(self.each[sentence].tokens.values[i]) for i in sorted(ranked[: min(count, 2)])]
        if len(tokens) == 1:
            return said("{one}", one=tokens[0])
        return said("{one} and {other}", one=tokens[0], other=tokens[1])

    def one_word(self) -> None:
        self.beat("one word", "One word in two sentences, with two meanings.")
        self.play(*[Tune(sentence, presence=1) for sentence in self.sentences])
        self.rings = VGroup(*[sentence.ring() for sentence in self.sentences])
        self.wait(0.6)
        self.play(LaggedStart(*[Create(ring) for ring in self.rings], lag_ratio=0.3, run_time=1.2))
        self.wait(1.6)

    def one_arrow(self) -> None:
        d = self.attention.d
        caption = said("To start with, both are the same {d} numbers: one identical arrow.", d=d)
        self.beat("one arrow", caption)
        form = "{:.2f}" if d <= 8 else ""
        strips = [
            Heatmap(self.end.isel(sentence=s), "bank_before", (-2.8, y), (5.6 / d, 0.5), form=form)
            for s, y in enumerate((1.35, -1.05))
        ]
        for strip in strips:
            strip.tune(filled=0)
        self.play(*[Tune(strip, filled=d, run_time=1.5) for strip in strips])
        self.wait(0.8)
        self.play(FadeOut(self.rings), Tune(strips[1], numbered=0), run_time=0.4)
        self.play(
            *[Tune(strip, x=-5.6, run_time=1.4) for strip in strips],
            *[
                Tune(sentence, x=COLUMN, y=y, zoom=1, apart=1, run_time=1.4)
                for sentence, y in zip(self.sentences, (RIVER, MONEY), strict=True)
            ],
        )
        self.play(*[Tune(strip, y=2.2, run_time=1.2) for strip in strips])
        self.remove(strips[1])
        self.strip = strips[0]
        self.space.tune(grid_there=0, **self.close_up())
        tip = self.space.place(self.data.word_xy.values[-1, 0])
        self.bank = self.space.first_name().put(tip[0] + 0.3, tip[1], "left")
        self.play(Tune(self.space, arrow_there=1, run_time=1.2))
        self.play(FadeIn(self.bank), run_time=0.6)
        self.wait(1.2)

    def close_up(self) -> dict[str, float]:
        """The plane so near that bank's arrow fills it."""
        bank = self.data.word_xy.values[-1, 0]
        scale = 2.2 / float(np.hypot(*bank))
        middle = np.array([(PLANE[0] + PLANE[2]) / 2, -0.5]) - scale * bank / 2
        return {"scale": scale, "x0": middle[0], "y0": middle[1]}

    def the_space(self) -> None:
        self.beat("the space", "In the space of words, river words lie here, money words there.")
        near = View(PLANE, np.vstack([self.data.word_xy.values[-1], np.zeros((1, 2))]), (1.6, 0.7))
        self.play(FadeOut(self.bank, run_time=0.4), Tune(self.strip, presence=0, run_time=0.4))
        self.remove(self.strip)
        self.play(
            Tune(self.space, **near.there, grid_there=1, run_time=2),
            *[Tune(sentence, presence=0.35, run_time=1) for sentence in self.sentences],
        )
        self.names = self.space.name_words(set(self.data.word.values.astype(str)), [])
        self.play(Tune(self.space, words_there=1), Tune(self.space, rest_there=0.7))
        self.play(LaggedStart(*[FadeIn(name) for name in self.names], lag_ratio=0.1, run_time=1.6))
        seen = self.data.isel(step=-1)
        spread, moves = (100 * float(seen[name]) for name in ("plane_share", "plane_share_moves"))
        note = "This plane shows {spread:.0f}% of the words’ spread, {moves:.0f}% of bank’s moves."
        self.note = words(said(note, spread=spread, moves=moves), 15, "muted").put(PLANE[0], -2.42, "left")
        self.play(FadeIn(self.note), run_time=0.6)
        self.wait(1.6)

    def dot_products(self) -> None:
        self.beat("dot products", "A dot product scores how well each word answers what bank asks.")
        river, each = self.sentences[0], self.end.isel(sentence=0, query=-1)
        each = each.assign(query=each.q.isel(token=-1))
        cell = (3.36 / self.attention.d, 0.42)
        self.query = Heatmap(each, "query", (-4.6, 2.3), cell)
        self.keys = Heatmap(each, "k", (-4.6, 1.3), cell)
        for part in (self.query, self.keys):
            part.tune(presence=0)
        self.table = ScoreTable(each, self.query, self.keys, SIDES[0])
        lines = self.table.lines()
        self.rows = VGroup(
            *[Words(w, 20).put(-4.8, y, "right") for w, y in zip(river.tokens, lines, strict=False)]
        )
        self.heads = VGroup(
            words("bank asks", 20, SIDES[0]).put(-4.8, 2.02, "right"),
            words("each word offers", SMALL, "muted").put(-4.6, 1.45, "left"),
            words("score", SMALL, "muted").put(self.table.columns["score"], 1.45, "right"),
            words(said("score: their products, added up, over √{d}", d=self.attention.d), SMALL, "muted").put(
                -4.6, lines[-1] - 0.2, "left"
            ),
        )
        self.play(FadeOut(self.names), FadeOut(self.note), Tune(self.space, presence=0), run_time=0.6)
        self.play(Tune(river, presence=1), Tune(self.query, presence=1), FadeIn(self.heads[0]))
        self.play(Tune(self.keys, presence=1), FadeIn(self.rows), FadeIn(self.heads[1:]))
        n = len(river.tokens)
        self.play(Tune(self.table, swept=1, run_time=2.6), Tune(river, reached=1, run_time=2.6))
        self.play(Tune(self.table, swept=n, run_time=4), Tune(river, reached=n, run_time=4))
        self.wait(1.4)

    def shares(self) -> None:
        self.beat("softmax", "Softmax turns scores into shares: e to the score, over the total.")
        table, river = self.table, self.sentences[0]
        self.play(
            Tune(self.query, presence=0), Tune(self.keys, presence=0), FadeOut(self.heads), run_time=0.6
        )
        self.play(Tune(table, slid=1))
        at = table.columns
        self.heads = VGroup(
            words("score", SMALL, "muted").put(at["slid"], 1.45, "right"),
            math(f'e^"{said("score")}"', LABEL, "muted").move_to([at["power"] - 0.3, 1.55, 0]),
            words("share", SMALL, "muted").put(at["share"], 1.45, "right"),
        )
        total = words("total", 20, "muted").put(-4.8, table.lines()[-1], "right")
        self.play(FadeIn(self.heads[:2]), Tune(table, raised=1), FadeIn(total))
        self.wait(1)
        self.play(FadeIn(self.heads[2]), Tune(table, shared=1, run_time=1.5))
        self.play(Tune(river, shared=1, numbered=1, run_time=1.2))
        self.wait(1.6)
        self.play(
            Tune(table, presence=0), FadeOut(self.heads), FadeOut(total), FadeOut(self.rows), run_time=0.6
        )
        self.remove(table, self.query, self.keys)

    def values(self) -> None:
        self.beat("values", "Every word has an arrow to add. Its share says how much of it.")
        space, shift = self.space, self.shifts[0]
        wide = self.fitted(self.end.isel(sentence=[0]), "value_xy")
        space.tune(**wide.there, words_there=0.35, rest_there=0.3, arrow_there=0)
        values = shift.name_values(PLANE)
        self.play(Tune(space, presence=1), Tune(shift, grown=1, run_time=1.2), FadeIn(self.note))
        self.play(FadeIn(values), run_time=0.6)
        self.wait(1.4)
        self.play(FadeOut(values, run_time=0.5), Tune(shift, shared=1, run_time=1.6))

    def tip_to_tail(self) -> None:
        self.beat("tip to tail", said("Tip to tail, they move bank towards {words}.", words=self.clues(0)))
        space, shift = self.space, self.shifts[0]
        self.play(
            Tune(space, run_time=1.4, **self.view.there, words_there=1, rest_there=0.7, arrow_there=1),
            Tune(shift, run_time=1.4, chained=1),
        )
        taken = [spot for each in self.shifts for spot in each.taken()]
        self.names = space.name_words({str(word) for word in self.data.tokens.values.ravel()}, taken)
        taken = space.taken() + [box_of(label) for name in self.names for label in name]
        factors = shift.name_arrows(taken, PLANE)
        self.play(FadeIn(self.names), FadeIn(factors), Tune(shift, label_there=1), run_time=0.6)
        self.wait(0.8)
        self.play(Tune(shift, moved=1, aside=0, run_time=1.6))
        self.wait(1.2)
        self.play(FadeOut(factors), Tune(shift, arrows_there=0.35), run_time=0.6)

    def the_other_sentence(self) -> None:
        caption = said("The other sentence moves the same bank towards {words}.", words=self.clues(1))
        self.beat("the other sentence", caption)
        river, money = self.sentences
        one, other = self.shifts
        n = len(money.tokens)
        self.play(Tune(river, presence=0.35), Tune(money, presence=1), Tune(one, presence=0.35), run_time=0.8)
        self.play(Tune(money, reached=n, run_time=1.2))
        self.play(Tune(money, shared=1, numbered=1, run_time=1.2))
        other.tune(shared=1, chained=1)
        self.play(Tune(other, grown=1, run_time=1.2))
        self.play(Tune(one, moved=0, aside=1, presence=1, arrows_there=0.35), Tune(river, presence=1))
        apart = on_the_way(self.end.isel(step=-1))
        final = f"{float(self.end.cosine[-1]):.2f}".replace("-", "−")
        caption = said("One word, two arrows: their cosine goes from 1.00 to {final}.", final=final)
        self.beat("apart", caption)
        label = words("cosine of the two banks", SMALL, "muted").put(PLANE[0], 2.32, "left")
        self.readout = Readout(apart, "cosine", "{:.2f}", (-3.6, 2.32), 24, "focus", clock="moved")
        scale = words("1: the same way, −1: opposite", 15, "muted").put(PLANE[2], 2.32, "right")
        self.cosine = VGroup(label, self.readout, scale)
        self.play(Tune(other, label_there=1, arrows_there=0.35), FadeIn(self.cosine), run_time=0.6)
        self.play(
            *[Tune(shift, moved=1, aside=0, run_time=2.4) for shift in self.shifts],
            Advance(self.readout, 0, 1, run_time=2.4, rate_func=smooth),
        )
        self.wait(1.8)

    def all_at_once(self) -> None:
        self.beat("all at once", "All words at once, as matrices: every row asks every column.")
        leaving = [self.names, self.note, self.cosine]
        parts = [self.space, *self.shifts, *self.sentences]
        self.play(
            *[FadeOut(left) for left in leaving], *[Tune(part, presence=0) for part in parts], run_time=0.6
        )
        self.remove(*parts)
        m = Matrices(self.end.isel(sentence=0))
        cells = m.scores.m * m.scores.n
        self.play(*m.appear(m.asked, m.q, m.k), run_time=0.8)
        self.play(*m.appear(m.scored, m.scores), Tune(m.product, presence=1), FadeIn(m.cell), run_time=0.6)
        self.play(Tune(m.product, swept=1, run_time=3))
        self.play(Tune(m.scores, filled=1, run_time=0.4))
        self.wait(0.6)
        self.play(Tune(m.product, presence=0), FadeOut(m.cell), run_time=0.4)
        self.play(Tune(m.scores, filled=cells, run_time=1.4))
        self.beat("rows to shares", "Softmax makes each row shares; the shares blend what words say.")
        self.play(*m.appear(m.shared, m.weights), run_time=0.6)
        self.play(Tune(m.weights, filled=cells, run_time=1.4))
        self.play(*m.appear(m.said, m.v, m.outputs), run_time=0.6)
        self.play(Tune(m.outputs, filled=m.q.m * m.q.n, run_time=1.6))
        self.wait(1.4)
        fading = [Tune(part, presence=0) for part in m.parts] + [FadeOut(names) for names in m.names]
        self.play(*fading, run_time=0.6)
        self.remove(*m.parts)

    def training(self) -> None:
        run, space = self.data, self.space
        first, last = float(run.step[0]), float(run.step[-1])
        view = self.fitted(run, side=1.25)
        space.tune(**view.there)
        for sentence, y in zip(self.sentences, (0.15, -1.3), strict=True):
            sentence.tune(y=y, long=0.48, reached=0)
        for shift in self.shifts:
            shift.tune(arrows_there=0, aside=2)
        logarithmic = run.assign_coords(step=np.log1p(run.step - first))
        steps = [*[step for step in (first, 10, 100) if first <= step < last / 2], last]
        ticks = {f"{step:g}" if step else "step 0": np.log1p(step - first) for step in steps}
        span = (0.0, float(np.log1p(last - first)))
        box, label, ends = (2.5, 1.05, 3.8, 1.1), "cosine of the two banks", {"1": 1.0, "0": 0.0, "−1": -1.0}
        curve = Curve(
            logarithmic, "cosine", box, span, (-1, 1), label, "", clock="step", ticks=ends, steps=ticks
        )
        step = Readout(run, "step", said("step {:.0f}"), (PLANE[0], 2.3), 22, clock="step")
        still = VGroup(curve, legend(PLANE[0], -2.42))
        moving = [space, *self.shifts, *self.sentences, step]
        for part in moving:
            part.show(first)
        self.beat("before training", "Before training, the two banks lie together. Where to look is random.")
        self.play(
            *[Tune(part, presence=1) for part in moving[:-1]], FadeIn(still), FadeIn(step), run_time=0.8
        )
        self.wait(3)
        self.beat("training", "Nobody says where to look. Training finds it, and they split.")
        sweep = [Advance(part, first, last, rate_func=partial(_geometric, span[1])) for part in moving]
        nearer = [Tune(shift, aside=1, run_time=9) for shift in self.shifts]
        self.play(*sweep, *nearer, Advance(curve, *span), run_time=9)
        self.wait(1.4)
        self.play(
            *[Tune(part, presence=0) for part in moving[:-1]], FadeOut(still), FadeOut(step), run_time=0.6
        )
        self.remove(*moving)

    def twelve_seeds(self) -> None:
        batch = self.run_seeds(self.attention, SEEDS)
        strip = SeedStrip(batch, list(SEEDS), self.attention.seed, (-6.5, -2.5, 13.0, 4.75), 6)
        first, last = float(batch.step[0]), float(batch.step[-1])
        strip.show(first).tune(presence=0)
        head = words(
            "arrows: the angle between the two banks;  numbers: attention on river, on money words",
            SMALL,
            "muted",
        ).put(-6.44, 2.42, "left")
        self.names_data(said("trained · seeds {first}–{last}", first=SEEDS[0], last=SEEDS[-1]))
        self.beat("twelve seeds", "The same training from twelve random starts.")
        self.play(Tune(strip, presence=1), FadeIn(head))
        self.wait(1)
        even = partial(_geometric, float(np.log1p(last - first)))
        self.play(Advance(strip, first, last, rate_func=even, run_time=6))
        good = int((batch.content_share.isel(step=-1) > ENOUGH).all("sentence").sum())
        caption = "In {good} of {all}, over {most:.0f}% of attention goes to river or money words."
        self.beat("all split", said(caption, good=good, all=len(SEEDS), most=100 * ENOUGH))
        self.wait(4)
        self.play(Tune(strip, presence=0), FadeOut(head), run_time=0.6)
        self.remove(strip)

    def formulas(self) -> None:
        """Each line comes out of its picture."""
        river, space = self.sentences[0], self.space
        self.names_data(self.trained())
        space.show(float(self.end.step[-1])).tune(**self.view.there)
        river.show(space.t).tune(y=0.3, long=0.6, reached=len(river.tokens), shared=0, numbered=0)
        for shift in self.shifts:
            shift.show(space.t).tune(arrows_there=1, aside=0)
        lines = [
            math("s_j = q dot k_j \\/ sqrt(d)"),
            math("a_j = e^(s_j) \\/ sum_i e^(s_i)"),
            math('"bank"\' = "bank" + sum_j a_j v_j'),
        ]
        for line, y in zip(lines, (2.4, -1.05, -2.05), strict=True):
            line.move_to([COLUMN, y, 0])
        self.beat("formulas", "As formulas: the score, the share, and the blend.")
        gloss = words("q: bank asks;  k: word j offers;  v: word j adds", 15, "muted").put(COLUMN, 1.9)
        parts = [space, *self.shifts, river]
        there = [1, 1, 0.35, 1]  # the formulas speak of the first sentence
        self.play(
            *[Tune(part, presence=share) for part, share in zip(parts, there, strict=True)],
            FadeIn(self.names[0]),
            FadeIn(self.note),
        )
        self.play(TransformFromCopy(river.arcs, lines[0], run_time=1.2), FadeIn(gloss, run_time=1.2))
        self.play(Tune(river, shared=1))
        shares, shifted = VGroup(river.bars, river.numbers), self.shifts[0].arrows
        for source, line in ((shares, lines[1]), (shifted, lines[2])):
            self.play(TransformFromCopy(source, line), run_time=1.2)
        self.wait(1)
        count = self.end.sizes["word"]
        caption = said("Here: one head, {count} words. Language models stack many layers.", count=count)
        self.beat("its limits", caption)
        self.wait(4)
        fading = [FadeOut(text) for text in (*lines, gloss, self.names[0], self.note)]
        self.play(*fading, *[Tune(part, presence=0) for part in parts], run_time=0.6)
        self.remove(*parts)


def _geometric(span: float, alpha: float) -> float:
    """Share of the steps passed when the logarithm of their number has come so far."""
    return float(np.expm1(span * alpha) / np.expm1(span))
