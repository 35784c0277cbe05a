"""`sims plot` draws the right figure for any run: labels from the data, nothing cut off, no date."""

import re
import textwrap
from collections.abc import Iterator
from functools import cache
from itertools import chain, combinations, product
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.text import Text
from matplotlib.transforms import BboxBase

from sims import Kuramoto, Metronomes, Simulation, _discover, load, save
from sims._discover import UnknownName
from sims._page import balanced
from sims._panels import bands, kind_of, lines, matrix, phases, plane, points
from sims._plot import MOST_PANELS, draw, drawable, figure
from sims._swings import envelope, overlaps, swings_of

SUBJECTS = _discover.subjects("sims")


@cache
def run(subject: str) -> xr.Dataset:
    return _discover.find("sims", subject, Simulation)().run()


def page(trajectory: xr.Dataset, *variables: str) -> Figure:
    drawn = figure(trajectory, variables)
    FigureCanvasAgg(drawn).draw()
    return drawn


def parts_of(axes: Axes) -> Iterator[BboxBase]:
    """Where a panel, its title, notes, labels and colour bar stand."""
    title = axes._left_title  # type: ignore[attr-defined]
    for part in (axes.xaxis, axes.yaxis, title, *axes.artists, *axes.child_axes):
        box = part.get_tightbbox()
        if box is not None and box.width and box.height:
            yield box
    yield axes.get_window_extent()


def check_the_words(drawn: Figure) -> None:
    """Nothing is cut off at the page's edge, and no panel's words reach into another's."""
    width, height = drawn.canvas.get_width_height(physical=True)  # type: ignore[call-arg]
    groups = [list(parts_of(axes)) for axes in drawn.axes]
    groups += [[text.get_window_extent()] for text in drawn.texts]
    for box in chain(*groups):
        assert box.x0 >= 0
        assert box.y0 >= 0
        assert box.x1 <= width
        assert box.y1 <= height
    for one, other in chain(*(product(*pair) for pair in combinations(groups, 2))):
        across = min(one.x1, other.x1) - max(one.x0, other.x0)
        up = min(one.y1, other.y1) - max(one.y0, other.y0)
        assert min(across, up) <= 0, (one, other)


def panel(drawn: Figure, title: str) -> Axes:
    return next(axes for axes in drawn.axes if axes.get_title(loc="left").startswith(title))


@cache
def whole_page(subject: str) -> Figure:
    return page(run(subject))


@pytest.mark.parametrize("subject", SUBJECTS)
def test_the_figure_of_every_simulation_keeps_its_words_on_the_page_and_apart(subject: str) -> None:
    check_the_words(whole_page(subject))


@pytest.mark.parametrize("subject", SUBJECTS)
def test_the_figure_of_every_simulation_shows_or_names_all_that_can_be_drawn(subject: str) -> None:
    known, drawn = list(drawable(run(subject))), whole_page(subject)
    titles = [axes.get_title(loc="left") for axes in drawn.axes if axes.get_title(loc="left")]
    assert len([title for title in titles if len(title) > 3]) >= min(len(known), MOST_PANELS)
    words = " ".join(text.get_text() for text in drawn.texts).replace("\n", " ")
    assert all(re.search(rf"\b{re.escape(name)}\b", words) for name in known[MOST_PANELS:])


def test_axes_carry_symbol_and_unit_from_the_data() -> None:
    trajectory = Kuramoto(n=20, steps=100).run()
    drawn = page(trajectory)
    energy = panel(drawn, "energy of the couplings")
    assert energy.get_ylabel() == "E (rad²/s)"
    assert energy.get_xlabel() == "time t (s)"
    said = drawn.texts[0].get_text().replace("\n", "  ·  ")
    assert said == f"{trajectory.attrs['title'].rstrip('.')}  ·  kuramoto, seed 1"


def test_lines_are_the_numbers_of_the_trajectory() -> None:
    trajectory = Kuramoto(n=4, steps=100).run()
    drawn = page(trajectory, "r", "theta_dot")
    (line,) = panel(drawn, "order parameter").lines
    np.testing.assert_array_equal(line.get_xdata(), trajectory.time)
    np.testing.assert_array_equal(line.get_ydata(), trajectory.r)
    family = panel(drawn, "drift of the phase").lines
    np.testing.assert_array_equal(np.stack([line.get_ydata() for line in family], -1), trajectory.theta_dot)


def test_many_phases_are_shown_modulo_a_turn() -> None:
    trajectory = Kuramoto(n=20, steps=100).run()
    image = panel(page(trajectory, "theta"), "phase").images[0]
    np.testing.assert_allclose(image.get_array(), np.mod(trajectory.theta.values.T, 2 * np.pi))
    assert image.get_clim() == (0, 2 * np.pi)


