"""The `sims` command: list, show, run, sweep and plot simulations of learning."""

import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import App, Group, Parameter

from sims import _discover
from sims._command import (
    PLAIN,
    Mistyped,
    command,
    guarded,
    print_subjects,
    takes,
    tell,
    told_version,
    verdict,
    writable,
)

if TYPE_CHECKING:
    from sims._simulation import Simulation

Output = Parameter(name=("--output", "-o"), metavar="FILE")
Style = Literal["journal", "film", "film-light"]


app = App(
    name="sims",
    help="Simulations of learning: parameters in, labelled trajectories out.",
    version=lambda: told_version("sims"),
    group_parameters=Group("Options"),
    **PLAIN,
)


@app.command(name="list", sort_key=1)
def list_() -> None:
    """Every simulation: name and one line."""
    print_subjects("sims")


@app.command(sort_key=2)
def show(name: str, /) -> None:
    """Equation, parameters, recorded variables and references of a simulation.

    Parameters
    ----------
    name
        as `sims list` names it, or your own file: ./my_sim.py
    """
    from rich.console import Console

    from sims import _show
    from sims._simulation import Simulation

    _show.show(_discover.find("sims", name, Simulation), Console(soft_wrap=False))


@app.command(sort_key=3, usage="Usage: sims run NAME [OPTIONS]")
def run(name: str, /) -> None:
    """Run a simulation and save its trajectory; `sims run NAME --help` shows its parameters.

    sims run kuramoto --K 3 --n 200 -o strong.nc

    Parameters
    ----------
    name
        as `sims list` names it, or your own file: ./my_sim.py
    """
    running(name)([])


def running(name: str) -> App:
    """`sims run NAME` with the parameters of that simulation as its options."""
    from sims._simulation import Simulation

    kind = _discover.find("sims", name, Simulation)
    path = Path(sys.modules[kind.__module__].__file__ or name)

    subject = path.stem
    where = Parameter(help=f"the trajectory as NetCDF; {subject}.nc in this folder unless given")

    def simulate(
        sims: dict[str, Simulation], /, *, output: Annotated[Path | None, Output, where] = None
    ) -> None:
        compute(subject, sims[subject], output or Path(f"{subject}.nc"))

    return command(f"sims run {name}", takes({subject: kind()}, simulate), _discover.headline(path))


def compute(name: str, sim: "Simulation", output: Path) -> None:
    """Run, save, and say what was measured and what to do next."""
    import numpy as np

    from sims._file import save
    from sims._progress import progress

    writable(output, ".nc")
    start = perf_counter()
    # a run that overflows is told of once, by Diverged
    with progress(name), np.errstate(all="ignore"):
        trajectory = sim.run()
    took = perf_counter() - start
    save(trajectory, output)
    measured = {what: f"{value:.6g}" for what, value in sim.measure(trajectory).items()}
    told = measured | {
        "computed in": f"{took:.1f} s",
        "saved": f"{output} ({output.stat().st_size / 1e6:.2f} MB)",
        "look at it": f"sims plot {shlex.quote(str(output))}",
        "load it": f"sims.load({str(output)!r})",
    }
    tell(told)


@app.command(sort_key=4, usage="Usage: sims sweep NAME [OPTIONS]")
def sweep(name: str, /) -> None:
    """Run a simulation for many values of its parameters; `sims sweep NAME --help` shows how to say which.

    sims sweep kuramoto --over K=0:4:41 --over seed=0:8 -o transition.nc
    sims sweep backprop --random 100 eta=0.01:10:log --record loss@end

    Parameters
    ----------
    name
        as `sims list` names it, or your own file: ./my_sim.py
    """
    sweeping(name)([])


