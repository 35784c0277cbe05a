"""Sentences of six words that end in "bank", and what each of them means by it.

    verb noun preposition determiner noun bank        catch fish by the river bank
    verb determiner noun preposition determiner bank  put your money in the bank

`shared`: three senses (river, money, no clue). Verbs, determiners and prepositions are drawn from the same
lists whatever the sense, and nouns without a clue stand beside the clues too, so that nothing but a river
word or a money word tells the sense, and the lack of both is a third answer.
`naive`: two senses, each with its own verbs and function words, as in the two sentences above: "by" and
"your" tell the sense as well as any noun and are far more frequent.
"""

import numpy as np
from numpy.typing import NDArray

Words = NDArray[np.int64]

SENSES = ("river", "money", "no clue")
NOUNS = (
    ("river", "fish", "water", "boat"),
    ("money", "loan", "teller", "cash"),
    ("bag", "dog", "hat", "friend"),
)
VERBS = ("catch", "watch", "find", "put", "leave", "bring")
DETERMINERS = ("the", "your", "a", "my")
PREPOSITIONS = ("by", "in", "near", "at")
VOCABULARY = ("bank", *NOUNS[0], *NOUNS[1], *NOUNS[2], *VERBS, *DETERMINERS, *PREPOSITIONS)
LECTURE = ("catch fish by the river bank", "put your money in the bank")

ROW = {word: i for i, word in enumerate(VOCABULARY)}


def rows(sentence: str | tuple[str, ...]) -> Words:
    """Rows of the vocabulary, (n,), of a sentence or a list of words. Raises KeyError for an unknown word."""
    return np.array([ROW[word] for word in (sentence.split() if isinstance(sentence, str) else sentence)])


def senses() -> Words:
    """The sense each word of the vocabulary speaks for, (V,): 0 river, 1 money, 2 none."""
    sense = np.full(len(VOCABULARY), 2)
    for i in (0, 1):
        sense[rows(NOUNS[i])] = i
    return sense


def two_banks() -> Words:
    """The lecture's two sentences in rows of the vocabulary, (2, 6): first the river's, then the money's."""
    return np.stack([rows(sentence) for sentence in LECTURE])


def draw(rng: np.random.Generator, examples: int, grammar: str) -> tuple[Words, Words]:
    """Training sentences (examples, 6) and the sense of their last word (examples,).

    The lecture's two sentences are never among them: they stay for the test.
    """
    if grammar == "naive":
        tokens, labels = _naive(rng, examples)
    else:
        tokens, labels = _shared(rng, examples)
    # a drawn lecture sentence gets another verb: the one after its own in the list
    lecture = (tokens[:, None] == two_banks()).all(-1).any(-1)
    tokens[lecture, 0] += 1
    return tokens, labels


def _pick(rng: np.random.Generator, words: tuple[str, ...], count: int) -> Words:
    return rows(words)[rng.integers(len(words), size=count)]


def _shared(rng: np.random.Generator, examples: int) -> tuple[Words, Words]:
    labels = np.arange(examples) % 3
    nouns = np.stack([rows(words) for words in NOUNS])
    clue, second = (nouns[labels, rng.integers(4, size=examples)] for _ in range(2))
    # of two nouns in a sentence, both or only one is a clue, in either place
    blank = _pick(rng, NOUNS[2], examples)
    clues = rng.integers(3, size=examples)
    first = np.where(clues == 0, blank, clue)
    second = np.where(clues == 0, clue, np.where(clues == 1, blank, second))
    verb, preposition = _pick(rng, VERBS, examples), _pick(rng, PREPOSITIONS, examples)
    one, other = (_pick(rng, DETERMINERS, examples) for _ in range(2))
    bank = np.full(examples, ROW["bank"])
    two_nouns = np.stack([verb, first, preposition, one, second, bank], axis=-1)
    one_noun = np.stack([verb, one, clue, preposition, other, bank], axis=-1)
    return np.where(rng.random(examples)[:, None] < 0.5, two_nouns, one_noun), labels


def _naive(rng: np.random.Generator, examples: int) -> tuple[Words, Words]:
    labels = np.arange(examples) % 2
    by, the, your, into, bank = np.tile(rows("by the your in bank"), (examples, 1)).T
    fish, river, money = (_pick(rng, NOUNS[i], examples) for i in (0, 0, 1))
    wet, dry = _pick(rng, VERBS[:3], examples), _pick(rng, VERBS[3:], examples)
    river_bank = np.stack([wet, fish, by, the, river, bank], axis=-1)
    money_bank = np.stack([dry, your, money, into, the, bank], axis=-1)
    return np.where(labels[:, None] == 0, river_bank, money_bank), labels
