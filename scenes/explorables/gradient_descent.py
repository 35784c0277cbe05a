"""How big a step downhill? The learning rate η of gradient descent on a narrow bowl."""

import numpy as np
from contourpy import contour_generator

from scenes._explore import FIGURES, Axis, Overview, Quantity, Told
from sims import GradientDescent, sweep

SIM = GradientDescent(surface="bowl", kappa=10.0, optimiser="gd", x_0=-1.2, y_0=1.0, steps=30)
RATES = [k / 20 for k in range(1, 43)]
LEVELS = [0.005, 0.02, 0.05, 0.1, 0.2, 0.35, 0.55, 0.8, 1.1]


def told() -> Told:
    """Forty-two learning rates from the same start, and the surface as lines of equal height."""
    runs = sweep(SIM, {"eta": RATES}, record=["x@:", "loss@:", "gradient@:"], progress=False)
    runs = runs.transpose("eta", "step", ...)
    heights = [[float(f"{value:.4g}") for value in course] for course in runs.loss.values]
    ground = SIM.run()
    return Told(
        question="How big a step downhill?",
        invitation="A point slides down a narrow bowl, each step as long as the slope underfoot times the "
        "learning rate. Too small creeps, too large bounces; somewhere it runs away.",
        slider=Axis("Learning rate", [f"{eta:.2f}" for eta in RATES], RATES.index(1.5), "η"),
        clock=Axis("Step", [str(step) for step in range(SIM.steps + 1)], rate=5),
        overview=Overview(
            f"height left after {SIM.steps} steps",
            [course[-1] for course in heights],
            FIGURES,
            (1e-7, 1e-5, 1e-3, 0.1, 10, 1000),
            log=True,
            level=heights[0][0],
            level_label="where it started",
        ),
        quantities={
            "x": Quantity(runs.x.values, 0.001),
            "gradient": Quantity(runs.gradient.values, 0.001),
        },
        plain={
            "loss": heights,
            "contours": contours(ground.grid_x.values, ground.grid_y.values, ground.surface.values),
            "window": [float(ground.grid_x[0]), float(ground.grid_x[-1])],
            "levels": LEVELS,
        },
        sweep=runs,
        again=f"sims run gradient_descent --kappa {SIM.kappa:g} --optimiser gd --steps {SIM.steps} "
        "--eta {value} --output run.nc",
    )


def contours(x: np.ndarray, y: np.ndarray, height: np.ndarray) -> list[list[list[float]]]:
    """Lines of equal height, as x and y in turn, level by level."""
    lines = contour_generator(x, y, height)
    return [[np.round(line, 3).ravel().tolist() for line in lines.lines(level)] for level in LEVELS]
