"""One look for our figures, whatever matplotlib was told before, and for one's own where that is wanted."""

import matplotlib as mpl
import pytest
from matplotlib import pyplot as plt
from matplotlib.colors import to_hex

import sims
from sims import Kuramoto
from sims._discover import UnknownName

RUN = Kuramoto(n=5, steps=20).run()


@pytest.fixture(autouse=True)
def as_it_was():
    with mpl.rc_context():
        yield
    plt.close("all")


@pytest.mark.parametrize(
    "told",
    [
        {"axes.grid": True, "lines.linestyle": ":", "font.weight": "bold"},
        {"figure.constrained_layout.use": True, "legend.frameon": False, "image.cmap": "jet"},
        {"axes.xmargin": 0.3, "xtick.direction": "in", "text.parse_math": False, "font.size": 20},
    ],
)
def test_a_figure_is_the_same_whatever_matplotlib_was_told(told):
    def drawn():
        return sims.figure(RUN, ["theta", "r"]).written("png")

    plain = drawn()
    mpl.rcParams.update(told)
    assert drawn() == plain
    assert {key: mpl.rcParams[key] for key in told} == told


@pytest.mark.parametrize("name", ["journal", "film", "film-light"])
def test_ones_own_figures_take_the_look_and_its_colours_come_back(name):
    plain = sims.figure(RUN, ["r"], style=name).written("png")
    look = sims.style(name)
    fig, ax = plt.subplots()
    (line,) = ax.plot([0, 1])
    assert to_hex(fig.get_facecolor()) == to_hex(ax.get_facecolor()) == look.ground.lower()
    assert line.get_color() == look.cycle[0]
    assert to_hex(ax.xaxis.label.get_color()) == look.muted.lower()
    assert plt.rcParams["font.family"][0] == "Inter"
    assert look.levels(0.0) == pytest.approx(mpl.colors.to_rgba(look.blank), abs=0.01)
    assert sims.figure(RUN, ["r"], style=name).written("png") == plain


def test_no_font_is_missing_from_ones_own_figures(caplog):
    sims.style()
    fig, ax = plt.subplots()
    ax.set_title("θ, $K_c$ and words")
    fig.canvas.draw()
    assert not [record for record in caplog.records if "findfont" in record.message]


@pytest.mark.parametrize("use", [sims.style, lambda name: sims.figure(RUN, style=name)])
def test_an_unknown_style_is_refused_with_those_there_are(use):
    with pytest.raises(UnknownName, match="there is no style 'dark': known are journal, film, film-light"):
        use("dark")
