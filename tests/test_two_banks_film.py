"""The parts of the two banks' film say what the trained attention says, also on the way."""

import itertools

import numpy as np
import pytest

from scenes import _render
from scenes._theme import rgb, words
from scenes.parts.heatmap import Heatmap
from scenes.parts.labels import along, box_of, names
from scenes.parts.matrices import Matrices
from scenes.parts.score_table import ScoreTable
from scenes.parts.sentence import Sentence
from scenes.parts.shift import Shift, on_the_way
from scenes.parts.space import Space, View, on_plane
from sims import Attention, ParameterError

BOX = (-6.0, -2.0, 1.0, 2.0)


@pytest.fixture(scope="module")
def run():
    return on_plane(Attention(steps=40).run())


@pytest.fixture(autouse=True)
def stage():
    with _render.studio(_render.QUALITIES["draft"], "dark"):
        yield


@pytest.fixture
def space(run):
    return Space(run, View(BOX, run.after_xy.values.reshape(-1, 2), (0.5, 0.5)))


def test_the_running_sum_of_products_ends_in_the_score(run):
    one = run.isel(sentence=0, query=-1)
    one = one.assign(query=one.q.isel(token=-1))
    query, keys = Heatmap(one, "query", (0, 2)), Heatmap(one, "k", (0, 1))
    table = ScoreTable(one, query, keys, "state")
    for row, score in enumerate(one.scores.values[-1]):
        table.tune(swept=row + 0.999)
        assert float(table.scores[row].text.replace("−", "-")) == pytest.approx(score, abs=0.0051)


def test_one_cell_of_the_matrices_counts_up_to_its_score(run):
    product = Matrices(run.isel(sentence=0)).product.tune(presence=1, swept=0.999)
    row, column = product.row, product.column
    shown = float(product.number.text.replace("−", "-"))
    assert shown == pytest.approx(float(run.scores[-1, 0, row, column]), abs=0.0051)


@pytest.mark.parametrize("sentence", [0, 1])
def test_arrows_laid_tip_to_tail_end_where_the_moved_bank_lies(run, space, sentence):
    shift = Shift(run.isel(sentence=sentence, query=-1), space, "state", "bank", "left")
    shift.tune(grown=1, shared=1, chained=1, moved=1, label_there=1)
    tip = shift.arrows[-1].points[12, :2]
    assert tip == pytest.approx(shift.dot.get_center()[:2], abs=1e-9)
    assert tip == pytest.approx(shift.joints()[-1], abs=1e-9)


def test_a_moved_word_is_an_arrow_from_the_origin_that_points_at_its_dot(run, space):
    shift = Shift(run.isel(sentence=0, query=-1), space, "state", "bank", "left")
    shift.tune(grown=1, shared=1, chained=1, moved=1, label_there=1)
    origin, tip, dot = space.place(np.zeros(2)), shift.moving.points[12, :2], shift.dot.get_center()[:2]
    one, other = tip - origin, dot - origin
    assert one[0] * other[1] == pytest.approx(one[1] * other[0], abs=1e-9)
    assert 0 < np.hypot(*(dot - tip)) < 0.2


def test_softmax_turns_every_arc_from_its_score_into_its_share(run):
    each = run.isel(sentence=0, query=-1)
    sentence = Sentence(each, 0, 0, "state", widest=1.0)
    n = len(sentence.tokens)
    sentence.tune(reached=n)
    np.testing.assert_allclose(sentence.read()["scores"], each.scores.values[-1], atol=1e-9)
    sentence.tune(shared=1)
    widths = np.array([arc.stroke_width for arc in sentence.arcs])
    np.testing.assert_allclose(widths / widths.sum(), each.weights.values[-1], atol=1e-9)
    assert all(np.allclose(arc.stroke_rgbas[0, :3], rgb("state")) for arc in sentence.arcs)


def test_the_cosine_on_the_way_runs_from_one_to_the_trained_one(run):
    way = on_the_way(run.isel(step=-1)).cosine.values
    assert way[0] == 1
    assert way[-1] == pytest.approx(float(run.cosine[-1]), abs=1e-12)


def test_cells_read_back_as_the_numbers_they_were_coloured_by(run):
    for name in ("q", "scores", "weights"):
        one = run.isel(sentence=1)
        for flipped in (False, True):
            shown = Heatmap(one, name, (0, 0), transposed=flipped).read()[name]
            np.testing.assert_allclose(shown, one[name].values[-1], atol=1e-9)


def test_names_of_crowded_dots_touch_neither_each_other_nor_what_is_taken():
    dots = np.random.default_rng(0).normal([-2.5, 0], 0.15, (8, 2))
    bar = along(np.array([-4.0, -1.0]), np.array([-1.0, 1.0]))
    placed = names([words(f"word {i}", 20) for i in range(8)], dots, bar, BOX)
    assert len(placed) == 8
    boxes = [box_of(name[0]) for name in placed]
    for a, b in [*itertools.combinations(boxes, 2), *itertools.product(boxes, bar)]:
        assert a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1]
    assert all(BOX[0] <= a[0] and BOX[1] <= a[1] and a[2] <= BOX[2] and a[3] <= BOX[3] for a in boxes)


def test_two_heads_are_refused_with_the_cure():
    with pytest.raises(ParameterError, match="heads must be 1"):
        on_plane(Attention(heads=2, steps=2).run())
