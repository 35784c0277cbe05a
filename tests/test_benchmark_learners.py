"""The learners' benchmarks compare equal answers, whoever computes them. What they take is not tested."""

import importlib.util

import numpy as np
import pytest
from benchmarks import learners, lecture_notes

TORCH = importlib.util.find_spec("torch") is not None


@pytest.mark.parametrize("part", learners.PARTS)
def test_every_part_compares_what_agrees_and_is_timed(part):
    for group in learners.learners(True, part):
        peers = {pair.what for pair in group.pairs}
        assert "ours" in group.timings or part == "growth"
        assert any(what.startswith("torch") for what in peers) == (TORCH and part != "growth")
        for seconds in group.timings.values():
            assert 0 < seconds(0) < 30


@pytest.mark.parametrize("name", ["network", "memory", "attention"])
def test_an_answer_that_differs_is_not_timed(name, monkeypatch):
    honest = getattr(lecture_notes, name)

    def slightly_off(*settings):
        work, answer = honest(*settings)
        return work, lambda: {k: v * (1 + 1e-9) for k, v in answer().items()}

    monkeypatch.setattr(lecture_notes, name, slightly_off)
    part = {"network": "networks", "memory": "memories", "attention": "attentions"}[name]
    with pytest.raises(ArithmeticError, match="the two answers differ by 1e-09 of it, not within 1e-10"):
        learners.learners(True, part)


def test_what_is_compared_in_single_precision_is_single():
    given = learners.in_precision(np.float32, learners.network((2, 8, 1), 4))
    work, answer = learners.training((2, 8, 1), "identity", given)
    work()
    assert answer()["w"].dtype == np.float32
