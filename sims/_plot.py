"""One figure for any trajectory or sweep: a panel for each variable, labels and units from the data.

A panel follows from the variable's dimensions alone. Of a run: what changes in time is a line, a family of
lines, or bands of quantiles where there are many; many phases are a map; what is a matrix at every time is
shown as it is at the end; what does not change is dots or a map. Of a sweep: `sims/_sweep_page.py`.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import xarray as xr
from matplotlib.axes import Axes

from sims._discover import UnknownName, nearest
from sims._file import write_whole
from sims._labels import about_mean, not_drawn
from sims._look import Style, dressed
from sims._page import Page, Panel, compose
from sims._panels import Draw, bands, kind_of, lead_of, lines, paths, phases, settled
from sims._portraits import pairs, portrait, swings_about, symbols_of, tree
from sims._swings import whole_turns

MOST_PANELS = 15
# what a system is shown, rather than what it is made of: its answers come before its weights
SHOWN_TO_IT = {"sample", "datum", "example", "trial", "sequence", "sentence", "token", "query", "key"}


def draw(data: xr.Dataset, path: Path, variables: Sequence[str] = (), style: Style = "journal") -> Path:
    """Write the figure as PNG, SVG or PDF, by the ending of `path`: the same data, the same bytes.

    Raises UnknownName for a variable that is not there or has nothing to draw, OSError as `write_whole`.
    """
    kind = path.suffix[1:].lower()
    return write_whole(path, figure(data, variables, style).written(kind, metadata(data, kind)))


def metadata(data: xr.Dataset, kind: str) -> dict[str, str | None]:
    """Where the figure came from, and no date."""
    about = f"{data.attrs['simulation']} {data.attrs['parameters']}"
    told: dict[str, dict[str, str | None]] = {
        "png": {"Description": about},
        "svg": {"Description": about, "Date": None},
        "pdf": {"Subject": about, "CreationDate": None},
    }
    return {"Title": str(data.attrs["title"]), **told[kind]}


def figure(data: xr.Dataset, variables: Sequence[str] = (), style: Style = "journal") -> Page:
    """The figure of a trajectory or a sweep, as matplotlib's: a notebook shows it, `savefig` writes it.

    Only the named variables, or as many as a page can hold. `theta:theta_dot` draws one variable against
    another, `h:tree` the states of a memory by which are near each other. `style` is "journal" (black on
    white), "film" or "film-light" (the films' colours on their ground).

    Raises UnknownName for a variable that is not there or has nothing to draw.
    """
    with dressed(style):
        if "over" in data.attrs:
            from sims import _sweep_page

            return _sweep_page.page(data, variables)
        return run_page(data, variables)


def run_page(trajectory: xr.Dataset, variables: Sequence[str]) -> Page:
    """The page of a single run, or of a batch."""
    pictures = [_picture(key, trajectory) for key in variables] or list(_all(trajectory))
    if not pictures:
        raise UnknownName("this trajectory has nothing to draw")
    shown, left = pictures[:MOST_PANELS], pictures[MOST_PANELS:]
    if variables:
        shown, left = pictures, []
    panels = [
        Panel(_title(picture, trajectory), partial(_draw, picture, trajectory=trajectory))
        for picture in shown
    ]
    heading = f"{str(trajectory.attrs['title']).rstrip('.')}  ·  {trajectory.attrs['simulation']}"
    foot = [not_drawn([picture.key for picture in left], trajectory, "run.nc")] if left else []
    return compose(panels, f"{heading}, seed {trajectory.attrs['seed']}", foot)


class Picture(NamedTuple):
    """What is typed for it, the variable it shows, and how."""

    key: str
    variable: str
    draw: Draw


def _draw(picture: Picture, axes: Axes, trajectory: xr.Dataset) -> int:
    return picture.draw(axes, trajectory[picture.variable], trajectory)


def _title(picture: Picture, trajectory: xr.Dataset) -> str:
    v = settled(trajectory[picture.variable])
    name = str(v.attrs["long_name"])
    if picture.draw is phases:
        return name.replace(", unwrapped", "")
    if picture.draw in (lines, bands) and whole_turns(v):
        return about_mean(name)
    return f"{name}, clustered" if picture.draw is tree else name


def _all(trajectory: xr.Dataset) -> Iterator[Picture]:
    """A picture for every variable that has one, and a tree of the states of a memory."""
    for name, how in drawable(trajectory).items():
        of = swings_about(trajectory, name)
        yield Picture(f"{of}:{name}", name, portrait(of)) if of else Picture(name, name, how)
        if name == "h" and symbols_of(trajectory[name], trajectory) is not None:
            yield Picture("h:tree", name, tree)


def _picture(key: str, trajectory: xr.Dataset) -> Picture:
    """The picture that is asked for by name; raises UnknownName where there is none."""
    known = drawable(trajectory)
    across, _, name = key.partition(":")
    if name == "tree" and across in known and symbols_of(trajectory[across], trajectory) is not None:
        return Picture(key, across, tree)
    if name and {name, across} <= known.keys() and pairs(trajectory[across], trajectory[name]):
        return Picture(key, name, portrait(across))
    if key in known:
        return Picture(key, key, known[key])
    there = "has nothing to draw" if key in trajectory.variables or name else "is not in this trajectory"
    raise UnknownName(f"{key} {there}: {nearest(name or key, list(known))}")


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
