"""What SRN, GRU and LSTM are asked to remember, what is recorded, and what they learn."""

import numpy as np
import pytest

from sims import GRU, LSTM, SRN, gru, load, lstm, save, srn
from sims._memory_tasks import adding, alligator, recall

LECTURE = "This is a story about an alligator it was walking through the jungle"
ALLIGATOR, JUNGLE = 6, 12
SEEDS = range(12)


def trained(kind, seeds=SEEDS, **parameters):
    return kind.run_batch([kind(seed=seed, **parameters) for seed in seeds])


def words(x, inputs):
    """Each sentence of one-hot x (sequence, token, input) in words."""
    return [" ".join(inputs[i] for i in ids) for ids in x.argmax(-1)]


@pytest.fixture(scope="module")
def reader():
    """Twelve GRUs trained on the lecture's sentence and its like."""
    return trained(GRU, task="alligator")


def test_the_first_watched_sentence_is_the_lectures():
    task = alligator()
    x, target = task.watched(np.random.default_rng(0))
    sentences = words(x, task.inputs)
    assert sentences[0] == LECTURE
    assert sentences == [LECTURE.replace("alligator", animal) for animal in task.outputs]
    np.testing.assert_array_equal(target, np.eye(8))


def test_every_alligator_sentence_names_an_animal_at_its_seventh_word_and_is_asked_for_it():
    task = alligator()
    x, target = task.draw(np.random.default_rng(1), 500)
    sentences = words(x, task.inputs)
    assert [s.split()[ALLIGATOR] for s in sentences] == [task.outputs[i] for i in target.argmax(-1)]
    assert {len(s.split()) for s in sentences} == {13}
    assert {animal[0] for animal in task.outputs} <= set("aeiou")
    assert len(set(sentences)) > 450


def test_delayed_recall_asks_at_the_last_token_for_the_first():
    task = recall(9)
    for x, target in (task.draw(np.random.default_rng(2), 50), task.watched(np.random.default_rng(2))):
        for sentence, told in zip(words(x, task.inputs), target.argmax(-1)):
            first, *between, last = sentence.split()
            assert first == task.outputs[told]
            assert last == "?"
            assert set(between) <= set("abcd")
            assert len(between) == 7


def test_adding_asks_for_the_two_marked_numbers_of_the_first_half():
    task = adding(11)
    for x, target in (task.draw(np.random.default_rng(3), 50), task.watched(np.random.default_rng(3))):
        for (value, mark), told in zip(x.swapaxes(1, 2), target[:, 0]):
            (first, second) = np.flatnonzero(mark)
            assert second < 5
            assert told == pytest.approx(0.5 + (value[first] + value[second]) / 4, abs=1e-15)
            assert abs(value).max() <= 1


@pytest.mark.parametrize("task", ["recall", "adding", "alligator"])
def test_watched_sequences_differ_at_one_token_only_and_leave_no_trace_before_it(task):
    run = GRU(task=task, steps=1).run()
    differ = (run.x != run.x[0]).any(("sequence", "input")).values
    assert differ.sum() == 1
    cue = differ.argmax()
    assert (run.trace[:, :cue] == 0).all()
    assert (run.trace[:, cue:] > 0).all()
    assert run.trace.max() <= 1


@pytest.mark.parametrize("kind", [SRN, GRU, LSTM])
def test_a_trajectory_holds_all_that_is_needed_to_compute_it_again(kind, tmp_path):
    run = load(save(kind(task="alligator", steps=10, record_every=5).run(), tmp_path / "run.nc"))
    assert list(run.step) == [0, 5, 10]
    assert [str(word) for word in run.input[run.x[0].argmax("input")].values] == LECTURE.split()
    last = run.isel(step=-1)
    w = {name: last[name].values for name in run if name[:2] in ("W", "U", "b", "W_", "U_", "b_", "c_")}
    forward = {SRN: srn.forward, GRU: gru.forward, LSTM: lstm.forward}[kind]
    for name, value in forward(run.x.values, w).items():
        if not name.endswith("before"):
            np.testing.assert_allclose(last[name], value, rtol=0, atol=1e-14, err_msg=name)
    h = forward(run.x_test.values, w)["h"][:, -1]
    scores = h @ w["W_y"].T + w["b_y"]
    y = np.exp(scores) / np.exp(scores).sum(-1, keepdims=True)
    told = (y * run.target_test.values).sum(-1)
    assert float(last.loss) == pytest.approx(-np.log(told).mean(), rel=1e-12)
    assert float(last.accuracy) == (y.argmax(-1) == run.target_test.values.argmax(-1)).mean()


