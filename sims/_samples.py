"""What a network learns from: each task as inputs x (datum, n_0) and wanted outputs y (datum, n_L).

Every task is called as task(samples, noise, rng). Of moons, spirals and digits the first `samples` data are
trained on and the others held out; `lecture` and `xor` are so small that they are trained on whole.
"""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def lecture(samples: int, noise: float, rng: np.random.Generator) -> tuple[Array, Array]:
    """One input of four numbers in [0.1, 1] and the three activations wanted for it, in [0.1, 0.9]."""
    return rng.uniform(0.1, 1.0, (1, 4)).round(2), rng.uniform(0.1, 0.9, (1, 3)).round(2)


def xor(samples: int, noise: float, rng: np.random.Generator) -> tuple[Array, Array]:
    """One or the other but not both: the four pairs of bits."""
    x = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    return x, np.array([[0.0], [1.0], [1.0], [0.0]])


def moons(samples: int, noise: float, rng: np.random.Generator) -> tuple[Array, Array]:
    """Two interlocked half circles, blurred by noise; as many points again are held out.

    (cos t, sin t) and (1 - cos t, 1/2 - sin t), 0 <= t < π, the half circles of scikit-learn's make_moons.
    """
    label = np.arange(2 * samples) % 2
    t = rng.uniform(0.0, np.pi, 2 * samples)
    upper, lower = np.stack([np.cos(t), np.sin(t)], -1), np.stack([1 - np.cos(t), 0.5 - np.sin(t)], -1)
    x = np.where(label[:, None] == 0, upper, lower)
    return x + noise * rng.normal(size=x.shape), np.eye(2)[label]


def spirals(samples: int, noise: float, rng: np.random.Generator) -> tuple[Array, Array]:
    """Two arms r (cos φ, sin φ), φ = 3π r + π label, 0.1 <= r < 1, blurred; as many again are held out."""
    label = np.arange(2 * samples) % 2
    r = rng.uniform(0.1, 1.0, 2 * samples)
    phi = 3 * np.pi * r + np.pi * label
    x = r[:, None] * np.stack([np.cos(phi), np.sin(phi)], -1)
    return x + noise * rng.normal(size=x.shape), np.eye(2)[label]


def digits(samples: int, noise: float, rng: np.random.Generator) -> tuple[Array, Array]:
    """The 1,797 handwritten digits of 8×8 greys in [0, 1], shuffled (Alpaydin & Kaynak 1998, UCI)."""
    from sklearn.datasets import load_digits

    grey, label = load_digits(return_X_y=True)
    order = rng.permutation(len(label))
    return grey[order] / 16, np.eye(10)[label[order]]


TASKS = {"lecture": lecture, "xor": xor, "moons": moons, "spirals": spirals, "digits": digits}
CLASSES = ("moons", "spirals", "digits")


def draw(
    task: str, samples: int, noise: NDArray[np.float64], rngs: list[np.random.Generator]
) -> tuple[Array, Array, NDArray[np.bool_]]:
    """Inputs (B, datum, n_0) and targets (B, datum, n_L) of a batch; which data are held out, (datum,)."""
    drawn = [TASKS[task](samples, blur, rng) for blur, rng in zip(noise, rngs)]
    x, y = (np.stack(part) for part in zip(*drawn))
    return x, y, np.arange(x.shape[1]) >= (samples if task in CLASSES else x.shape[1])


def correct(a: Array, y: Array, task: str) -> NDArray[np.bool_]:
    """Which outputs a (..., n_L) are right: within 0.01 (lecture) or 0.5 (xor) of y, else in class."""
    if task in CLASSES:
        return np.asarray(a.argmax(-1) == y.argmax(-1))
    return np.asarray((abs(a - y) < (0.01 if task == "lecture" else 0.5)).all(-1))
