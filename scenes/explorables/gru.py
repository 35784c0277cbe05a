"""How long does a memory last? The bias of the gates of a GRU, before and while it is trained."""

import numpy as np
import xarray as xr

from scenes._explore import Axis, Overview, Quantity, Told
from sims import GRU, sweep

SIM = GRU(task="alligator", steps=400, record_every=10, seed=1)
BIASES = [k / 2 for k in range(-6, 15)]
LEARNT = 0.95  # of the test sentences told right
CUE = 6  # the animal


def told() -> Told:
    """Twenty-one biases, the same first weights and sentences each time."""
    record = ["z@:", "h@:", "trace@:", "gradient_left@:", "y@:", "accuracy@:"]
    runs = sweep(SIM, {"gate_bias": BIASES}, record=record, progress=False)
    runs = runs.transpose("gate_bias", "step", ...)
    watched = runs.isel(sequence=0)
    until = steps_until_learnt(runs.step.values, runs.accuracy.values)
    said = SIM.run()
    sentence = [str(said.input.values[i]) for i in said.x.isel(sequence=0).argmax("input").values]
    return Told(
        question="How long does a memory last?",
        invitation="A gated network reads a sentence word by word and is asked for the animal at its end. "
        "Choose how far its gates are shut before it learns anything, then let it learn.",
        slider=Axis("Gate bias, towards keeping", [f"{b:.1f}" for b in BIASES], BIASES.index(2.0), "b"),
        clock=Axis("Training step", [str(step) for step in runs.step.values], rate=6),
        overview=Overview(
            f"steps until 95 % right, seen every {SIM.record_every}",
            [int(value) if np.isfinite(value) else None for value in until],
            1,
            (0, 200, 400),
            never=f"not in {SIM.steps} steps",
        ),
        quantities={
            "gate": Quantity(watched.z.values, 0.01),
            "memory": Quantity(watched.h.values, 0.01),
            "open": Quantity(watched.z.mean(("token", "unit")).values, 0.001),
            "trace": Quantity(runs.trace.values, 0.001),
            "left": Quantity(runs.gradient_left.mean("sequence").values[..., CUE], 0.001),
            "answer": Quantity(_answer(watched), 0.001),
            "right": Quantity(runs.accuracy.values, 0.01),
        },
        plain={"sentence": sentence, "cue": CUE, "units": SIM.hidden},
        sweep=runs,
        again=f"sims run gru --task alligator --steps {SIM.steps} --record-every {SIM.record_every} "
        f"--seed {SIM.seed} --gate-bias {{value}} --output run.nc",
    )


def _answer(watched: xr.Dataset) -> np.ndarray:
    """How sure it is of the right animal, asked at the end."""
    return np.asarray(watched.y.isel(token=-1, output=0).values)


def steps_until_learnt(step: np.ndarray, accuracy: np.ndarray) -> np.ndarray:
    """The first recorded step (…,) from which on accuracy (…, step) stays at 95 %; infinite: never."""
    below = accuracy < LEARNT
    after = np.where(below.any(-1), below.shape[-1] - np.argmax(below[..., ::-1], -1), 0)
    return np.append(step.astype(float), np.inf)[after]
