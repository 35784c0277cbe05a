"""`sims plot` draws the right figure for a sweep: axes, bands, maps and panels from its dimensions alone."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import PathCollection, PolyCollection, QuadMesh
from test_plot import check_the_words

from scenes._theme import PHASES, THEMES
from sims import Kuramoto, latin, sweep
from sims._discover import UnknownName
from sims._look import LOOKS
from sims._page import Page
from sims._piece import quantile
from sims._plot import draw, figure
from sims._sweep_panels import edges, spaced_log, steep

K, D, SEED = np.linspace(0, 4, 9), np.geomspace(1e-3, 1, 7), np.arange(8)
WORDS = ["gd", "heavy_ball", "nesterov", "adagrad", "rmsprop", "adam", "adamw"]
LABELS = {
    "K": {"long_name": "coupling strength", "symbol": "K", "units": "rad/s"},
    "D": {"long_name": "noise strength", "symbol": "D", "units": "rad²/s"},
    "n": {"long_name": "number of oscillators", "symbol": "N", "units": ""},
}


def made(over: dict[str, Any], own: dict[str, Any] | None = None, failed: float = 0.0) -> xr.Dataset:
    """A sweep with a variable `r`, of the design `over` and with dimensions of its own."""
    rng = np.random.default_rng(0)
    columns = {dim: values if isinstance(values, dict) else {dim: values} for dim, values in over.items()}
    sizes = {dim: len(next(iter(column.values()))) for dim, column in columns.items()}
    coords = {
        name: (dim, np.asarray(values), LABELS.get(name, {"long_name": name, "symbol": "", "units": ""}))
        for dim, column in columns.items()
        for name, values in column.items()
    }
    own = own or {}
    coords |= {
        name: (name, values, {"long_name": name, "symbol": "t", "units": "s"})
        for name, values in own.items()
        if name == "time"
    }
    shape = [*sizes.values(), *map(len, own.values())]
    failure = np.where(rng.random(list(sizes.values())) < failed, "r diverged; try a smaller dt", "")
    values = rng.random(shape)
    values[failure != ""] = np.nan
    labels = {"long_name": "order parameter, mean of the last half", "symbol": "r", "units": ""}
    return xr.Dataset(
        {"r": ([*sizes, *own], values, labels), "failure": (list(sizes), failure, labels)},
        coords,
        {
            "simulation": "kuramoto",
            "title": "Oscillators.",
            "parameters": "{}",
            "seed": 0,
            "over": json.dumps([list(column) for column in columns.values()]),
        },
    )


def until(over: dict[str, Any]) -> xr.Dataset:
    """A sweep of times of which some never come."""
    data = made(over)
    labels = {"long_name": "periods until in phase", "symbol": "", "units": ""}
    times = 10 + data.r
    return data.assign(r=times.where(data.r < 0.6, np.inf).assign_attrs(labels))


def drawn(data: xr.Dataset) -> Page:
    page = figure(data)
    FigureCanvasAgg(page).draw()
    return page


def panel(data: xr.Dataset) -> Axes:
    (axes,) = drawn(data).axes
    return axes


def words_of(page: Page) -> str:
    return " ".join(text.get_text() for text in page.texts).replace("\n", " ")


def notes_of(axes: Axes) -> str:
    boxes = [child for child in axes.artists if hasattr(child, "get_children")]
    texts = [text for box in boxes for text in box.findobj(lambda one: hasattr(one, "get_text"))]
    return " ".join(dict.fromkeys(text.get_text() for text in texts if text.get_text()))


KINDS: dict[str, xr.Dataset] = {
    "one number": made({"K": K}),
    "a number and seeds": made({"K": K, "seed": SEED}, failed=0.2),
    "a number and few seeds": made({"K": K, "seed": SEED[:3]}),
    "two numbers": made({"K": K, "D": D, "seed": SEED}, failed=0.2),
    "two numbers, one of few values": made({"n": [10, 100, 1000], "K": K, "seed": SEED}),
    "three numbers": made({"K": K, "D": D, "n": [10, 20, 40, 80]}, failed=0.1),
    "four numbers": made({"K": K, "D": D, "n": [10, 20, 40, 80], "alpha": np.linspace(0, 1, 5)}),
    "words": made({"optimiser": WORDS, "seed": SEED}, failed=0.2),
    "two kinds of words": made({"optimiser": WORDS, "activation": ["tanh", "relu"], "seed": SEED}),
    "a table of words": made({"optimiser": WORDS, "task": list("abcdefg")}, failed=0.1),
    "a number and words": made({"K": K, "optimiser": WORDS}, failed=0.2),
    "a design of two": made({"point": latin(50, {"K": (0.0, 4.0), "D": (1e-3, 1.0, "log")})}, failed=0.1),
    "a design of three": made(
        {"point": latin(50, {"K": (0.0, 4.0), "D": (1e-3, 1.0), "alpha": (0.0, 1.0)}), "seed": SEED}
    ),
    "a path": made({"point": {"K": K, "D": np.geomspace(1, 1e-3, len(K))}, "seed": SEED}, failed=0.2),
    "a path and a number": made({"point": {"K": K, "D": np.linspace(0, 1, len(K))}, "n": [10, 20, 40]}),
    "courses": made({"K": K[:4], "seed": SEED}, {"time": np.linspace(0, 8, 50)}, failed=0.3),
    "courses of words and numbers": made(
        {"optimiser": WORDS[:3], "K": K[:3], "seed": SEED}, {"time": np.linspace(0, 8, 50)}
    ),
    "seeds alone": made({"seed": SEED}, failed=0.2),
    "members": made({"K": K, "seed": SEED}, {"oscillator": range(40)}),
    "few members": made({"K": K, "seed": SEED}, {"sentence": range(2)}),
    "a single point": made({"K": [1.0, 2.0]}),
    "what never happens": until({"K": K, "D": D, "seed": SEED}),
    "what never happens, by words": until({"optimiser": WORDS, "seed": SEED}),
    "what never happens, by seeds": until({"K": K, "seed": SEED}),
    "what never happens, by chance": until({"point": latin(50, {"K": (0.0, 4.0), "D": (1e-3, 1.0)})}),
    "nothing came out": made({"K": K, "seed": SEED}, failed=1.1),
    "nothing of a map came out": made({"K": K, "D": D}, failed=1.1),
}


@pytest.mark.parametrize("kind", KINDS)
def test_the_figure_of_every_kind_of_sweep_keeps_its_words_on_the_page_and_apart(kind: str) -> None:
    check_the_words(drawn(KINDS[kind]))


def test_one_swept_number_is_a_curve_with_its_labels() -> None:
    data = made({"K": K})
    axes = panel(data)
    (line,) = axes.lines
    np.testing.assert_array_equal(line.get_xdata(), K)
    np.testing.assert_array_equal(line.get_ydata(), data.r)
    assert axes.get_xlabel() == "coupling strength K (rad/s)"
    assert axes.get_ylabel() == "r"
    assert axes.get_title(loc="left") == "order parameter, mean of the last half"


def test_values_are_drawn_in_their_order() -> None:
    data = made({"K": [3.0, 1.0, 2.0]})
    (line,) = panel(data).lines
    np.testing.assert_array_equal(line.get_ydata(), data.r.values[[1, 2, 0]])


def test_seeds_are_a_band_of_the_middle_half_and_nine_tenths() -> None:
    data = made({"K": K, "seed": SEED})
    axes = panel(data)
    half, tenths = (c.get_paths()[0].vertices for c in axes.collections if isinstance(c, PolyCollection))
    for band, (low, high) in ((half, (0.25, 0.75)), (tenths, (0.05, 0.95))):
        at_two = np.sort(np.unique(band[band[:, 0] == 2.0, 1]))
        np.testing.assert_allclose(at_two, data.r.sel(K=2.0).quantile([low, high], "seed"))
    np.testing.assert_allclose(axes.lines[0].get_ydata(), data.r.median("seed"))
    assert "seed (8): median, half, nine tenths" in notes_of(axes)


def test_a_band_is_of_the_seeds_that_came_out() -> None:
    data = made({"K": K, "seed": SEED}, failed=0.3)
    np.testing.assert_allclose(panel(data).lines[0].get_ydata(), data.r.median("seed", skipna=True))


def test_few_seeds_are_shown_one_by_one() -> None:
    data = made({"K": K, "seed": SEED[:3]})
    axes = panel(data)
    assert not [c for c in axes.collections if isinstance(c, PolyCollection)]
    np.testing.assert_array_equal(np.stack([line.get_ydata() for line in axes.lines[:3]], -1), data.r)
    assert "each, and the median" in notes_of(axes)


def test_courses_of_few_seeds_are_thin_lines_beside_their_median() -> None:
    ds = made({"seed": [0, 1, 2]}, {"time": np.linspace(0, 1, 400)})
    axes = panel(ds)
    assert all(line.get_marker() in ("", "None") for line in axes.lines)
    widths = sorted(line.get_linewidth() for line in axes.lines)
    assert len(widths) == 4
    assert widths[2] < widths[3]


def test_a_map_of_few_values_is_marked_at_just_these() -> None:
    axes = panel(made({"n": [2, 5, 9], "K": [0.0, 0.1, 0.5, 1.0]}))
    assert [c for c in axes.collections if isinstance(c, QuadMesh)]
    for side, values in ((axes.xaxis, [2, 5, 9]), (axes.yaxis, [0, 0.1, 0.5, 1])):
        assert side.get_ticklocs().tolist() == values
        assert not side.get_ticklocs(minor=True).size
        assert [word.get_text() for word in side.get_ticklabels()] == [f"{value:g}" for value in values]


def test_a_map_over_many_whole_numbers_is_marked_at_whole_ones() -> None:
    axes = panel(made({"n": np.arange(1, 12), "K": K}))
    assert (axes.get_xticks() % 1 == 0).all()


def test_two_numbers_are_a_map_with_its_cells_about_the_values_and_seeds_averaged() -> None:
    data = made({"K": K, "D": D, "seed": SEED})
    axes = panel(data)
    mesh = next(c for c in axes.collections if isinstance(c, QuadMesh))
    np.testing.assert_allclose(mesh.get_array(), data.r.mean("seed").T)
    x, y = np.moveaxis(mesh.get_coordinates(), -1, 0)
    np.testing.assert_allclose(x[0], np.arange(-0.25, 4.5, 0.5))
    np.testing.assert_allclose(np.diff(np.log(y[:, 0])), np.log(1e3) / 6)
    assert (axes.get_xscale(), axes.get_yscale()) == ("linear", "log")
    assert "mean of seed (8)" in notes_of(axes)


def test_a_number_of_few_values_is_a_colour_beside_one_of_many() -> None:
    data = made({"n": [10, 100, 1000], "K": K, "seed": SEED})
    axes = panel(data)
    assert axes.get_xlabel() == "coupling strength K (rad/s)"
    np.testing.assert_allclose(
        np.stack([line.get_ydata() for line in axes.lines]), data.r.median("seed").transpose("n", "K")
    )
    assert all(word in notes_of(axes) for word in ("N:", "10", "100", "1000"))


def test_a_third_number_is_small_multiples_of_one_scale() -> None:
    data = made({"K": K, "D": D, "n": [10, 20, 40, 80]})
    page = drawn(data)
    assert [notes_of(axes) for axes in page.axes] == ["N = 10", "N = 20", "N = 40", "N = 80"]
    meshes = [next(c for c in axes.collections if isinstance(c, QuadMesh)) for axes in page.axes]
    for n, mesh in zip(data.n.values, meshes, strict=True):
        np.testing.assert_allclose(mesh.get_array(), data.r.sel(n=n).T)
        assert mesh.get_clim() == (0, 1)
    assert len({axes.get_ylim() for axes in page.axes}) == 1


def test_more_small_multiples_than_a_page_holds_are_some_of_them_and_say_so() -> None:
    page = drawn(KINDS["four numbers"])
    assert len(page.axes) == 12
    assert "(12 of 20 are shown)" in notes_of(page.axes[0])


def test_words_are_rows_of_dots_named_as_they_are() -> None:
    data = made({"optimiser": WORDS, "seed": SEED})
    axes = panel(data)
    assert [label.get_text() for label in axes.get_yticklabels()] == WORDS
    clouds, strokes = axes.lines[::2], axes.lines[1::2]
    np.testing.assert_array_equal(np.stack([line.get_xdata() for line in clouds]), data.r)
    np.testing.assert_allclose([line.get_xdata()[0] for line in strokes], data.r.median("seed"))


def test_a_seventh_optimiser_has_a_dash_as_there_are_six_colours() -> None:
    axes = panel(made({"K": K, "optimiser": WORDS}))
    looks = {(line.get_color(), line.get_linestyle()) for line in axes.lines}
    assert len(looks) == 7
    assert "adamw (dashed)" in notes_of(axes)


def test_a_random_design_is_dots_coloured_by_what_came_out() -> None:
    data = made({"point": latin(50, {"K": (0.0, 4.0), "D": (1e-3, 1.0, "log")})})
    axes = panel(data)
    dots = next(c for c in axes.collections if isinstance(c, PathCollection))
    np.testing.assert_allclose(dots.get_offsets(), np.stack([data.K, data.D], -1))
    np.testing.assert_allclose(dots.get_array(), data.r)
    assert (axes.get_xscale(), axes.get_yscale()) == ("linear", "log")


def test_parameters_that_only_rise_or_fall_together_are_a_curve_over_the_first() -> None:
    data = made({"point": {"K": K[::-1], "D": np.linspace(1, 3, len(K))}, "n": [10, 20, 40]})
    axes = panel(data)
    assert axes.get_xlabel().startswith("coupling strength K")
    for line, n in zip(axes.lines, data.n, strict=True):
        np.testing.assert_array_equal(line.get_xdata(), K[::-1])
        np.testing.assert_array_equal(line.get_ydata(), data.r.sel(n=n))
    assert "with it D from 3 to 1 rad²/s" in notes_of(axes)  # as K rises


def test_a_design_of_three_has_a_panel_for_each_parameter() -> None:
    data = made({"point": latin(50, {"K": (0.0, 4.0), "D": (1e-3, 1.0), "alpha": (0.0, 1.0)})})
    for name, axes in zip(("K", "D", "alpha"), drawn(data).axes, strict=True):
        np.testing.assert_array_equal(axes.lines[0].get_xdata(), data[name])
        np.testing.assert_array_equal(axes.lines[0].get_ydata(), data.r)


def test_courses_are_curves_in_time_one_colour_for_each_value() -> None:
    data = made({"K": K[:4], "seed": SEED}, {"time": np.linspace(0, 8, 50)})
    axes = panel(data)
    assert axes.get_xlabel() == "time t (s)"
    np.testing.assert_allclose(np.stack([line.get_ydata() for line in axes.lines]), data.r.median("seed"))
    assert len({line.get_color() for line in axes.lines}) == 4


def test_a_value_that_failed_is_a_cross_below_the_curve_and_counted() -> None:
    data = made({"K": K, "seed": SEED})
    failure = data.failure.values.astype("U40")
    failure[3], failure[5, 0] = "r diverged; try a smaller dt", "its worker died"
    data["failure"] = ("K", "seed"), failure
    data["r"] = data.r.where(data.failure == "").assign_attrs(data.r.attrs)
    page = drawn(data)
    (axes,) = page.axes
    crosses = next(c for c in axes.collections if isinstance(c, PathCollection))
    np.testing.assert_allclose(crosses.get_offsets()[:, 0], [1.5])
    lowest = axes.transData.transform((1.5, data.r.dropna("K", how="all").quantile(0.05, "seed").min()))[1]
    assert lowest > axes.transAxes.transform((0, 0.05))[1]
    assert "9 of 72 points failed: r diverged; try a smaller dt (8); or its worker died (1)" in words_of(page)


@pytest.mark.parametrize("level", [1.0, -2.0])
def test_what_is_everywhere_the_same_is_shown_beside_zero(level: float) -> None:
    line, cells = made({"K": K}), made({"K": K, "D": D})
    axes = panel(line.assign(r=line.r.copy(data=np.full(line.r.shape, level))))
    np.testing.assert_allclose(axes.get_ylim(), sorted((0, 1.1 * level)))
    drawn_cells = panel(cells.assign(r=cells.r.copy(data=np.full(cells.r.shape, level)))).collections[0]
    np.testing.assert_allclose(sorted(drawn_cells.get_clim()), sorted((0, level)))


def test_cells_that_failed_are_hatched() -> None:
    data = made({"K": K, "D": D})
    failure = data.failure.values.astype("U40")
    failure[2, 3] = "r diverged"
    data["failure"] = ("K", "D"), failure
    data["r"] = data.r.where(data.failure == "").assign_attrs(data.r.attrs)
    hatched = next(
        c for c in panel(data).collections if isinstance(c, PolyCollection) and not isinstance(c, QuadMesh)
    )
    (cell,) = hatched.get_paths()
    low, high = cell.vertices.min(0), cell.vertices.max(0)
    np.testing.assert_allclose([low[0], high[0]], [0.75, 1.25])
    assert low[1] < D[3] < high[1]
    assert hatched.get_hatch()


def test_a_sweep_that_was_averaged_or_cut_by_its_owner_is_drawn_still() -> None:
    data = made({"K": K, "D": D, "seed": SEED})
    (line,) = panel(data.isel(D=2, seed=0)).lines
    np.testing.assert_array_equal(line.get_ydata(), data.r[:, 2, 0])
    mean = data.drop_vars("failure").mean("seed", keep_attrs=True)
    mesh = next(c for c in panel(mean).collections if isinstance(c, QuadMesh))
    np.testing.assert_allclose(mesh.get_array(), data.r.mean("seed").T)


def test_what_a_sweep_computes_is_what_is_drawn(tmp_path: Path) -> None:
    data = sweep(Kuramoto(n=10, steps=20, sampling="random"), {"K": [0.0, 1.0, 3.0]}, record=["r"])
    (line,) = panel(data).lines
    np.testing.assert_array_equal(line.get_ydata(), data.r)
    for ending in ("png", "svg", "pdf"):
        first = draw(data, tmp_path / f"a.{ending}").read_bytes()
        assert draw(data, tmp_path / f"b.{ending}").read_bytes() == first


def test_an_unknown_variable_is_refused_with_the_nearest() -> None:
    with pytest.raises(UnknownName, match=r"rr is not in this sweep: did you mean r\?"):
        figure(made({"K": K}), ["rr"])
    with pytest.raises(UnknownName, match="failure has nothing to draw"):
        figure(made({"K": K}), ["failure"])


def test_a_reason_that_names_other_numbers_at_each_point_is_one_reason() -> None:
    data = made({"K": [1.0, 2.0, 3.0, 4.0]})
    failure = [f"r diverged at t = {k} s; try a smaller dt" for k in (5, 21, 7)]
    data["failure"] = "K", np.array([*failure, ""])
    data["r"] = data.r.where(data.failure == "").assign_attrs(data.r.attrs)
    page = drawn(data)
    assert "3 of 4 points failed, for instance: r diverged at t = 5 s; try a smaller dt." in words_of(page)
    # one value alone has an axis that tells its size
    low, high = page.axes[0].get_ylim()
    assert low == 0
    assert high == pytest.approx(1.1 * data.r.values[3])


def test_an_axis_says_what_its_parameter_means_in_as_many_lines_as_it_takes() -> None:
    data = made({"K": K, "D": D})
    data.K.attrs["long_name"] = "coupling through the board, a mass ratio; 0 is a fixed table; βN < 1"
    data.D.attrs["long_name"] = (
        "half-width (lorentzian), standard deviation (normal) or range of all frequencies"
    )
    page = drawn(data)
    assert page.axes[0].get_xlabel() == "coupling through the board, a mass ratio K (rad/s)"
    said = page.axes[0].get_ylabel().split("\n")
    assert " ".join(said) == "half-width, standard deviation or range of all frequencies D (rad²/s)"
    assert len(said) == 2
    check_the_words(page)


def test_a_colour_bar_does_not_say_again_what_the_title_says() -> None:
    data = made({"K": K, "D": D})
    data = data.rename(r="mean amplitude of the last swing (rad)")
    name = next(iter(data.data_vars))
    data[name].attrs |= {"long_name": name, "symbol": ""}
    page = drawn(data)
    (bar,) = page.axes[0].child_axes
    assert bar.get_title(loc="left") == ""
    assert page.axes[0].get_title(loc="left") == name


def test_the_ticks_of_a_colour_bar_are_told_apart_and_as_they_are() -> None:
    data = until({"K": K, "D": D})
    (bar,) = panel(data).child_axes
    ticks = [tick for tick in bar.get_yticks() if 10 <= tick <= data.r.where(np.isfinite(data.r)).max()]
    assert {f"{tick:.9g}" for tick in ticks} <= {label.get_text() for label in bar.get_yticklabels()}


def test_what_lies_between_0_and_1_has_these_colours_in_any_sweep() -> None:
    for shrink, name, span in (
        (0.5, "order parameter", (0, 1)),
        (0.5, "r at the end", (0, 1)),
        (0.5, "reset gate", None),
        (2.0, "r at the end", None),
    ):
        data = made({"K": K, "D": D})
        data["r"] = (data.r * shrink).assign_attrs(data.r.attrs | {"long_name": name})
        mesh = next(c for c in panel(data).collections if isinstance(c, QuadMesh))
        assert mesh.get_clim() == (span or (data.r.min(), data.r.max()))


# ---------------------------------------------------------------------------------------------- never


def test_what_never_happens_has_a_look_of_its_own_in_a_map_and_is_told() -> None:
    data = until({"K": K, "D": D})
    axes = panel(data)
    dotted = next(c for c in axes.collections if isinstance(c, PolyCollection) and c.get_hatch())
    assert len(dotted.get_paths()) == np.isinf(data.r).sum()
    assert "dotted: never" in notes_of(axes)
    assert "never" not in notes_of(panel(made({"K": K, "D": D})))


def test_a_middle_over_seeds_of_which_one_never_gets_there_is_the_median() -> None:
    data = until({"K": K, "D": D, "seed": SEED[:5]})
    axes = panel(data)
    assert "median of seed (5), counting never" in notes_of(axes)
    mesh = next(c for c in axes.collections if isinstance(c, QuadMesh))
    at = np.sort(data.r.values, -1)[..., 2].T
    np.testing.assert_allclose(mesh.get_array()[np.isfinite(at)], at[np.isfinite(at)])
    dotted = next(c for c in axes.collections if isinstance(c, PolyCollection) and c.get_hatch())
    assert len(dotted.get_paths()) == np.isinf(at).sum()


@pytest.mark.parametrize("seeds", [1, 3, 8])
def test_a_curve_ends_where_the_median_is_never_and_an_arrow_says_so(seeds: int) -> None:
    data = until({"K": K, "seed": SEED[:seeds]})
    axes = panel(data)
    with np.errstate(invalid="ignore"):
        middle = np.median(data.r.values, axis=-1)
    (line,) = [line for line in axes.lines if line.get_linestyle() == "-"]
    np.testing.assert_allclose(line.get_ydata(), np.where(np.isinf(middle), np.nan, middle))
    arrows = next(c for c in axes.collections if isinstance(c, PathCollection)).get_offsets()[:, 0]
    marked = np.isinf(data.r.values).any(-1) if seeds == 3 else np.isinf(middle)
    np.testing.assert_allclose(arrows, K[marked])
    assert "▲: never" in notes_of(axes)
    low, high = axes.get_xlim()
    assert low <= K.min() < K.max() <= high


@given(st.lists(st.one_of(st.floats(-1e6, 1e6), st.just(np.inf)), min_size=1, max_size=9), st.floats(0, 1))
def test_a_quantile_counts_infinity_as_the_largest(values: list[float], q: float) -> None:
    x = np.sort(values)
    at = q * (len(x) - 1)
    found = quantile(x, q)
    low, high = x[int(np.floor(at + 1e-9))], x[min(int(np.ceil(at - 1e-9)), len(x) - 1)]
    assert low - 1e-6 <= found <= high + 1e-6 if np.isfinite(high) else np.isinf(found) or found == low
    if np.isfinite(x).all():
        np.testing.assert_allclose(found, np.quantile(x, q), rtol=1e-6, atol=1e-3)


# ---------------------------------------------------------------------------------------------- scales


@given(st.floats(1e-9, 1e3), st.floats(5.5, 1e9), st.integers(3, 60))
def test_evenly_spaced_logarithms_are_told_from_evenly_spaced_numbers(
    low: float, ratio: float, n: int
) -> None:
    assert spaced_log(np.geomspace(low, low * ratio, n))
    assert not spaced_log(np.linspace(low, low * ratio, n))


@given(
    st.lists(st.floats(1e-6, 1e6), min_size=2, max_size=30, unique_by=lambda x: round(np.log(x), 6)),
    st.booleans(),
)
def test_every_value_lies_in_its_own_cell(values: list[float], log: bool) -> None:
    centres = np.sort(values)
    sides = edges(centres, log)
    assert (sides[:-1] < centres).all()
    assert (centres < sides[1:]).all()


@pytest.mark.parametrize(
    ("values", "log"),
    [
        (np.linspace(0, 1, 50), False),  # an order parameter
        (np.geomspace(1e-9, 1, 50), True),  # losses
        (np.array([0.1, 0.2, 0.3, 1e30]), True),  # one beyond its limit of stability
        (np.array([-1.0, 1e30]), False),
        (np.zeros(5), False),
        (np.full(5, np.nan), False),
    ],
)
def test_logarithms_are_for_values_that_can_be_read_no_other_way(values: np.ndarray, log: bool) -> None:
    assert steep(values) == log


# ---------------------------------------------------------------------------------------------- looks


@pytest.mark.parametrize(("look", "theme"), [("film", "dark"), ("film-light", "light"), ("journal", "light")])
def test_figures_wear_the_colours_of_the_films(look: str, theme: str) -> None:
    ours, films = LOOKS[look], THEMES[theme]
    roles = (films.state, films.target, films.updated, films.third, films.error, films.focus)
    assert ours.cycle == roles
    assert (ours.ink, ours.muted, ours.faint) == (films.ink, films.muted, films.faint)
    if look != "journal":
        assert (ours.ground, ours.blank) == (films.ground, films.panel)
        circle = np.array([list(bytes.fromhex(code)) for code in PHASES[theme].split()]) / 255
        np.testing.assert_allclose(ours.turn(np.arange(24) / 24)[:, :3], circle, atol=0.02)


def test_a_figure_on_the_films_ground_is_another_file_than_a_journals(tmp_path: Path) -> None:
    data = made({"K": K, "seed": SEED})
    plain, film = (draw(data, tmp_path / f"{style}.png", style=style) for style in ("journal", "film"))
    assert plain.read_bytes() != film.read_bytes()
    assert figure(data, style="film").get_facecolor()[:3] == pytest.approx(
        [channel / 255 for channel in bytes.fromhex(LOOKS["film"].ground[1:])]
    )


def test_a_figure_shows_itself_in_a_notebook_at_half_its_pixels() -> None:
    page = figure(made({"K": K}))
    png, size = page._repr_png_()
    width, height = (int.from_bytes(png[i : i + 4], "big") for i in (16, 20))
    assert png.startswith(b"\x89PNG")
    assert (width, height) == pytest.approx((2 * size["width"], 2 * size["height"]), abs=2)


def test_where_all_failed_the_crosses_stand_at_their_values() -> None:
    axes = panel(made({"K": K, "seed": SEED}, failed=1.1))
    crosses = next(c for c in axes.collections if isinstance(c, PathCollection))
    np.testing.assert_array_equal(crosses.get_offsets()[:, 0], K)
    low, high = axes.get_xlim()
    assert low < 0
    assert high > 4


def test_small_multiples_are_chosen_evenly_along_each_parameter() -> None:
    said = [notes_of(axes) for axes in drawn(KINDS["four numbers"]).axes]
    assert [words.split("  ")[0] for words in said[:3]] == [f"N = 10, alpha = {a}" for a in ("0", "0.5", "1")]
