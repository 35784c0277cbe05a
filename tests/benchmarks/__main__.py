"""`make bench`: times everything by turns and prints what came out."""

import sys
import tempfile
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter
from cyclopts.validators import Number

from sims._command import command, guarded, writable

ABOUT = """Time films, scenes and simulations by turns with a peer or a floor.

Films and scenes are drawn at 1080p60. The four films are held against Manim's
own renderer and encoder; the three reference scenes, made of our parts, against
the same pictures made as Manim's manual would; both against encoding alone.
Simulations are held against numpy and scipy, or against themselves one seed
after another; oscillators and learners also against jaxkuramoto, xgi and
PyTorch, where these are installed; sweeps against their runs alone. All of it
takes some thirty minutes; after Ctrl-C what was measured so far is told.

What there is to draw changes from beat to beat: a film's slices give its ratios
within some 15 %, --whole gives them as they are.

make bench ARGS="--only films --whole" passes options on.
"""


def bench(
    *,
    only: Annotated[
        Literal["reference", "films", "simulations", "oscillators", "learners", "sweeps"] | None,
        Parameter(help="one part of it"),
    ] = None,
    whole: Annotated[
        bool, Parameter(help="films whole, for figures to rely on: ten minutes each", negative="")
    ] = False,
    slices: Annotated[
        int, Parameter(help="or so many slices of each", validator=Number(gte=1, lte=1000))
    ] = 24,
    frames: Annotated[int, Parameter(help="of so many frames", validator=Number(gte=1, lte=300))] = 60,
    quick: Annotated[
        bool, Parameter(help="a glance: 2 slices of 10 frames, too few to judge by", negative="")
    ] = False,
    output: Annotated[
        Path | None, Parameter(name=("--output", "-o"), metavar="FILE", help="the same as JSON, too")
    ] = None,
) -> None:
    """Measure, printing line by line."""
    if output:
        writable(output, ".json")
    # only now, so that help and mistakes are told at once
    from benchmarks.films import films, references
    from benchmarks.learners import learners
    from benchmarks.measure import Group, Report, measure
    from benchmarks.oscillators import oscillators
    from benchmarks.simulations import simulations
    from benchmarks.sweeps import sweeps
    from sims._file import write_whole

    if quick:
        slices, frames = 2, 10
    with tempfile.TemporaryDirectory(prefix="learning-dynamics-") as folder:
        groups: list[Group] = []
        if only in (None, "reference"):
            groups += references(quick, Path(folder))
        if only in (None, "films"):
            groups += films(None if whole else slices, frames, Path(folder))
        if only in (None, "simulations"):
            groups += simulations(quick)
        if only in (None, "oscillators"):
            groups += oscillators(quick)
        if only in (None, "learners"):
            groups += learners(quick)
        if only in (None, "sweeps"):
            groups += sweeps(quick)
        report = Report(groups, frames)
        print(report.head(), flush=True)
        try:
            measure(groups, report.add)
        finally:
            print(report.foot(), flush=True)
            if output and report.rows:
                write_whole(output, report.to_json().encode())


def main() -> None:
    guarded("bench", lambda: command("make bench", bench, ABOUT)(sys.argv[1:]))


if __name__ == "__main__":
    main()
