"""How figures look: plain for a journal, or on the ground of the films."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import matplotlib as mpl
import matplotlib.style
from cycler import cycler
from matplotlib import font_manager
from matplotlib.colors import Colormap, LinearSegmentedColormap

from sims._discover import UnknownName

Style = Literal["journal", "film", "film-light"]


@dataclass(frozen=True)
class Look:
    """Colours by meaning; the six of `cycle` stay apart for all sorts of sight, `blank` is a map's zero."""

    ground: str
    blank: str
    ink: str
    muted: str
    faint: str
    cycle: tuple[str, ...]
    ordered: Colormap  # for what has an order, from its first to its last
    signed: Colormap  # white, or the blank, is zero
    levels: Colormap  # from little to much
    turn: Colormap  # a phase, the same at 0 and 2π


def _through(name: str, *colours: str) -> Colormap:
    return LinearSegmentedColormap.from_list(name, colours)


def _circle(name: str, codes: str) -> Colormap:
    colours = [f"#{code}" for code in codes.split()]
    return _through(name, *colours, colours[0])


_DARK = ("#85B2FF", "#EAAD3C", "#9BFAEF", "#B673A7", "#E25653", "#FFFF24")
_LIGHT = ("#1E64EB", "#AA5700", "#216957", "#915A91", "#91010E", "#671197")
_ORDERED = _through("ordered", "#1E64EB", "#2C86A3", "#76893A", "#AA5700")

# Journals print on white, and so the plain look is the one figures have unless another is asked for.
LOOKS: dict[str, Look] = {
    "journal": Look(
        ground="#FFFFFF",
        blank="#FFFFFF",
        ink="#1A1F27",
        muted="#5E6672",
        faint="#DEDDD9",
        cycle=_LIGHT,
        ordered=_ORDERED,
        signed=_through("signed", "#91010E", "#D9A09C", "#FFFFFF", "#9DB8EC", "#1E64EB"),
        levels=_through("levels", "#FFFFFF", "#9DB8EC", "#1E64EB", "#14254D"),
        turn=mpl.colormaps["twilight"],
    ),
    "film": Look(
        ground="#0E1218",
        blank="#151B24",
        ink="#E8ECF1",
        muted="#8A94A3",
        faint="#2A323D",
        cycle=_DARK,
        ordered=_through("ordered on dark", "#85B2FF", "#74C2C6", "#B7C26C", "#EAAD3C"),
        signed=_through("signed on dark", "#E25653", "#151B24", "#85B2FF"),
        levels=_through("levels on dark", "#151B24", "#33507F", "#85B2FF", "#EAF2FF"),
        turn=_circle(
            "turn on dark",
            "9594FF AA86FB BB78F1 C96BDF D461C8 DD5BAD E3598F E65B71 E76255 E46C3B DE7823 D3860C "
            "C59507 B2A41F 9AB13B 7EBB58 60C275 40C691 21C7AB 16C5C3 2DC0D7 4AB8E7 65AEF4 7FA2FC",
        ),
    ),
    "film-light": Look(
        ground="#FBFAF7",
        blank="#F3F1EC",
        ink="#1A1F27",
        muted="#5E6672",
        faint="#DEDDD9",
        cycle=_LIGHT,
        ordered=_ORDERED,
        signed=_through("signed on light", "#91010E", "#F3F1EC", "#1E64EB"),
        levels=_through("levels on light", "#F3F1EC", "#9DB8EC", "#1E64EB", "#14254D"),
        turn=_circle(
            "turn on light",
            "7766D2 8857D0 9648C7 A13AB7 A930A1 AF2C88 B22C6D B43154 B3393D B14428 AD5015 A55D02 "
            "9A6A00 8C7713 7A822B 668A43 52905B 3F9471 309486 2A9398 2F8FA9 3E88B8 507FC4 6474CE",
        ),
    ),
}
_look: ContextVar[Look] = ContextVar("_look", default=LOOKS["journal"])


def look() -> Look:
    """The colours of the figure being drawn."""
    return _look.get()


def style(name: Style = "journal") -> Look:
    """Give matplotlib's own figures the look of ours from here on; returns its colours.

        look = sims.style("film-light")
        ax.plot(x, y)                          # in look.cycle[0], on look.ground
        ax.pcolormesh(x, y, z, cmap=look.levels)

    `name` is "journal" (on white), "film" or "film-light" (on the ground of the films). The colours are
    `ground`, `blank` (the zero of a map), `ink`, `muted`, `faint`, the six of `cycle`, and the colour maps
    `ordered`, `signed`, `levels` and `turn` (for phases). `plt.rcdefaults()` takes it off again.

    Raises UnknownName for another name.
    """
    worn = _named(name)
    mpl.rcParams.update(settings(worn))
    mpl.rcParams.update({"figure.constrained_layout.use": True, "figure.dpi": 150, "legend.frameon": False})
    return worn


@contextmanager
def dressed(name: Style) -> Iterator[Look]:
    """Within this block, figures are drawn in that style."""
    worn = _named(name)
    token = _look.set(worn)
    try:
        with wearing(worn):
            yield worn
    finally:
        _look.reset(token)


@contextmanager
def wearing(worn: Look) -> Iterator[None]:
    """Within this block, matplotlib is as it comes but for this look, whatever else it was told before."""
    with mpl.style.context(["default", settings(worn)]):
        yield


def _named(name: Style) -> Look:
    if name not in LOOKS:
        raise UnknownName(f"there is no style {name!r}: known are {', '.join(LOOKS)}")
    _add_font()
    return LOOKS[name]


@cache
def _add_font() -> None:
    import fontpkg  # type: ignore[import-untyped]

    font_manager.fontManager.addfont(fontpkg.path("inter"))


def settings(worn: Look) -> dict[Any, Any]:
    """A look in matplotlib's words."""
    return {
        "font.family": ["Inter", "DejaVu Sans"],
        "font.size": 7,
        "mathtext.fontset": "custom",
        **{f"mathtext.{face}": "Inter" for face in ("rm", "it", "bf", "bfit", "cal", "sf", "tt")},
        "text.color": worn.ink,
        "figure.facecolor": worn.ground,
        "figure.dpi": 200,
        "savefig.dpi": 200,
        "axes.facecolor": worn.ground,
        "axes.titlesize": 7.5,
        "axes.titlelocation": "left",
        "axes.labelsize": 7,
        "axes.labelcolor": worn.muted,
        "axes.edgecolor": worn.muted,
        "axes.linewidth": 0.6,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.prop_cycle": cycler(color=worn.cycle),
        "axes.formatter.useoffset": False,
        "axes.formatter.limits": (-3, 4),
        "xtick.color": worn.muted,
        "ytick.color": worn.muted,
        "xtick.major.width": 0.6,
        "ytick.major.width": 0.6,
        "xtick.major.size": 2.5,
        "ytick.major.size": 2.5,
        "xtick.minor.visible": False,
        "ytick.minor.visible": False,
        "lines.linewidth": 1.0,
        "hatch.linewidth": 0.5,
        # letters stay letters in a PDF, and shapes in an SVG, which any reader then shows alike
        "pdf.fonttype": 42,
        "svg.fonttype": "path",
        "svg.hashsalt": "sims",
    }