def test_records_fall_on_every_so_many_steps_and_on_the_first_and_the_last():
    assert list(SRN(steps=25, record_every=10).run().step) == [0, 10, 20, 25]
    assert list(SRN(steps=3, record_every=10).run().step) == [0, 3]


def test_no_step_of_gradient_descent_is_longer_than_eta_times_clip():
    run = GRU(optimiser="gd", eta=0.5, clip=0.01, steps=20, record_every=1).run()
    moved = sum(
        (run[k].diff("step") ** 2).sum([d for d in run[k].dims if d != "step"])
        for k in run
        if k[1:2] == "_" and k[0] in "WUb"
    )
    np.testing.assert_allclose(np.sqrt(moved), 0.005, rtol=1e-12)


@pytest.mark.parametrize(("form", "sign"), [("cho", -1), ("torch", 1)])
def test_a_gate_bias_shuts_the_valves_in_both_forms(form, sign):
    run = GRU(form=form, gate_bias=3.0, steps=1).run()
    assert (run.b_z[0] == sign * 3).all()
    replaced = run.z[0] if form == "cho" else 1 - run.z[0]
    assert replaced.mean() < 0.2
    assert (run.c_h[0] == 0).all()


@pytest.mark.parametrize(
    ("kind", "gate_bias", "published"), [(SRN, None, 0.014), (GRU, 2.0, 0.41), (GRU, 0.0, 0.083)]
)
def test_gradient_left_from_jungle_to_alligator_is_as_published_within_its_seed_spread(
    kind, gate_bias, published
):
    own = {} if gate_bias is None else {"gate_bias": gate_bias}
    run = trained(kind, range(50), task="alligator", steps=1, **own)
    left = run.gradient_left.isel(step=0, sequence=0, token=ALLIGATOR)
    low, high = np.percentile(left, [5, 95])
    assert low < published < high


def test_a_gru_learns_delayed_recall_from_each_of_twelve_seeds_and_an_srn_from_at_most_two():
    told = {kind: trained(kind, steps=400, record_every=400).accuracy[:, -1] for kind in (GRU, SRN)}
    assert (told[GRU] >= 0.99).all()
    assert (told[SRN] >= 0.99).sum() <= 2
    assert told[SRN].mean() < 0.5


def test_an_lstm_learns_delayed_recall_from_most_seeds():
    told = trained(LSTM, range(8), record_every=600).accuracy[:, -1]
    assert (told >= 0.99).sum() >= 6


def test_a_gru_learns_to_add_and_an_srn_does_not():
    told = {
        kind: trained(kind, range(6), task="adding", record_every=600).accuracy[:, -1] for kind in (GRU, SRN)
    }
    assert (told[GRU] > 0.9).all()
    assert (told[SRN] < 0.3).all()


def test_a_trained_gru_tells_every_animal_at_jungle(reader):
    assert (reader.accuracy[:, -1] == 1).all()
    at_jungle = reader.y.isel(step=-1, token=JUNGLE)
    assert (at_jungle.argmax("output") == np.arange(8)).all()


def test_its_valves_open_at_alligator_and_then_stay_nearly_shut_in_the_mean_over_seeds(reader):
    z = reader.z.isel(step=-1, sequence=0).mean("unit")
    by_word = z.mean("batch").values
    assert by_word.argmax() == ALLIGATOR
    assert by_word[ALLIGATOR] > 0.8
    assert (by_word[ALLIGATOR + 2 :] < 0.35).all()
    assert (z[:, ALLIGATOR] - z[:, ALLIGATOR + 1 :].mean("token") > 0.2).all()


def test_the_trace_of_alligator_is_held_by_a_gru_and_lost_by_an_srn_trained_elmans_way(reader):
    held = reader.trace.isel(step=-1)
    lost = trained(SRN, task="alligator", reach=1).trace.isel(step=-1)
    assert (held[:, JUNGLE] > 0.95 * held[:, ALLIGATOR]).all()
    assert float(lost[:, JUNGLE].median()) < 0.2 * float(lost[:, ALLIGATOR].median())


def test_an_untrained_srn_overwrites_alligator_before_jungle():
    trace = trained(SRN, range(50), task="alligator", steps=1).trace.isel(step=0).median("batch")
    assert trace[ALLIGATOR] > 0.5
    assert trace[JUNGLE] < 0.05
    assert (trace[ALLIGATOR:].diff("token") < 0).all()


def test_measures_name_how_well_it_tells_and_what_is_left(reader):
    sim = GRU(task="alligator", seed=0)
    measured = sim.measure(reader.isel(batch=0))
    assert measured["accuracy"] == 1
    assert measured["trace at the end, trained"] > 0.7
    assert measured["gradient left at the cue, untrained"] == pytest.approx(
        float(reader.gradient_left[0, 0, :, ALLIGATOR].mean())
    )