def test_dense_swings_are_shown_as_their_envelope() -> None:
    trajectory = Metronomes(n=1, periods=100).run()
    axes = panel(page(trajectory, "theta"), "angle")
    low, high = axes.lines
    # one point a swing, and the two ends
    assert 98 <= len(low.get_xdata()) <= 103
    late = trajectory.theta.values[-300:]
    assert np.ravel(high.get_ydata())[-1] == pytest.approx(late.max(), rel=0.01)
    assert np.ravel(low.get_ydata())[-1] == pytest.approx(late.min(), rel=0.01)


@pytest.mark.parametrize("samples", [9, 50])
@pytest.mark.parametrize("share", [0.5, 0.97])
def test_the_envelope_of_a_beat_is_that_of_theory_to_the_very_end(samples: int, share: float) -> None:
    # cos t + share cos(1.06 t) swings within ±√(1 + share² + 2 share cos 0.06 t)
    t = np.linspace(0, 630, 100 * samples)
    low, high = envelope(t, np.cos(t) + share * np.cos(1.06 * t))
    for (x, y), sign in ((low, -1), (high, 1)):
        theory = sign * np.sqrt(1 + share**2 + 2 * share * np.cos(0.06 * x))
        # about a near-stop the amplitude changes by more than itself in one swing
        swings = np.abs(theory) > 0.1
        swings[[0, -1]] = False
        assert swings.sum() >= 90
        np.testing.assert_allclose(y[swings], theory[swings], atol=0.03)
        assert (x[0], x[-1]) == (0, 630)
        assert 95 <= len(x) <= 110
        # near-stops are there
        assert np.abs(y).min() < 1.1 - share
    # and the line lies within
    y = np.cos(t) + share * np.cos(1.06 * t)
    assert (y <= np.interp(t, *high) + 0.03).all()
    assert (y >= np.interp(t, *low) - 0.03).all()


def test_the_envelope_of_noise_is_smoother_than_noise_and_holds_it() -> None:
    rng = np.random.default_rng(0)
    t, white = np.arange(4000.0), rng.standard_normal(4000)
    for y in (white, np.convolve(rng.standard_normal(4010), np.ones(11) / 11, "valid")):
        low, high = envelope(t, y)
        assert len(high[0]) <= 50
        assert np.mean(y > np.interp(t, *high)) < 0.02
        assert np.interp(t, *low).max() < np.interp(t, *high).min()


def test_a_line_that_stays_the_same_does_not_swing() -> None:
    still = 1 + 1e-16 * np.random.default_rng(0).integers(0, 3, (1000, 1))
    assert swings_of(still) == 0
    assert swings_of(np.zeros((10, 2))) == 0


def test_a_beat_is_seen_in_a_figure() -> None:
    trajectory = Metronomes(beta=0.02).run()
    axes = panel(page(trajectory, "theta"), "angle")
    # metronome 3 all but stops once
    theta = trajectory.theta.values[:, 3]
    turns = np.flatnonzero((theta[1:-1] > theta[:-2]) & (theta[1:-1] >= theta[2:])) + 1
    assert theta[turns].min() < 0.15
    highest = axes.lines[7].get_ydata()
    assert np.min(highest) == pytest.approx(theta[turns].min(), abs=0.02)
    assert axes.lines[7].get_xdata()[-1] == trajectory.time[-1]


def phases_of(turns: list[float]) -> xr.Dataset:
    """Phases that are fixed but for whole turns, and go round together."""
    trajectory = Kuramoto(n=len(turns), steps=100).run()
    theta = np.linspace(0, 9, 101)[:, None] + 2 * np.pi * np.array(turns)
    return trajectory.assign(theta=trajectory.theta.copy(data=theta))


def test_phases_that_agree_but_for_whole_turns_are_drawn_as_agreeing() -> None:
    drawn = page(phases_of([0.0, 0.01, 3.0, -2.0]), "theta")
    axes = drawn.axes[0]
    heights = np.stack([line.get_ydata() for line in axes.lines])
    np.testing.assert_allclose(heights - heights[0], np.tile([[0], [0.0628], [0], [0]], 101), atol=1e-3)
    np.testing.assert_allclose(heights.mean(0), 0.0157, atol=0.03)
    assert axes.get_title(loc="left") == "phase"
    said = [text.get_text() for text in axes.artists[0].findobj(Text)]
    assert "less the mean phase, without whole turns" in said
    # but two that are half a turn apart are not
    axes = page(phases_of([0.0, 0.0, 0.0, 2.5]), "theta").axes[0]
    heights = np.stack([line.get_ydata()[:10] for line in axes.lines])
    np.testing.assert_allclose(np.abs(heights[3] - heights[0]), np.pi)


