"""A page of panels: all of one size, in rows that are as high as their words need."""

import io
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.transforms import ScaledTranslation, Transform, blended_transform_factory

from sims._labels import set_low
from sims._look import Look, look, wearing

# inches: how wide and high a panel is with what belongs to it, by the number of columns
CELL = {1: (4.8, 3.2), 2: (3.6, 2.4), 3: (2.4, 2.1)}
HEADING, TITLE, LABEL = 8.5, 7.5, 7.0


@dataclass(frozen=True)
class Panel:
    """A picture of a page. `draw` says how many lines of note stand under the title."""

    title: str
    draw: Callable[[Axes], int]
    begins: bool = False  # a row of its own
    joins: bool = False  # shares its vertical axis, and its colour bar, with the panel before


class Page(Figure):
    """A figure that shows itself in a notebook, whatever else is imported there."""

    def __init__(self, worn: Look, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.worn = worn

    def draw(self, renderer: Any) -> None:
        """Draw in the style the page was made in, whatever the present one is."""
        with wearing(self.worn):
            super().draw(renderer)

    def savefig(self, *args: Any, **kwargs: Any) -> None:
        """Write a file as matplotlib does, in the style the page was made in."""
        with wearing(self.worn):
            super().savefig(*args, **kwargs)

    def written(self, kind: str, metadata: dict[str, Any] | None = None) -> bytes:
        """The page as a PNG, SVG or PDF."""
        file = io.BytesIO()
        self.savefig(file, format=kind, metadata=metadata)
        return file.getvalue()

    def _repr_png_(self) -> tuple[bytes, dict[str, int]]:
        """Twice as fine as it is shown, for sharp screens."""
        across, up = (round(side * 100) for side in self.get_size_inches())
        return self.written("png"), {"width": across, "height": up}


def compose(panels: Sequence[Panel], heading: str, foot: Sequence[str] = (), columns: int = 0) -> Page:
    """The page with these panels under a heading, and with lines of small print at its foot."""
    columns = columns or (1 if len(panels) == 1 else 2 if len(panels) <= 8 else 3)
    rows = _rows(panels, columns)
    columns = max(map(len, rows))
    across, down = CELL[columns]
    page = Page(look(), figsize=(across * columns, down))
    grid: list[list[Axes]] = []
    first: Axes | None = None
    for row in rows:
        grid.append([])
        for column, panel in enumerate(row):
            place = (
                (across * column + 0.6) / (across * columns),
                0.2,
                (across - 1.15) / (across * columns),
                0.6,
            )
            axes = page.add_axes(place, label=f"{len(grid)}.{column}")
            if panel.joins and first:
                axes.sharey(first)
            first = axes if not panel.joins else first
            grid[-1].append(axes)
    notes = [[panel.draw(axes) for panel, axes in zip(row, line)] for row, line in zip(rows, grid)]
    for row, line in zip(rows, grid):
        _join(row, line)
    _lay_out(page, rows, grid, notes, heading_lines(heading, across * columns), list(foot))
    return page


def heading_lines(heading: str, width: float) -> list[str]:
    """The heading in lines, broken between what it is and how it was made."""
    most = round(width * 72 / (HEADING * 0.5))
    parts = [heading] if len(heading) <= most else heading.split("  ·  ")
    return [line for part in parts for line in textwrap.wrap(part, most)]


def balanced(text: str, share: Callable[[str], float]) -> str:
    """Words in as few lines as hold them, about as long; `share` is what a line takes of its room."""
    words = text.split(" ")
    if share(text) <= 1 or len(words) < 2:
        return text
    fewest = _filled(words, share, 1)
    # no line need be longer than some stretch of the words is
    count = len(words)
    stretches = {share(" ".join(words[i:j])) for i in range(count) for j in range(i + 1, count + 1)}
    limits = sorted(limit for limit in stretches if limit <= 1)
    for limit in limits:
        lines = _filled(words, share, limit)
        if len(lines) <= len(fewest) and max(map(share, lines)) <= limit:
            return "\n".join(lines)
    return "\n".join(fewest)


def _filled(words: Sequence[str], share: Callable[[str], float], room: float) -> list[str]:
    """Words in lines, each as full as may be."""
    lines: list[str] = []
    for word in words:
        if lines and share(f"{lines[-1]} {word}") <= room:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines


def _rows(panels: Sequence[Panel], columns: int) -> list[list[Panel]]:
    rows: list[list[Panel]] = []
    for panel in panels:
        if not rows or len(rows[-1]) == columns or panel.begins:
            rows.append([])
        rows[-1].append(panel)
    return rows


def _join(row: list[Panel], line: list[Axes]) -> None:
    """Neighbours that share an axis show its labels once, and one colour bar."""
    for panel, before, axes in zip(row[1:], line, line[1:]):
        if panel.joins:
            axes.set_ylabel("")
            axes.tick_params(labelleft=False)
            for bar in list(before.child_axes):
                bar.remove()


def _lay_out(
    page: Page,
    rows: list[list[Panel]],
    grid: list[list[Axes]],
    notes: list[list[int]],
    heading: list[str],
    foot: list[str],
) -> None:
    """Give every panel the same size, and its words the room they take."""
    columns, width = max(map(len, grid)), float(page.get_figwidth())
    ink = FigureCanvasAgg(page).get_renderer()  # type: ignore[no-untyped-call]
    high = CELL[columns][1] - 0.95
    for axes in (axes for line in grid for axes in line):
        axes.get_tightbbox(ink)  # by this its ticks are known, and so the powers of ten at their ends
        for axis, room in ((axes.xaxis, CELL[columns][0] - 0.95), (axes.yaxis, high)):
            _say_power(axis)
            # a symbol stays with its unit
            words = axis.get_label_text().replace(" (", "\u00a0(")
            parted = balanced(words, partial(_share, room, ink, LABEL))
            axis.set_label_text(parted.replace("\u00a0", " "))
    boxes = [[_sides(axes, ink) for axes in line] for line in grid]
    left = [max([0.22, *(b[i][0] + 0.16 for b in boxes if len(b) > i)]) for i in range(columns)]
    right = [max([0.14, *(b[i][1] + 0.06 for b in boxes if len(b) > i)]) for i in range(columns)]
    wide = (width - sum(left) - sum(right)) / columns
    starts = np.cumsum([0, *(a + wide + b for a, b in zip(left, right))])[:-1] + left
    for row, line, said in zip(rows, grid, notes):
        for i, (panel, axes, lines) in enumerate(zip(row, line, said)):
            # a title of several panels may reach over all of them
            alone = i + 1 == len(row) or row[i + 1].title
            room = wide + right[i] if alone else width - starts[i] - 0.1
            title = balanced(set_low(panel.title), partial(_share, room, ink, TITLE))
            last = _share(wide, ink, TITLE, title.rpartition("\n")[2])
            # where nothing stands between, a long title would run into what is said of the colour bar
            pad = 14 if not lines and axes.child_axes and last > 0.97 else 5 + 8 * lines + max(lines - 1, 0)
            axes.set_title(title, pad=pad)
    spans = [[_ends(axes, ink) for axes in line] for line in grid]
    tops, bottoms = (np.array([max(s[k] for s in line) for line in spans]) for k in (0, 1))
    small = [part for text in foot for part in textwrap.wrap(text, round(width * 23))]
    head, end = 0.22 + 0.145 * len(heading), 0.115 * len(small) + (0.2 if small else 0.06)
    height = head + float(np.sum(tops + high + bottoms)) + 0.22 * (len(grid) - 1) + end
    page.set_size_inches(width, height)
    y = height - head
    for line, top, bottom in zip(grid, tops, bottoms):
        y -= top + high
        for axes, x in zip(line, starts):
            axes.set_position((x / width, y / height, wide / width, high / height))
        y -= bottom + 0.22
    page.text(0.1, 1, "\n".join(heading), size=HEADING, va="top", transform=_inches(page, -0.1))
    if small:
        page.text(
            0.1, 0, "\n".join(small), size=6, color=look().muted, va="bottom", transform=_inches(page, 0.1)
        )


def _share(room: float, ink: Any, size: float, line: str) -> float:
    """How much of so many inches a line of words takes."""
    width, _, _ = ink.get_text_width_height_descent(line, FontProperties(size=size), "$" in line)
    return float(width) / float(ink.dpi) / room


def _sides(axes: Axes, ink: Any) -> tuple[float, float]:
    """Inches that the labels of a panel stand out at its left, and its colour bar at its right."""
    box, dpi = axes.get_window_extent(ink), axes.figure.dpi
    left = axes.yaxis.get_tightbbox(ink) or box
    right = [bar.get_tightbbox(ink) or box for bar in axes.child_axes]
    return max(box.x0 - left.x0, 0) / dpi, max([0.0, *(bar.x1 - box.x1 for bar in right)]) / dpi


def _ends(axes: Axes, ink: Any) -> tuple[float, float]:
    """Inches that the words of a panel stand out above and below it."""
    box, dpi = axes.get_window_extent(ink), axes.figure.dpi
    whole = axes.get_tightbbox(ink) or box
    return max(whole.y1 - box.y1, 0) / dpi, max(box.y0 - whole.y0, 0) / dpi


def _say_power(axis: Any) -> None:
    """Put the power of ten that stands for itself at an axis' end into its label: `E (10⁴ rad²/s)`."""
    power = axis.get_major_formatter().get_offset()
    if power:
        raised = power.replace("1e", "").translate(str.maketrans("0123456789-−", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁻"))
        said, unit, rest = axis.get_label_text().rpartition(" (")
        axis.set_label_text(f"{said} (10{raised} {rest}" if unit else f"{rest} (10{raised})")
        axis.get_offset_text().set_visible(False)


def _inches(page: Figure, up: float) -> Transform:
    """Left in inches, bottom in parts of the page, moved up by so many inches."""
    across = blended_transform_factory(page.dpi_scale_trans, page.transFigure)
    return across + ScaledTranslation(0, up, page.dpi_scale_trans)
