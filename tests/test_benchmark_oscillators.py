"""The oscillators' benchmarks compare equal answers and reckon slopes right. What they take is not tested."""

import pytest
from benchmarks import oscillators


@pytest.mark.parametrize("part", oscillators.PARTS)
def test_what_is_timed_agrees_with_its_peers_and_takes_time(part):
    """Each group checks, as it is made, that its peers' answers are ours."""
    for group in oscillators.oscillators(True, part):
        for pair in group.pairs:
            assert {pair.ours, pair.other} <= set(group.timings), group.name
        for name, timed in list(group.timings.items())[:3]:
            assert timed(0) > 0, name


def test_answers_that_differ_are_not_timed(monkeypatch):
    monkeypatch.setattr(oscillators, "as_in_lecture_notes", lambda drift, theta, dt, steps: theta)
    with pytest.raises(ArithmeticError, match="differ"):
        oscillators.mean_field(True)