def test_a_picture_modulo_a_turn_is_not_called_unwrapped() -> None:
    titles = [axes.get_title(loc="left") for axes in page(run("kuramoto")).axes]
    assert "phase" in titles
    assert "phase, unwrapped" not in titles
    assert "mean phase, unwrapped" in titles


def test_of_lines_on_one_another_each_is_seen() -> None:
    trajectory = Kuramoto(n=3, steps=100).run()
    values = trajectory.theta_dot.values[:, [0, 1, 0]]
    drawn = page(trajectory.assign(theta_dot=trajectory.theta_dot.copy(data=values)), "theta_dot")
    first, other, again = drawn.axes[0].lines
    assert first.get_linestyle() == other.get_linestyle() == "-"
    assert again.get_linestyle() == "--"
    assert overlaps(np.arange(3), np.array([[0, 5, 0, 0], [1, 5, 1, 1], [2, 4, 2, 2.0]])) == [
        (0, 3), (0, 1), (1, 3), (2, 3)
    ]  # fmt: skip


def test_matrices_side_by_side_have_frames_and_their_sequences_names() -> None:
    axes = panel(page(run("gru"), "y"), "what it would tell")
    frames = [patch for patch in axes.patches if isinstance(patch, Rectangle)]
    assert [frame.get_width() for frame in frames] == [20] * 4
    assert [label.get_text() for label in axes.get_xticklabels()] == list("ABCD")
    assert [label.get_text() for label in axes.get_yticklabels()] == list("ABCD")
    assert axes.get_xlabel() == "token 1 to 20 of each"
    gradient = panel(page(run("gru"), "gradient_left"), "gradient left")
    assert [label.get_text() for label in gradient.get_yticklabels()] == list("ABCD")


def test_a_title_is_whole_and_its_indices_are_low() -> None:
    titles = [axes.get_title(loc="left").replace("\n", " ") for axes in whole_page("gru").axes]
    assert run("gru").loss.attrs["long_name"] in titles
    assert not any("h_T" in title or "…" in title for title in titles)


@given(st.lists(st.integers(1, 12), min_size=1, max_size=12), st.integers(12, 40))
def test_words_are_broken_into_as_few_lines_as_hold_them_and_none_is_lost(
    lengths: list[int], room: int
) -> None:
    text = " ".join("x" * n for n in lengths)
    lines = balanced(text, lambda line: len(line) / room).split("\n")
    assert " ".join(lines) == text
    assert max(map(len, lines)) <= room
    assert len(lines) == len(textwrap.wrap(text, room))


def test_members_have_the_names_of_their_coordinates() -> None:
    def said(trajectory: xr.Dataset, name: str) -> list[str]:
        (axes,) = page(trajectory, name).axes
        return [text.get_text() for text in axes.artists[0].findobj(Text)]

    assert {"0, river", "1, no clue"} <= set(said(run("attention"), "probability"))
    assert {"x", "y"} <= set(said(run("gradient_descent"), "gradient"))


def test_the_colour_bar_of_a_surface_has_round_ticks() -> None:
    axes = panel(page(run("gradient_descent"), "surface"), "height")
    ticks = axes.child_axes[0].get_yticks()
    assert len(ticks) >= 4
    assert all(float(f"{tick:.0e}") == pytest.approx(tick) for tick in ticks)


def test_what_is_left_out_is_named_with_the_file_it_is_in(tmp_path: Path) -> None:
    save(run("attention"), tmp_path / "two banks.nc")
    drawn = figure(load(tmp_path / "two banks.nc"))
    words = " ".join(text.get_text() for text in drawn.texts).replace("\n", " ")
    assert "sims plot 'two banks.nc' arrows" in words
    assert "sims plot run.nc arrows" in " ".join(text.get_text() for text in whole_page("attention").texts)


def test_a_panel_follows_from_the_dimensions_alone() -> None:
    def variable(units: str = "", **sizes: int) -> xr.DataArray:
        values = np.random.default_rng(0).standard_normal(tuple(sizes.values()))
        return xr.DataArray(
            values, dims=tuple(sizes), attrs={"units": units, "symbol": "x", "long_name": "x"}
        )

    assert kind_of(variable(time=50)) is lines
    assert kind_of(variable(time=50, unit=5)) is lines
    assert kind_of(variable(step=50, unit=500)) is bands
    assert kind_of(variable("rad", time=50, unit=5)) is lines
    assert kind_of(variable("rad", time=50, unit=50)) is phases
    assert kind_of(variable(step=50, unit=3, source=4)) is lines
    assert kind_of(variable(step=50, unit=10, source=10)) is matrix
    assert kind_of(variable(step=1, unit=10)) is points
    assert kind_of(variable(unit=10)) is points
    assert kind_of(variable(unit=10, source=9)) is matrix
    on_a_grid = variable(y=10, x=9).assign_coords(x=np.arange(9.0), y=np.arange(10.0))
    assert kind_of(on_a_grid) is plane
    assert kind_of(variable(unit=1)) is None
    assert kind_of(variable(a=3, b=4, c=5)) is None
    assert kind_of(xr.DataArray(["the", "bank"], dims="word")) is None


