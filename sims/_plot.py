"""One figure for any trajectory: a panel for each variable, labels and units from the data.

A panel follows from the variable's dimensions alone. What changes in time is a line, a family of lines, or
bands of quantiles where there are many; many phases are a map; what is a matrix at every time is shown as it
is at the end; what does not change is dots or a map.
"""

import io
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import xarray as xr
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.transforms import ScaledTranslation, Transform, blended_transform_factory

from sims._discover import UnknownName, nearest
from sims._panels import CYCLE, INK, MUTED, Draw, kind_of, lead_of, paths, settled
from sims._trajectory import write_whole

MOST_PANELS = 15
# what a system is shown, rather than what it is made of: its answers come before its weights
SHOWN_TO_IT = {"sample", "datum", "example", "trial", "sequence", "sentence", "token", "query", "key"}

STYLE: dict[Any, Any] = {
    "font.family": ["Inter", "DejaVu Sans"],
    "font.size": 7,
    "axes.titlesize": 7.5,
    "axes.titlelocation": "left",
    "axes.labelsize": 7,
    "axes.labelcolor": MUTED,
    "axes.edgecolor": MUTED,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.prop_cycle": cycler(color=CYCLE),
    "axes.formatter.useoffset": False,
    "axes.formatter.limits": (-3, 4),
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "xtick.minor.visible": False,
    "ytick.minor.visible": False,
    "text.color": INK,
    "lines.linewidth": 1.0,
    "figure.dpi": 200,
    "savefig.dpi": 200,
    "svg.hashsalt": "sims",
}


def draw(trajectory: xr.Dataset, path: Path, variables: Sequence[str] = ()) -> Path:
    """Write the figure as PNG, SVG or PDF, by the ending of `path`: the same trajectory, the same bytes.

    Raises UnknownName for a variable that is not there or has nothing to draw, OSError as `write_whole`.
    """
    import fontpkg  # type: ignore[import-untyped]
    from matplotlib import font_manager

    font_manager.fontManager.addfont(fontpkg.path("inter"))
    page, kind = io.BytesIO(), path.suffix[1:].lower()
    with mpl.rc_context(STYLE):
        figure(trajectory, variables).savefig(page, format=kind, metadata=_metadata(trajectory, kind))
    return write_whole(path, page.getvalue())


def _metadata(trajectory: xr.Dataset, kind: str) -> dict[str, str | None]:
    """Where the figure came from, and no date."""
    about = f"{trajectory.attrs['simulation']} {trajectory.attrs['parameters']}"
    told: dict[str, dict[str, str | None]] = {
        "png": {"Description": about},
        "svg": {"Description": about, "Date": None},
        "pdf": {"Subject": about, "CreationDate": None},
    }
    return {"Title": str(trajectory.attrs["title"]), **told[kind]}


def figure(trajectory: xr.Dataset, variables: Sequence[str] = ()) -> Figure:
    """The figure itself: the named variables, or the first of `drawable`."""
    known = drawable(trajectory)
    for name in variables:
        if name not in known:
            there = "has nothing to draw" if name in trajectory.variables else "is not in this trajectory"
            raise UnknownName(f"{name} {there}: {nearest(name, list(known))}")
    shown = list(variables) or list(known)[:MOST_PANELS]
    if not shown:
        raise UnknownName("this trajectory has nothing to draw")
    columns = 1 if len(shown) == 1 else 2 if len(shown) <= 8 else 3
    page, grid = _page(len(shown), columns)
    heading = f"{str(trajectory.attrs['title']).rstrip('.')}  ·  {trajectory.attrs['simulation']}"
    page.text(0.1, 1, f"{heading}, seed {trajectory.attrs['seed']}", size=8.5, transform=_inches(page, -0.28))
    for name, axes in zip(shown, grid):
        v = trajectory[name]
        note = known[name](axes, v, trajectory)
        title = textwrap.wrap(v.attrs["long_name"], 100 // columns, max_lines=2, placeholder=" …")
        axes.set_title("\n".join(title), pad=13 if note else 5)
    left = [name for name in known if name not in shown]
    if left and not variables:
        rest = f"not drawn: {', '.join(left)}; to draw one, name it: sims plot run.nc {left[0]}"
        page.text(0.1, 0, textwrap.fill(rest, 150), size=6, color=MUTED, transform=_inches(page, 0.1))
    return page


def _page(panels: int, columns: int) -> tuple[Figure, list[Axes]]:
    """A page with that many panels in a grid, all of one size, measured in inches."""
    across, down = {1: (4.8, 3.2), 2: (3.6, 2.4), 3: (2.4, 2.1)}[columns]
    width, height = across * columns, down * -(-panels // columns) + 0.65
    page = Figure(figsize=(width, height))
    axes = []
    for row, column in (divmod(i, columns) for i in range(panels)):
        corner = (across * column + 0.6) / width, (height - 0.3 - down * (row + 1) + 0.45) / height
        axes.append(page.add_axes((*corner, (across - 1.15) / width, (down - 0.95) / height)))
    return page, axes


def _inches(page: Figure, up: float) -> Transform:
    """Left in inches, bottom in parts of the page, moved up by so many inches."""
    across = blended_transform_factory(page.dpi_scale_trans, page.transFigure)
    return across + ScaledTranslation(0, up, page.dpi_scale_trans)


def drawable(trajectory: xr.Dataset) -> dict[str, Draw]:
    """How each variable is drawn that can be: what changes first, single lines first of that."""

    def rank(name: str) -> tuple[bool, bool, int]:
        v = settled(trajectory[name])
        made_of = v.ndim > 1 and not SHOWN_TO_IT.intersection(map(str, v.dims))
        return lead_of(v) is None, made_of, v.ndim

    on_paths = {str(name) for v in trajectory.data_vars.values() for name in paths(v, trajectory)}
    kinds = {str(name): kind_of(v) for name, v in trajectory.data_vars.items()}
    marked = {name for name in on_paths if not lead_of(trajectory[name])}
    found = {name: kind for name, kind in kinds.items() if kind and name not in marked}
    return {name: found[name] for name in sorted(found, key=rank)}
