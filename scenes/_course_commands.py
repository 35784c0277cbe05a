"""The `scenes` commands for what was rendered: look into it, show it, check it, pass it on."""

import sys
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter
from cyclopts.validators import Number

from sims._command import Mistyped


def bundle(clip: str, /, *, pack: Annotated[bool, Parameter(name="--zip", negative="")] = False) -> None:
    """List what a rendered film's folder holds, or pack it into one file beside it.

    Parameters
    ----------
    clip
        a folder such as renders/metronomes, or the name of one in renders
    pack
        pack it: the same bytes whenever and wherever
    """
    from scenes import _sums

    folder = rendered(clip)
    if pack:
        path = _sums.pack(folder)
        print(f"{path}  {path.stat().st_size / 1e6:.1f} MB")
        return
    for name in _sums.files(folder):
        print(f"{(folder / name).stat().st_size / 1e3:10,.0f} kB  {name}")


def embed(
    clip: str,
    /,
    *,
    target: Annotated[
        Literal["html", "moodle", "canvas", "quarto", "myst", "reveal", "jupyter", "beamer"],
        Parameter(name="--for"),
    ] = "html",
    at: str = "",
) -> None:
    """Print what shows a rendered film in a page, a deck or a course.

    Parameters
    ----------
    clip
        a folder such as renders/metronomes, or the name of one in renders
    target
        where it is to be shown
    at
        where the bundle will lie, as the page sees it: films/metronomes, https://…
    """
    from scenes import _embed
    from scenes._bundle import Bundle

    folder = rendered(clip)
    print(_embed.snippet(Bundle.read(folder), target, at or folder.as_posix()))


def verify(clip: str, /, *, film: Path | None = None) -> None:
    """Check a rendered film: its files, its simulations run again, its frames; ends with 1 if any differs.

    Parameters
    ----------
    clip
        a folder such as renders/metronomes, or the name of one in renders
    film
        your own file, if it was made from one: ./my_film.py
    """
    from scenes import _verify

    findings = []
    for finding in _verify.verify(rendered(clip), film):
        findings.append(finding)
        print(finding, flush=True)
    if not all(finding.right for finding in findings):
        sys.exit(1)


def gallery(folder: Path = Path("renders"), /, *, lang: str = "en") -> None:
    """Write a page of all clips in a folder: to search, filter, read and play, without a network.

    Parameters
    ----------
    folder
        where the rendered films lie
    lang
        language of the page's own words
    """
    from scenes import _gallery
    from scenes._language import speaking

    with speaking(lang):
        print(_gallery.write(folder))


def explore(
    name: Literal["metronomes", "gradient_descent", "two_banks", "gru"],
    /,
    *,
    output: Annotated[Path | None, Parameter(name=("--output", "-o"), metavar="FOLDER")] = None,
) -> None:
    """Write a page on which readers move a parameter themselves, over runs computed beforehand.

    explore.html works by itself, without a server or a network; explore.mjs is
    the same as a module, for pages, MyST ({anywidget}) and Jupyter.

    Parameters
    ----------
    name
        what is to be explored
    output
        renders/explore_NAME unless given
    """
    from scenes import _explore

    folder = output or Path("renders") / f"explore_{name}"
    _explore.write(name, folder)
    for file in ("explore.html", "explore.mjs"):
        print(f"{folder / file}  {(folder / file).stat().st_size / 1e3:.0f} kB")


def serve(
    folder: Path = Path("renders"),
    /,
    *,
    port: Annotated[int, Parameter(validator=Number(gte=0, lte=65535))] = 8000,
) -> None:
    """Show a folder on this machine in a browser until Ctrl-C; pages reload when a clip changes.

    Parameters
    ----------
    folder
        where the rendered films lie
    port
        of the address; 0 takes any that is free
    """
    from scenes import _serve

    # at once, also where another program reads it
    _serve.serve(folder, port, lambda line: print(line, flush=True))


def rendered(clip: str) -> Path:
    """The folder of a bundle: as it was typed, or of that name in `renders`."""
    for folder in (Path(clip), Path("renders") / clip):
        if (folder / "provenance.json").is_file():
            return folder
    raise Mistyped(f"neither {clip} nor renders/{clip} holds a bundle; `scenes render {clip}` makes one")
