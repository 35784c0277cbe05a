"""`sims plot` draws the right figure for any run: labels from the data, nothing cut off, no date."""

import re
from collections.abc import Iterator
from functools import cache
from itertools import chain, combinations, product
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.transforms import BboxBase

from sims import Kuramoto, Metronomes, Simulation, _discover
from sims._discover import UnknownName
from sims._panels import bands, kind_of, lines, matrix, phases, plane, points
from sims._plot import MOST_PANELS, draw, drawable, figure

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
    assert len(low.get_xdata()) < 100
    late = trajectory.theta.values[-300:]
    assert np.ravel(high.get_ydata())[-1] == pytest.approx(late.max(), rel=0.01)
    assert np.ravel(low.get_ydata())[-1] == pytest.approx(late.min(), rel=0.01)


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
