"""When does one word come to have two meanings? The training of an attention, step by step."""

import numpy as np

from scenes._explore import Axis, Overview, Quantity, Told
from scenes.parts.space import on_plane
from sims import Attention

SIM = Attention(first=300, steps=300)


def told() -> Told:
    """Every step of one training; the words' vectors on the plane that the trained read-out sees."""
    run = SIM.run()
    seen = on_plane(run)
    asking = seen.isel(query=-1)

    def each(name: str, step: float) -> Quantity:
        return Quantity(seen[name].values[:, None], step)

    return Told(
        question="When does one word come to have two meanings?",
        invitation="An attention learns to tell two banks apart. Go through its training: at first the word "
        "means nearly the same in both sentences, then its neighbours pull it apart.",
        slider=Axis("Training step", [str(step) for step in run.step.values], 60, rate=20),
        clock=None,
        overview=Overview(
            "cosine of the two banks",
            [round(float(value), 3) for value in run.cosine.values],
            0.001,
            (1, 0, -1),
        ),
        quantities={
            "word": each("word_xy", 0.005),
            "arrow": each("arrow_xy", 0.005),
            "after": each("after_xy", 0.005),
            "share": Quantity(asking.weights.values[:, None], 0.01),
            "cosine": each("cosine", 0.001),
            "sense": each("probability", 0.01),
            "right": each("accuracy", 0.001),
            "loss": each("loss", 0.001),
        },
        plain={
            "words": [str(word) for word in run.word.values],
            "speaks_for": run.word_sense.values.tolist(),
            "sentences": run.tokens.values.tolist(),
            "rows": run.token_rows.values.tolist(),
            "senses": [str(sense) for sense in run.sense.values],
            "reach": _reach(seen.word_xy.values, seen.after_xy.values),
            "in_plane": float(f"{float(run.plane_share[-1]):.2f}"),
        },
        sweep=run,
        again=f"sims run attention --first {SIM.first} --output run.nc",
    )


def _reach(*points: np.ndarray) -> list[float]:
    """Left, bottom, right and top of all that is ever drawn on the plane."""
    every = np.vstack([np.zeros((1, 2)), *[each.reshape(-1, 2) for each in points]])
    return [round(float(edge), 3) for edge in (*every.min(0), *every.max(0))]
