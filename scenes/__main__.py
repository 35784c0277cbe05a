"""The `scenes` command: list films, render them, take stills."""

import sys
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import App, Group, Parameter

from sims import _discover
from sims._command import PLAIN, command, guarded, print_subjects, takes, told_version, writable

if TYPE_CHECKING:
    from scenes._film import Film
    from sims import Simulation

Quality = Annotated[
    Literal["draft", "medium", "high", "4k"],
    Parameter(help="draft 480p15, medium 720p30, high 1080p60, 4k 2160p60"),
]
Theme = Annotated[Literal["dark", "light"], Parameter(help="ground and colours")]


app = App(
    name="scenes",
    help="Films of learning, drawn from simulations and from nothing else.",
    version=lambda: told_version("scenes"),
    group_parameters=Group("Options"),
    **PLAIN,
)


@app.command(name="list", sort_key=1)
def list_() -> None:
    """Every film: name and question."""
    print_subjects("scenes")


@app.command(sort_key=2)
def render(name: str, /) -> None:
    """Render a film to renders/NAME/clip.mp4; `scenes render NAME --help` shows its parameters.

    Parameters
    ----------
    name
        as `scenes list` names it, or your own file: ./my_film.py
    """
    rendering(name)([])


@app.command(sort_key=3)
def still(name: str, /) -> None:
    """One frame of a film as PNG, or a contact sheet; `scenes still NAME --help` shows the options.

    Parameters
    ----------
    name
        as `scenes list` names it, or your own file: ./my_film.py
    """
    taking_a_still(name)([])


def rendering(name: str) -> App:
    """`scenes render NAME` with the parameters of the film's simulations as options."""
    kind, stem = film(name)

    def act(
        sims: dict[str, "Simulation"],
        /,
        *,
        quality: Quality = "medium",
        theme: Theme = "dark",
        output: Annotated[Path | None, Parameter(name=("--output", "-o"), metavar="FOLDER")] = None,
    ) -> None:
        draw(stem, kind, sims, quality, theme, output or Path("renders") / stem)

    return command(f"scenes render {name}", takes(kind.simulations(), act, kind.kept), kind.question)


def taking_a_still(name: str) -> App:
    """`scenes still NAME` likewise."""
    kind, stem = film(name)

    def act(
        sims: dict[str, "Simulation"],
        /,
        *,
        at: Annotated[
            float | None, Parameter(help="second of the film; a contact sheet unless given")
        ] = None,
        quality: Quality = "high",
        theme: Theme = "dark",
        output: Annotated[Path | None, Parameter(name=("--output", "-o"), metavar="FILE")] = None,
    ) -> None:
        take(stem, kind, sims, at, quality, theme, output)

    return command(f"scenes still {name}", takes(kind.simulations(), act, kind.kept), kind.question)


def film(name: str) -> tuple[type["Film"], str]:
    """The film and the name of its file."""
    from scenes._film import Film

    return _discover.find("scenes", name, Film), Path(name).stem


def draw(
    stem: str, kind: type["Film"], sims: dict[str, "Simulation"], quality: str, theme: str, folder: Path
) -> None:
    """Simulate, draw, encode, and say where the clip is and what was measured."""
    from scenes import _bundle, _render
    from scenes._encode import Clip
    from scenes._film import trajectory_of
    from sims._progress import progress

    folder.mkdir(parents=True, exist_ok=True)
    writable(folder / "clip.mp4", ".mp4")
    start = perf_counter()
    for name, sim in sims.items():
        with progress(name):
            trajectory_of(sim)
    size = _render.QUALITIES[quality]
    plan = _render.plan(kind, sims, size.fps)
    tags = {"title": kind.question, "comment": "; ".join(map(repr, sims.values()))}
    with Clip(folder / "clip.mp4", size.width, size.height, size.fps, tags) as clip:
        poster = _render.record(kind, sims, size, theme, plan, clip.write, label=stem)
    _bundle.write_beside(folder, kind, sims, plan, poster)
    took = perf_counter() - start
    print(f"{folder / 'clip.mp4'}  {plan.seconds:.1f} s, {size.width}×{size.height} at {size.fps} a second, ")
    print(f"drawn in {took:.0f} s ({plan.frames / took:.0f} frames a second)")
    for name, sim in sims.items():
        for what, value in sim.measure(trajectory_of(sim)).items():
            print(f"{name + ': ' + what:44} {value:.6g}")


def take(
    stem: str,
    kind: type["Film"],
    sims: dict[str, "Simulation"],
    at: float | None,
    quality: str,
    theme: str,
    output: Path | None,
) -> None:
    """One frame, or twelve of them as a sheet."""
    from scenes import _bundle, _render

    output = writable(output or Path(f"{stem}_sheet.png" if at is None else f"{stem}_{at:g}s.png"), ".png")
    size = _render.QUALITIES[quality]
    if at is None:
        size = _render.QUALITIES["medium"]
        moments = _render.plan(kind, sims, size.fps).moments(12)
        frames = _render.stills(kind, moments, sims, size, theme)
        picture = _bundle.contact_sheet(frames)
    else:
        picture = _render.stills(kind, [at], sims, size, theme)[0]
    print(_bundle.png(picture, output))


def main() -> None:
    match sys.argv[1:]:
        case ["render", name, *options] if not name.startswith("-"):
            guarded("scenes", lambda: rendering(name)(options))
        case ["still", name, *options] if not name.startswith("-"):
            guarded("scenes", lambda: taking_a_still(name)(options))
        case words:
            guarded("scenes", lambda: app(words))


if __name__ == "__main__":
    main()