@pytest.mark.parametrize("ending", ["png", "svg", "pdf"])
def test_the_same_trajectory_gives_the_same_bytes_and_says_where_it_is_from(
    tmp_path: Path, ending: str
) -> None:
    trajectory = Kuramoto(n=20, steps=50).run()
    first = draw(trajectory, tmp_path / f"a.{ending}").read_bytes()
    assert draw(Kuramoto(n=20, steps=50).run(), tmp_path / f"b.{ending}").read_bytes() == first
    if ending == "png":
        assert b'kuramoto {"n": 20' in first
    assert not any(mark in first for mark in (b"CreationDate", b"dc:date", b"Creation Time"))


def test_a_pendulum_is_shown_in_its_phase_plane() -> None:
    trajectory = Metronomes(n=2, periods=40).run()
    axes = panel(page(trajectory), "angular velocity")
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("θ (rad)", "dθ/dτ (rad)")
    last = next(line for line in axes.lines if line.get_linewidth() == 1.0)
    end = trajectory.isel(time=-1, metronome=0)
    assert (last.get_xdata()[-1], last.get_ydata()[-1]) == (end.theta, end.theta_dot)
    # one swing, hardly more: from an upper turn to the next
    turns = np.flatnonzero(np.diff(np.sign(np.ravel(last.get_ydata()))))
    assert 2 <= len(turns) <= 3


def test_a_flow_of_first_order_has_no_phase_plane_of_its_own() -> None:
    axes = panel(page(Kuramoto(n=4, steps=100).run()), "drift of the phase")
    assert axes.get_xlabel() == "time t (s)"


def test_one_variable_is_drawn_over_another_when_asked() -> None:
    trajectory = Kuramoto(n=4, steps=100).run()
    axes = panel(page(trajectory, "psi:r"), "order parameter")
    np.testing.assert_array_equal(axes.lines[0].get_xdata(), trajectory.psi)
    np.testing.assert_array_equal(axes.lines[0].get_ydata(), trajectory.r)
    with pytest.raises(UnknownName, match="theta:r has nothing to draw"):
        figure(trajectory, ["theta:r"])


def test_the_states_of_a_memory_are_joined_by_their_distances() -> None:
    trajectory = run("srn")
    axes = panel(page(trajectory, "h:tree"), "memory after each token, clustered")
    leaves = [label.get_text() for label in axes.get_yticklabels()]
    assert sorted(leaves) == sorted(trajectory.input.values)
    states = trajectory.h.isel(step=-1).values.reshape(-1, 8)
    symbols = trajectory.x.values.argmax(-1).ravel()
    means = np.stack([states[symbols == i].mean(0) for i in range(9)])
    apart = np.linalg.norm(means[:, None] - means, axis=-1)
    nearest = apart[apart > 0].min()
    assert min(np.max(line.get_xdata()) for line in axes.lines) == pytest.approx(nearest)


def test_a_graph_is_a_dot_for_each_edge_and_nothing_where_there_are_none() -> None:
    trajectory = Kuramoto(n=20, steps=10, network="ring").run()
    dots = panel(page(trajectory, "link"), "the two oscillators").lines[0]
    drawn_edges = set(zip(np.ravel(dots.get_xdata()), np.ravel(dots.get_ydata()), strict=True))
    edges = {tuple(edge) for edge in trajectory.link.values}
    assert drawn_edges == edges | {(b, a) for a, b in edges}
    assert "link" not in drawable(Kuramoto(n=20, steps=10).run())


def test_a_batch_is_drawn_as_a_family(tmp_path: Path) -> None:
    batch = Kuramoto.run_batch([Kuramoto(n=5, steps=50, seed=seed) for seed in (1, 2, 3)])
    assert len(panel(page(batch, "r"), "order parameter").lines) == 3


def test_an_unknown_variable_is_refused_with_the_nearest() -> None:
    with pytest.raises(UnknownName, match=r"thet is not in this trajectory: did you mean theta\?"):
        figure(Kuramoto(steps=10).run(), ["thet"])
