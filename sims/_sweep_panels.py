"""The panels of a sweep: how one variable is drawn over the parameters that change.

Each function draws a `Piece`: values along at most two parameters and a hue. What is repeated, as seeds are,
becomes a band, a mean or dots, and the note under the title says which.
"""

import re
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.colors import Colormap, LogNorm, Normalize
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from sims._labels import FEW, Words, dimension, label, mark, note, set_low
from sims._look import look
from sims._panels import LEADS, bar
from sims._piece import Piece, finite, finite_of, known

Array = NDArray[np.float64]
MEANING = 72  # letters of a parameter's meaning that an axis has room for, in lines
ROOM = 20  # letters below a small map
BAND = 5  # so many repetitions make a band; fewer are shown one by one
DASHES = {"-": "", "--": " (dashed)", ":": " (dotted)"}
ARROW: dict[str, Any] = {"marker": "^", "s": 9, "lw": 0, "clip_on": False, "zorder": 5}
CROSS: dict[str, Any] = {"marker": "x", "s": 9, "lw": 0.8, "clip_on": False, "zorder": 5}


def spaced_log(values: NDArray[Any]) -> bool:
    """Whether positive numbers are spread evenly by their ratios rather than by their differences."""
    x = np.unique(np.asarray(values, dtype=float))
    if len(x) < 3 or x[0] <= 0 or x[-1] < 5 * x[0]:
        return False

    def bent(u: NDArray[Any]) -> float:
        return float(abs((u - u[0]) / (u[-1] - u[0]) - np.linspace(0, 1, len(u))).max())

    return bent(np.log(x)) < bent(x) / 2


def steep(values: NDArray[Any]) -> bool:
    """Whether values, none below zero, span so much that only their logarithms can be read."""
    x = finite_of(values)
    if not x.size or x.min() < 0 or x.max() <= 0:
        return False
    above = x[x > 0]
    low, middle, high = np.quantile(above, [0.05, 0.5, 0.95])
    return bool(above.max() > 100 * middle or high > 1e4 * low)


def edges(centres: NDArray[Any], log: bool) -> Array:
    """Where the cells of a map meet: halfway between their values, or between the values' logarithms."""
    c = np.log(centres) if log else np.asarray(centres, dtype=float)
    middle = (c[1:] + c[:-1]) / 2
    found = np.concatenate([[2 * c[0] - middle[0]], middle, [2 * c[-1] - middle[-1]]])
    return np.asarray(np.exp(found) if log else found, dtype=float)


def number(value: Any) -> str:
    """A value of a parameter, short: `10000`, `0.0125`, `adam`."""
    if isinstance(value, (float, np.floating)):
        x = float(value)
        return f"{x:.6g}" if x.is_integer() and abs(x) < 1e6 else f"{x:.3g}"
    return str(value)


def entries(axis: xr.DataArray) -> list[str]:
    """The values of a parameter as words."""
    return [number(value) for value in axis.values]


def is_number(axis: xr.DataArray) -> bool:
    return axis.dtype.kind in "iuf"


def name_of(axis: xr.DataArray) -> str:
    """A parameter in a note: the symbol of a number, else its name."""
    symbol = set_low(axis.attrs.get("symbol", "")) if is_number(axis) else ""
    return symbol or str(axis.name).replace("_", " ")


def axis_label(axis: xr.DataArray) -> str:
    """A parameter along an axis: `coupling strength K (rad/s)`."""
    if axis.name in LEADS:
        return dimension(axis, str(axis.name))
    if not is_number(axis):
        return name_of(axis)
    meaning = re.sub(r" \(.*?\)", "", axis.attrs.get("long_name", ""))
    meaning = re.split("[;:]", meaning)[0]  # what follows says more than what it is
    meaning = meaning if 0 < len(meaning) <= MEANING else str(axis.name).replace("_", " ")
    symbol = set_low(axis.attrs.get("symbol", ""))
    unit = f"({axis.attrs['units']})" if axis.attrs.get("units") else ""
    return " ".join(filter(None, (meaning, symbol if symbol != meaning else "", unit)))


