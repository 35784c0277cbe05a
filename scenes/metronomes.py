"""How do separate parts agree with no conductor?

Pantaleone's five metronomes on a board, then Kuramoto's oscillators walking downhill.
"""

import numpy as np
from manim import FadeIn, FadeOut, LaggedStart, TransformFromCopy, VGroup, Write

from scenes._film import Advance, Film, Tune
from scenes._theme import LABEL, SMALL, math, words
from scenes.parts import FIVE
from scenes.parts.curve import Curve
from scenes.parts.metronome_row import MetronomeRow
from scenes.parts.phase_circle import PhaseCircle
from scenes.parts.valley import Valley
from sims import Kuramoto
from sims import Metronomes as Pantaleone

SWING = 2 * np.pi  # one small swing in the time of the trajectory


class Metronomes(Film):
    """Five metronomes fall in phase, and so does gradient descent."""

    question = "How do separate parts agree with no conductor?"
    metronomes = Pantaleone()
    kuramoto = Kuramoto(n=5, frequencies="equal", K=1.0, steps=500)

    def construct(self) -> None:
        self.add(self.title)
        self.on_a_table()
        self.on_two_cans()

    def on_a_table(self) -> None:
        alone = MetronomeRow(self.run(self.metronomes.model_copy(update={"beta": 0.0})), ground=-1.75)
        self.row = alone.tune(presence=0)
        self.beat("a fixed table", "Five metronomes on a fixed table. Each keeps its own time.")
        self.names_data(self.source(beta=0.0))
        self.play(Tune(alone, presence=1), Advance(alone, 0, 8 * SWING, run_time=8))

    def on_two_cans(self) -> None:
        s = self.metronomes
        free = MetronomeRow(self.run(s), ground=-1.75).tune(presence=0)
        self.beat("a board that can roll", "Now the board rolls on two cans, and wobbles with every swing.")
        self.names_data(self.source(beta=s.beta) + f" · board motion ×{free.exaggerated:g}")
        self.play(Tune(self.row, presence=0, run_time=0.6))
        self.remove(self.row)
        self.play(Tune(free, presence=1, run_time=0.6))
        self.play(Tune(free, lift=1, run_time=1.2))
        self.play(Advance(free, 0, 7 * SWING, run_time=7))
        self.beat("four times faster", "Four times faster: each nudges the board, the board nudges the rest.")
        self.play(Tune(free, traces=1), Advance(free, 7 * SWING, 55 * SWING, run_time=12))
        self.play(Tune(free, traces=0), Advance(free, 55 * SWING, 60 * SWING, run_time=5))
        self.row = free

    def source(self, beta: float) -> str:
        s = self.metronomes
        return f"Pantaleone 2002 · β={beta:g} µ={s.mu:g} θ₀={s.theta_0:g} · seed {s.seed}"
