"""Three tasks for a memory: sequences at whose end something met earlier is to be told."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Sequences = tuple[Array, Array]  # x (sequence, token, input) and target (sequence, output)

ANIMALS = "alligator antelope armadillo eagle elephant iguana otter owl"
STORY = ["This", "is", "a", "story tale song poem film book", "about", "an", ANIMALS, "it", "was"]
STORY += ["walking running crawling swimming climbing sleeping", "through near in by across beside", "the"]
STORY += ["jungle forest river desert village mountain"]


class Task(NamedTuple):
    """What inputs and outputs stand for, how to draw sequences, and which to watch.

    The watched sequences differ only in what is to be remembered.
    """

    inputs: list[str]
    outputs: list[str]
    draw: Callable[[np.random.Generator, int], Sequences]
    watched: Callable[[np.random.Generator], Sequences]


def task_named(name: str, length: int) -> Task:
    """The task of that name; `length` counts the tokens of recall and adding."""
    if name == "alligator":
        return alligator()
    return recall(length) if name == "recall" else adding(length)


def recall(length: int) -> Task:
    """Delayed recall: first one of A B C D, then any of a b c d, and at the last token, ?, tell the first."""
    inputs = [*"ABCDabcd?"]

    def told(ids: Array) -> Sequences:
        return np.eye(9)[ids], np.eye(4)[ids[:, 0]]

    def symbols(rng: np.random.Generator, count: int) -> Array:
        ids = rng.integers(4, 8, size=(count, length))
        ids[:, 0], ids[:, -1] = rng.integers(4, size=count), 8
        return ids

    def watched(rng: np.random.Generator) -> Sequences:
        ids = np.repeat(symbols(rng, 1), 4, axis=0)
        ids[:, 0] = range(4)
        return told(ids)

    return Task(inputs, inputs[:4], lambda rng, count: told(symbols(rng, count)), watched)


def adding(length: int) -> Task:
    """Adding: of numbers in [-1, 1] two in the first half are marked; at the end tell 0.5 + (X₁ + X₂)/4.

    Hochreiter & Schmidhuber 1997, Neural Computation 9, 1735, experiment 4. Their lengths vary, ours do not.
    """

    def told(x: Array) -> Sequences:
        return x, 0.5 + x.prod(-1).sum(-1, keepdims=True) / 4

    def numbers(rng: np.random.Generator, count: int) -> Array:
        x = np.zeros((count, length, 2))
        x[..., 0] = rng.uniform(-1, 1, size=(count, length))
        marked = rng.random((count, length // 2)).argsort(-1)[:, :2]
        np.put_along_axis(x[..., 1], marked, 1, axis=-1)
        return x

    def watched(rng: np.random.Generator) -> Sequences:
        x = np.repeat(numbers(rng, 1), 8, axis=0)
        x[:, x[0, :, 1].argmax(), 0] = np.linspace(-1, 1, 8)
        return told(x)

    return Task(["value", "mark"], ["sum"], lambda rng, count: told(numbers(rng, count)), watched)


def alligator() -> Task:
    """`This is a story about an alligator it was walking through the jungle`: at the end tell the animal.

    Eight animals and other stories, deeds and places make 10,368 sentences. Every animal takes "an", which
    so gives nothing away. Watched: the lecture's sentence, then the same with each of the other animals.
    """
    slots = [words.split() for words in STORY]
    sizes = np.array([len(words) for words in slots])
    place = STORY.index(ANIMALS)

    def told(choice: Array) -> Sequences:
        ids = choice + sizes.cumsum() - sizes
        return np.eye(sizes.sum())[ids], np.eye(sizes[place])[choice[:, place]]

    def draw(rng: np.random.Generator, count: int) -> Sequences:
        return told(rng.integers(sizes, size=(count, len(sizes))))

    def watched(rng: np.random.Generator) -> Sequences:
        choice = np.zeros((sizes[place], len(sizes)), int)
        choice[:, place] = range(sizes[place])
        return told(choice)

    return Task([word for words in slots for word in words], slots[place], draw, watched)
