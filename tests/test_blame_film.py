"""What the film of blame shows is the trajectory, rearranged: nudge and chain end at the same share."""

import numpy as np
import pytest

from scenes.blame_flows_backward import BlameFlowsBackward
from scenes.parts.shares import chain_of, depth, most_blamed, nudged, pairs_of
from sims import Backprop, ParameterError


@pytest.fixture(scope="module", params=[(6,), (5, 4)])
def run(request):
    return Backprop(seed=3, hidden=request.param, steps=2).run().isel(sample=0)


def test_the_gap_of_the_two_losses_over_both_nudges_is_the_share_that_was_measured(run):
    l, j, i = weight = most_blamed(run, depth(run) - 1)
    around, _ = nudged(run, weight, 0.01)
    gap = float(around.loss[-1] - around.loss[0])
    assert gap / 0.02 == pytest.approx(float(run[f"measured_dW_{l}"][j, i]), rel=1e-9)


def test_a_weight_at_rest_gives_the_loss_and_the_outputs_of_step_0(run):
    around, up = nudged(run, most_blamed(run, depth(run) - 1), 0.01)
    assert float(around.loss[1]) == float(run.loss[0])
    assert np.array_equal(up.output[0], run[f"a_{depth(run)}"][0])
    assert abs(up.moved[1]).max() > 0


def test_the_chain_multiplies_up_to_the_share_by_hand(run):
    """error × a(1 - a) × weight, summed over the outputs, × a(1 - a) × what came in; all sigmoids."""
    l, j, i = weight = most_blamed(run, depth(run) - 1)
    a, b, c = (run[f"a_{k}"] if k == 0 else run[f"a_{k}"][0] for k in (l - 1, l, l + 1))
    share = 0.0
    for k in range(c.size):
        back = (c[k] - run[f"y_{l + 1}"][k]) * c[k] * (1 - c[k]) * run[f"W_{l + 1}"][0, k, j]
        share += float(back * b[j] * (1 - b[j]) * a[i])
    assert float(chain_of(run, weight).blame[-1]) == pytest.approx(share, rel=1e-12)


def test_pairs_are_all_weights_and_agree_within_the_square_of_the_nudge(run):
    pairs = pairs_of(run)
    assert pairs.sizes["pair"] == sum(run[f"W_{l}"][0].size for l in range(1, depth(run) + 1))
    assert abs(pairs.nudged - pairs.computed).max() < 0.01**2


@pytest.mark.parametrize(
    ("update", "said"),
    [
        ({"optimiser": "adam"}, "optimiser must be 'gd' in this film; got 'adam'"),
        ({"task": "xor"}, "task must be 'lecture'"),
        ({"output_activation": "softmax"}, "an output other than softmax"),
        ({"hidden": (200,)}, "small enough to nudge"),
    ],
)
def test_what_its_formulas_do_not_hold_for_is_refused(update, said):
    film = BlameFlowsBackward(backprop=BlameFlowsBackward.backprop.model_copy(update=update))
    with pytest.raises(ParameterError, match=said):
        film.gather()
