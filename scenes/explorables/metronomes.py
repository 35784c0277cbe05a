"""How hard must metronomes be coupled to agree? The coupling β through the board."""

import numpy as np

from scenes._explore import Axis, Overview, Quantity, Told
from sims import Metronomes, sweep
from sims.metronomes import periods_until_in_phase

SWING = 2 * np.pi
SIM = Metronomes(every=7)
COUPLINGS = [k / 1000 for k in range(40)]


def told() -> Told:
    """Forty couplings, the same five metronomes each time."""
    runs = sweep(SIM, {"beta": COUPLINGS}, record=["theta@:", "phi@:", "psi@:", "x@:", "r@:"], progress=False)
    runs = runs.transpose("beta", "time", ...)
    time, psi = runs.time.values, runs.psi.values
    turning = (psi[:, -1:] - psi[:, :1]) / (time[-1] - time[0])
    zero = psi[:, -1:] - turning * time[-1]
    beat = zero + turning * time
    until = periods_until_in_phase(time, runs.r.values)
    swings = time / SWING
    return Told(
        question="How hard must metronomes be coupled to agree?",
        invitation="Five metronomes stand on a board that gives way. Choose how far it gives way, and see "
        "when they fall in phase. More is not always sooner.",
        slider=Axis(
            "Coupling through the board", [f"{beta:.3f}" for beta in COUPLINGS], COUPLINGS.index(0.011), "β"
        ),
        clock=Axis("Time", [f"{swing:.1f}" for swing in swings], unit="swings", rate=60),
        overview=Overview(
            "swings until in phase",
            [round(float(value), 1) if np.isfinite(value) else None for value in until],
            0.1,
            (40, 60, 80, 100),
            never="not in 100 swings",
        ),
        quantities={
            "theta": Quantity(runs.theta.values, 0.004, "rad"),
            "phase": Quantity(runs.phi.values - beat[..., None], 0.008, "rad"),
            "x": Quantity(runs.x.values, 0.001, "pendulum lengths"),
            "r": Quantity(runs.r.values, 0.001),
        },
        plain={"swings": [round(float(swing), 3) for swing in swings[[0, -1]]], "in_phase": 0.95},
        sweep=runs,
        again=f"sims run metronomes --every {SIM.every} --beta {{value}} --output run.nc",
    )