def sweeping(name: str) -> App:
    """`sims sweep NAME` with the parameters of that simulation as its options."""
    from sims import _sweep_command as words
    from sims._simulation import Simulation

    kind = _discover.find("sims", name, Simulation)
    path = Path(sys.modules[kind.__module__].__file__ or name)
    subject = path.stem
    where = Parameter(help=f"a .nc or .zarr; {subject}_sweep.nc in this folder unless given")

    def simulate(
        sims: dict[str, Simulation],
        /,
        *,
        over: words.Grid = (),
        random: words.Drawn = (),
        latin: words.Spread = (),
        record: words.Recorded = (),
        output: Annotated[Path | None, Output, where] = None,
        resume: words.Resume = False,
        retry_failed: words.RetryFailed = False,
        jobs: words.Jobs = 1,
        scheduler: words.Scheduler = None,
        dry_run: words.DryRun = False,
    ) -> None:
        from sims._sweep import check_output, design

        wanted = design(sims[subject], words.over_in_words(sims[subject], over, random, latin), record)
        file = output or Path(f"{subject}_sweep.nc")
        if not (resume or retry_failed):
            check_output(file, dry_run)
        if dry_run:
            words.foretold(wanted, file, jobs)
        else:
            words.swept(wanted, file, resume, retry_failed, jobs, scheduler)

    about = f"Sweep: {_discover.headline(path)}"
    return command(f"sims sweep {name}", takes({subject: kind()}, simulate), about)


@app.command(sort_key=5)
def plot(
    run: Path, /, *variables: str, style: Style = "journal", output: Annotated[Path | None, Output] = None
) -> None:
    """Draw a trajectory or a sweep, or only some of its variables, with labels and units.

    Parameters
    ----------
    run
        a trajectory or a sweep, as `sims run` and `sims sweep` write them
    variables
        draw only these; theta:theta_dot draws one over another, h:tree clusters the states of a memory
    style
        plain for a journal, or in the colours of the films on their dark or light ground
    output
        PNG, SVG or PDF by its ending; beside the trajectory unless given
    """
    from sims import _plot
    from sims._file import load

    figure = writable(output or run.with_suffix(".png"), ".png", ".svg", ".pdf")
    print(_plot.draw(load(run), figure, variables, style))


@app.command(sort_key=6)
def compare(
    a: Path, b: Path, /, *, style: Style = "journal", output: Annotated[Path | None, Output] = None
) -> None:
    """Say whether two trajectories or two sweeps are the same, and if not, what differs and by how much.

    Ends with 0 where they are the same, whatever version computed them, 1 where
    they differ, 2 where something went wrong.

    Parameters
    ----------
    a
        a trajectory or a sweep
    b
        another
    style
        of the figure: plain for a journal, or in the colours of the films
    output
        draw both over each other as PNG, SVG or PDF
    """
    from sims._compare import compare as compared
    from sims._file import load

    with troubled():
        figure = writable(output, ".png", ".svg", ".pdf") if output else None
        one, other = load(a), load(b)
        found = compared(one, other)
        names = (a.name, b.name) if a.name != b.name else (str(a), str(b))
        print("\n".join(found.lines(*names)))
        if figure:
            from sims import _compare_page

            print(f"\n{_compare_page.draw(one, other, found, figure, names, style)}")
        sys.stdout.flush()
    sys.exit(0 if found.same else 1)


@app.command(sort_key=7)
def export(
    run: Path,
    /,
    *variables: str,
    to: Literal["csv", "parquet", "json", "npz"],
    output: Annotated[Path | None, Output] = None,
) -> None:
    """Write a trajectory or a sweep, or only some of its variables, in a form that other tools read.

    csv and parquet are tidy tables: variables along the same dimensions are the
    columns of one, each row a place along them. One table is run.csv, several are
    run.time.csv, run.time.oscillator.csv, …; run.labels.json tells what each column
    is. json is what xarray.Dataset.from_dict reads, npz what numpy.load does.

    Parameters
    ----------
    run
        a trajectory or a sweep
    variables
        write only these, with their coordinates
    to
        the form
    output
        the file, or the name that several have in common; beside the trajectory unless given
    """
    from sims import _export
    from sims._file import load

    file = writable(output or run.with_suffix(f".{to}"), f".{to}")
    for written in _export.export(load(run), file, to, variables):
        print(written)


@contextmanager
def troubled() -> Iterator[None]:
    """What goes wrong within ends the command with 2, as 1 says that two files differ."""
    try:
        yield
    except BrokenPipeError:
        raise
    except (OSError, MemoryError) as error:
        raise Mistyped(verdict(error)[1]) from None


def main() -> None:
    match sys.argv[1:]:
        case ["run", name, *options] if not name.startswith("-"):
            guarded("sims", lambda: running(name)(options))
        case ["sweep", name, *options] if not name.startswith("-"):
            guarded("sims", lambda: sweeping(name)(options))
        case words:
            guarded("sims", lambda: app(words))


if __name__ == "__main__":
    main()