def hues(hue: xr.DataArray | None) -> list[tuple[Any, str]]:
    """A colour and a dash for each entry: by its place where it is a number, each its own where a word."""
    count = 1 if hue is None else hue.size
    if hue is not None and is_number(hue) and count > 1:
        return [(look().ordered(i / (count - 1)), "-") for i in range(count)]
    return [(look().cycle[i % FEW], list(DASHES)[i // FEW % 3]) for i in range(count)]


def legend(hue: xr.DataArray | None) -> Words:
    """The entries in their colours; of many numbers the first and the last."""
    if hue is None:
        return []
    unit = f" ({hue.attrs['units']})" if hue.attrs.get("units") else ""
    said: Words = [(f"{name_of(hue)}{unit}:", look().muted)]
    words: Words = [
        (name + DASHES[dash], colour) for name, (colour, dash) in zip(entries(hue), hues(hue), strict=True)
    ]
    if len(words) > FEW and is_number(hue):
        return [*said, words[0], ("to", look().muted), words[-1]]
    return [*said, *words]


def _noted(axes: Axes, piece: Piece, *words: Words, sign: str = "") -> int:
    """What a panel's note says; `sign` is how it draws what never happens."""
    never: Words = [(f"{sign}: {piece.never}", look().muted)] if sign and piece.never else []
    told = (*words, never) if piece.first else ()
    return note(axes, *told, foot=[(piece.of, look().ink)] if piece.of else [])


def curves(axes: Axes, piece: Piece) -> int:
    """A curve over a number, or over time, for each hue, with a band of the repetitions."""
    assert piece.x is not None
    x, colours = piece.x.values, hues(piece.hue)
    count, course = len(colours), piece.x.name in LEADS
    quantiles = [piece.quantile(q)[:, 0] for q in (0.05, 0.25, 0.5, 0.75, 0.95)]
    never = np.isposinf(quantiles[2])
    roof = _roof(piece, quantiles[4] if count == 1 else quantiles[3])
    quantiles = [np.where(np.isposinf(each), roof, each) for each in quantiles]
    quantiles[2] = np.where(never, np.nan, quantiles[2])
    for i, (colour, dash) in enumerate(colours):
        low, q1, middle, q3, high = (quantile[:, i] for quantile in quantiles)
        if piece.times >= BAND and count <= FEW:
            axes.fill_between(
                x, q1, q3, color=colour, alpha=(0.3, 0.2, 0.2, 0.14, 0.14, 0.14)[count - 1], lw=0
            )
        if piece.times >= BAND and count == 1:
            axes.fill_between(x, low, high, color=colour, alpha=0.12, lw=0)
        elif 1 < piece.times < BAND and count <= FEW:
            each, line = finite(piece.values[:, 0, i]), "-" if course else "o"
            axes.plot(x, each, line, color=colour, lw=0.6, ms=1.8, mew=0, alpha=0.45)
        marker = "o" if len(x) <= 30 and not course else ""
        width = 1.0 if count <= 2 * FEW else max(0.4, 0.9 - count / 150)
        axes.plot(x, middle, dash, marker=marker, ms=2.2, mew=0, color=colour, lw=width)
    _scales(axes, piece, x, course)
    if not course:
        _crosses(axes, piece)
    one_by_one = 1 < piece.times < BAND
    infinite: NDArray[np.bool_] = np.any(np.isposinf(piece.values[:, 0]), axis=-1)
    never = infinite if one_by_one else never
    _arrows(axes, x, never, [colour for colour, _ in colours])
    several = f"median of {piece.again}" if count > FEW else _told(piece, tenths=count == 1)
    said: Words = [(several, look().muted)] if piece.times > 1 else []
    return _noted(axes, piece, legend(piece.hue), said, sign="▲")


def _roof(piece: Piece, values: Array) -> float:
    """Where a band ends that reaches to ∞: somewhat above all else."""
    there = values[np.isfinite(values)]
    high = max([float(there.max()), *piece.span] if there.size else piece.span)
    return high * 1.3 if piece.log else high + 0.1 * (high - min(piece.span))


def _arrows(axes: Axes, x: NDArray[Any], never: NDArray[np.bool_], colours: list[Any]) -> None:
    """Where a value (x, hue) is ∞: at the head of the panel, pointing out of it, a row for each hue."""
    for row, i in enumerate(np.flatnonzero(never.any(0))):
        at = x[never[:, i]]
        up = np.full(len(at), 0.98 - 0.045 * row)
        axes.update_datalim(np.stack([at, up], -1), updatey=False)
        axes.autoscale_view(scaley=False)
        axes.scatter(at, up, color=colours[i], transform=axes.get_xaxis_transform(), **ARROW)


def _told(piece: Piece, tenths: bool = False) -> str:
    if piece.times < BAND:
        return f"{piece.again}: each, and the median"
    return f"{piece.again}: median, half{', nine tenths' if tenths else ''}"


def _crosses(axes: Axes, piece: Piece) -> None:
    """Where nothing came out: at the foot of the panel, a row for each hue, in room made below the values."""
    if not piece.gone.any() or piece.x is None:
        return
    rows = [i for i in range(piece.gone.shape[2]) if piece.gone[:, 0, i].any()]
    low, high = axes.dataLim.intervaly if np.isfinite(axes.dataLim.intervaly).all() else (0.0, 1.0)
    room = 0.05 * len(rows)
    below = low * (low / high) ** room if piece.log and low > 0 else low - room * (high - low)
    axes.update_datalim([(piece.x.values.min(), below), (piece.x.values.max(), high)])
    axes.autoscale_view()
    for row, i in enumerate(rows):
        x, colour = piece.x.values[piece.gone[:, 0, i]], hues(piece.hue)[i][0]
        up = np.full(len(x), 0.03 + 0.04 * row)
        axes.scatter(x, up, color=colour, transform=axes.get_xaxis_transform(), **CROSS)


def _scales(axes: Axes, piece: Piece, x: NDArray[Any], course: bool = False) -> None:
    """Labels and scales of a panel whose height is the value."""
    assert piece.x is not None
    if piece.log:
        axes.set_yscale("log", nonpositive="clip")
    there = piece.values[np.isfinite(piece.values)]
    if there.size and there.min() == there.max() != 0 and not piece.log:
        # one value alone: zero tells more of its size than its own decimals do
        axes.set_ylim(*sorted((0, 1.1 * there[0])))
    if course:
        axes.set_xlim(x.min(), x.max())
    else:
        axes.margins(x=0.03)
    if spaced_log(x) and not course:
        axes.set_xscale("log")
    elif x.dtype.kind in "iu":
        axes.xaxis.set_major_locator(MaxNLocator("auto", integer=True))
    axes.set_xlabel(axis_label(piece.x))
    axes.set_ylabel(label(piece.v))


def shades(piece: Piece) -> tuple[Colormap, Normalize]:
    """The colours of values: signed where there are both signs."""
    low, high = piece.span
    if piece.log:
        return look().levels, LogNorm(low, high)
    most = max(-low, high)
    return (
        (look().signed, Normalize(-most, most)) if low < 0 < high else (look().levels, Normalize(low, high))
    )


def heat(axes: Axes, piece: Piece) -> int:
    """A map over two parameters; what is repeated is averaged, what failed altogether is hatched."""
    assert piece.x is not None
    assert piece.y is not None
    values = piece.middle()[:, :, 0].T
    scales = (axes.set_xscale, axes.set_xticks), (axes.set_yscale, axes.set_yticks)
    sides: list[Array] = []
    for axis, (scale, ticks) in zip((piece.x, piece.y), scales, strict=True):
        log = is_number(axis) and spaced_log(axis.values)
        if is_number(axis):
            sides.append(edges(axis.values, log))
            scale("log" if log else "linear")
            words = entries(axis)
            if len(" ".join(words)) <= ROOM or (axis is piece.y and axis.size <= FEW):
                ticks(axis.values, words)
                ticks([], minor=True)
            elif axis.dtype.kind in "iu" and not log:
                lines = axes.xaxis if axis is piece.x else axes.yaxis
                lines.set_major_locator(MaxNLocator("auto", integer=True))
        else:
            sides.append(np.arange(-0.5, axis.size))
            ticks(range(axis.size), entries(axis))
            if axis is piece.y:
                axes.set_ylim(axis.size - 0.5, -0.5)
    cmap, norm = shades(piece)
    image = axes.pcolormesh(*sides, values, cmap=cmap, norm=norm, rasterized=True)
    _hatch(axes, sides, piece.gone[:, :, 0].T)
    _hatch(axes, sides, np.isposinf(values), "....", look().faint)
    bar(axes, image, mark(piece.v))
    if not (is_number(piece.x) or is_number(piece.y)) and values.size <= 64:
        _written(axes, values, image)
    axes.set_xlabel(axis_label(piece.x))
    axes.set_ylabel(axis_label(piece.y))
    return _noted(axes, piece, piece.centre, sign="dotted")


def _hatch(
    axes: Axes, sides: list[Array], gone: NDArray[np.bool_], hatch: str = "//////", ground: str = ""
) -> None:
    """Mark the cells (row, column) without a value."""
    if not gone.any():
        return
    (x, y), corners = sides, ((0, 0), (1, 0), (1, 1), (0, 1))
    boxes = [[(x[j + a], y[i + b]) for a, b in corners] for i, j in np.argwhere(gone)]
    paint: dict[str, Any] = {"facecolor": ground or look().ground, "edgecolor": look().muted}
    axes.add_collection(PolyCollection(boxes, hatch=hatch, lw=0, **paint), autolim=False)


def _written(axes: Axes, values: Array, image: Any) -> None:
    """The numbers of a small table in its cells."""
    for (i, j), value in np.ndenumerate(values):
        if np.isfinite(value):
            red, green, blue, _ = image.cmap(image.norm(value))
            dark = 0.3 * red + 0.59 * green + 0.11 * blue < 0.55
            ink = "#FFFFFF" if dark else "#1A1F27"
            axes.text(j, i, f"{value:.2g}", size=5.5, ha="center", va="center", color=ink)


def dots(axes: Axes, piece: Piece) -> int:
    """A row of dots for each word, a dot for each repetition, and a stroke at their median."""
    assert piece.y is not None
    colours = hues(piece.hue)
    high = 0.7 / len(colours)
    middle = piece.quantile(0.5)[0]
    for i, k in np.ndindex(middle.shape):
        colour, y = colours[k][0], i + (k - (len(colours) - 1) / 2) * high
        if np.isposinf(piece.values[0, i, k]).any():
            axes.scatter(
                [0.99], [y], color=colour, transform=axes.get_yaxis_transform(), **ARROW | {"marker": ">"}
            )
        if piece.times == 1:
            axes.plot(finite(middle[i, k]), y, "o", color=colour, ms=3, mew=0)
        else:
            rows = y + np.linspace(-0.35, 0.35, piece.times) * high
            axes.plot(finite(piece.values[0, i, k]), rows, "o", color=colour, ms=2, mew=0, alpha=0.5)
            axes.plot([finite(middle[i, k])] * 2, [y - 0.42 * high, y + 0.42 * high], color=colour, lw=1.4)
        if piece.gone[0, i, k]:
            axes.scatter([0.02], [y], color=colour, transform=axes.get_yaxis_transform(), **CROSS)
    if piece.log:
        axes.set_xscale("log", nonpositive="clip")
    axes.set_yticks(range(piece.y.size), entries(piece.y))
    axes.set_ylim(piece.y.size - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="y", color=look().faint, lw=0.5)
    axes.set_axisbelow(True)
    axes.set_xlabel(label(piece.v))
    axes.set_ylabel(axis_label(piece.y))
    said = f"{piece.again}: each, and the median"
    told: Words = [(said, look().muted)] if piece.times > 1 else []
    return _noted(axes, piece, legend(piece.hue), told, sign="▶")


def cloud(axes: Axes, piece: Piece) -> int:
    """A dot for each point, at the value of one parameter; the mean of what is repeated."""
    assert piece.x is not None
    values = piece.middle()[:, 0]
    size = 3 if len(values) <= 100 else 2
    for i, (colour, _) in enumerate(hues(piece.hue)):
        axes.plot(piece.x, finite(values[:, i]), "o", color=colour, ms=size, mew=0, alpha=0.7)
    _scales(axes, piece, piece.x.values)
    _crosses(axes, piece)
    _arrows(axes, piece.x.values, np.isposinf(values), [colour for colour, _ in hues(piece.hue)])
    median_of = float(np.nanmedian(values)) if known(values).any() else np.nan
    alone = piece.x.name == "seed" and np.isfinite(median_of)
    if alone:
        axes.axhline(median_of, color=look().muted, lw=0.6, zorder=0)
    median: Words = [("line: the median", look().muted)] if alone else []
    return _noted(axes, piece, legend(piece.hue), piece.centre, median, sign="▲")


def plane(axes: Axes, piece: Piece) -> int:
    """A dot for each point at the values of two parameters, coloured by what came out."""
    assert piece.x is not None
    assert piece.y is not None
    values, gone = piece.middle()[:, 0, 0], piece.gone[:, 0, 0]
    never = np.isposinf(values)
    cmap, norm = shades(piece)
    size = 14 if len(values) <= 300 else 7
    edge: dict[str, Any] = {"edgecolor": look().muted, "lw": 0.2}
    image = axes.scatter(piece.x, piece.y, c=finite(values), s=size, cmap=cmap, norm=norm, **edge)
    axes.scatter(piece.x.values[gone], piece.y.values[gone], color=look().muted, **CROSS)
    axes.scatter(piece.x.values[never], piece.y.values[never], color=look().muted, **ARROW)
    for axis, scale in ((piece.x, axes.set_xscale), (piece.y, axes.set_yscale)):
        scale("log" if spaced_log(axis.values) else "linear")
    bar(axes, image, mark(piece.v))
    axes.set_xlabel(axis_label(piece.x))
    axes.set_ylabel(axis_label(piece.y))
    return _noted(axes, piece, piece.centre, sign="▲")
