"""The `scenes` command: list films, render them, take stills."""

import sys
from itertools import takewhile
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import App, Group, Parameter
from cyclopts.validators import Number

from scenes._course_commands import bundle, embed, explore, gallery, serve, verify
from sims import _discover
from sims._command import PLAIN, Mistyped, command, guarded, print_subjects, takes, told_version, writable

if TYPE_CHECKING:
    from scenes._bundle import Bundle
    from scenes._film import Film
    from scenes._make import Made
    from scenes._pieces import Order
    from sims import Simulation

Quality = Annotated[
    Literal["draft", "medium", "high", "4k"],
    Parameter(help="draft 480p15, medium 720p30, high 1080p60, 4k 2160p60"),
]
Aspect = Annotated[
    Literal["16:9", "9:16", "1:1", "4:3"],
    Parameter(help="shape of the picture; the film keeps its own within it"),
]
Theme = Annotated[Literal["dark", "light"], Parameter(help="ground and colours")]
Lang = Annotated[
    str, Parameter(help="language of what is written and said, as NAME.LANG.po has it", metavar="LANG")
]


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
def render(*names: str, every: Annotated[bool, Parameter(name="--all", negative="")] = False) -> None:
    """Render films to renders/NAME/clip.mp4; `scenes render NAME --help` shows all options and parameters.

    Parameters
    ----------
    names
        as `scenes list` names them, or your own file: ./my_film.py
    every
        every film that `scenes list` knows
    """
    rendering(list(_discover.subjects("scenes")) if every else list(names))([])


@app.command(sort_key=3)
def still(name: str, /) -> None:
    """One frame of a film as PNG, or a contact sheet; `scenes still NAME --help` shows the options.

    Parameters
    ----------
    name
        as `scenes list` names it, or your own file: ./my_film.py
    """
    taking_a_still(name)([])


@app.command(sort_key=4)
def translate(name: str, lang: str, /) -> None:
    """Write the table of a film's words in another language, or complete the one there is.

    It lies beside the film, as NAME.LANG.po, for any program that translators
    use. What is on the screen, said and named is in it, in the film's order;
    what stays untranslated stays English. Then: scenes render NAME --lang LANG

    Parameters
    ----------
    name
        as `scenes list` names it, or your own file: ./my_film.py
    lang
        as web pages say it: de, fr, pt-BR
    """
    from scenes import _language

    kind, _ = film(name)
    path, entries, left = _language.translate(kind, lang)
    print(f"{path}  {entries} entries, {left} of them without words yet")


@app.command(sort_key=12)
def clear() -> None:
    """Forget what is cached: pieces of films, trajectories, outlines of text.

    It lies in the user's cache folder, or in LEARNING_DYNAMICS_CACHE, and takes
    at most 4 GB, or LEARNING_DYNAMICS_CACHE_GB; what was used longest ago goes
    by itself.
    """
    from scenes._store import Store

    store = Store()
    print(f"{store.clear() / 1e6:.1f} MB freed in {store.folder}")


for place, act in enumerate((bundle, embed, verify, gallery, explore, serve), 5):
    app.command(act, sort_key=place)


def rendering(names: list[str]) -> App:
    """`scenes render NAME…`, for a single film with the parameters of its simulations as options."""
    if not names:
        raise Mistyped("scenes render needs the name of a film, or --all; `scenes list` shows them")
    films = [film(name) for name in names]
    kind, _ = films[0]

    def act(
        sims: dict[str, "Simulation"],
        /,
        *,
        quality: Quality = "medium",
        fps: Annotated[
            int | None,
            Parameter(help="frames a second, if not the quality's", validator=Number(gte=1, lte=240)),
        ] = None,
        aspect: Aspect = "16:9",
        theme: Theme = "dark",
        lang: Lang = "en",
        form: Annotated[
            Literal["mp4", "webm", "gif", "png-sequence", "mov"] | None,
            Parameter(name="--format", help="mp4 unless given; webm if transparent", show_default=False),
        ] = None,
        transparent: Annotated[
            bool, Parameter(help="no ground: webm, mov, png-sequence", negative="")
        ] = False,
        from_: Annotated[
            str | None, Parameter(name="--from", help="second or beat to begin with", metavar="PLACE")
        ] = None,
        to: Annotated[str | None, Parameter(help="second or beat to end with", metavar="PLACE")] = None,
        jobs: Annotated[int, Parameter(help="processes that draw", validator=Number(gte=1, lte=256))] = 1,
        scheduler: Annotated[
            str | None, Parameter(help="draw on a Dask cluster: tcp://…", metavar="ADDRESS")
        ] = None,
        fresh: Annotated[
            bool, Parameter(help="simulate and draw again, whatever is cached", negative="")
        ] = False,
        without: Annotated[
            tuple[Literal["checks", "sections", "slides", "embed", "page", "all"], ...],
            Parameter(help="leave out; several times, or all", negative="", consume_multiple=False),
        ] = (),
        narrate: Annotated[
            str | None,
            Parameter(help="speak the captions: espeak-ng, or a Piper voice, NAME.onnx", metavar="VOICE"),
        ] = None,
        output: Annotated[Path | None, Parameter(name=("--output", "-o"), metavar="FOLDER")] = None,
    ) -> None:
        from scenes._formats import choose
        from scenes._language import tables
        from scenes._make import EXTRAS, furnish, make
        from scenes._pieces import order
        from scenes._render import size
        from sims._file import check_writable

        asked = size(quality, aspect, fps)
        chosen = choose(form or ("webm" if transparent else "mp4"), transparent)
        part = "" if from_ is to is None else f"_{from_ or 'start'}-{to or 'end'}".replace(" ", "_")
        for (each, name), typed in zip(films, names, strict=True):
            folder = output / name if output and len(films) > 1 else output
            folder = folder or Path("renders") / f"{name}{part}"
            tables(lang, each)
            folder.mkdir(parents=True, exist_ok=True)
            check_writable(folder / "clip")
            start = perf_counter()
            its = sims if len(films) == 1 else each.simulations()
            what = order(typed, each, its, asked, theme, chosen, quality == "draft", lang)
            made = make(what, folder, from_, to, jobs, scheduler, fresh, narrate)
            took = perf_counter() - start
            tell(made, what, furnish(made, what, EXTRAS if "all" in without else without), took)

    title = " ".join(names)
    if len(films) == 1:
        return command(f"scenes render {title}", takes(kind.simulations(), act, kind.kept), kind.question)
    return command(f"scenes render {title}", takes({}, act), f"Render {len(films)} films.")


def tell(made: "Made", order: "Order", bundle: "Bundle", took: float) -> None:
    """Say where a clip is, how it came to be, and what was measured in its simulations."""
    from scenes._film import trajectory_of

    size = order.quality
    print(f"{made.path}  {made.plan.seconds:.1f} s, {size.width}×{size.height} at {size.fps} a second")
    if made.drawn:
        print(
            f"{made.drawn} of {made.plan.frames} frames drawn, {made.plan.frames / took:.0f} a second in all"
        )
    else:
        print("every frame had been drawn before")
    if bundle.checks and not bundle.checks.flashing.passes:
        most = bundle.checks.flashing
        often = max(most.general, most.red)
        print(
            f"it flashes {often:g} times within the second before {most.second:.1f} s: more than 3 may harm"
        )
    if bundle.checks and not bundle.checks.contrast.passes:
        least = bundle.checks.contrast
        print(f"“{least.text}” at {least.second:.1f} s has a contrast of {least.ratio:.2f}: below 4.5")
    for name, sim in order.simulations.items():
        for what, value in sim.measure(trajectory_of(sim)).items():
            print(f"{name + ': ' + what:44} {value:.6g}")


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
        aspect: Aspect = "16:9",
        theme: Theme = "dark",
        lang: Lang = "en",
        output: Annotated[Path | None, Parameter(name=("--output", "-o"), metavar="FILE")] = None,
    ) -> None:
        take(stem, kind, sims, at, quality, aspect, theme, lang, output)

    return command(f"scenes still {name}", takes(kind.simulations(), act, kind.kept), kind.question)


def film(name: str) -> tuple[type["Film"], str]:
    """The film and the name of its file."""
    from scenes._film import Film

    return _discover.find("scenes", name, Film), Path(name).stem


def take(
    stem: str,
    kind: type["Film"],
    sims: dict[str, "Simulation"],
    at: float | None,
    quality: str,
    aspect: str,
    theme: str,
    lang: str,
    output: Path | None,
) -> None:
    """One frame, or twelve of them as a sheet."""
    from scenes import _pictures, _render

    output = writable(output or Path(f"{stem}_sheet.png" if at is None else f"{stem}_{at:g}s.png"), ".png")
    size = _render.size("medium" if at is None else quality, aspect)
    if at is None:
        moments = _render.plan(kind, sims, size.fps).moments(12)
        frames = _render.stills(kind, moments, sims, size, theme, lang=lang)
        picture = _pictures.contact_sheet(frames)
    else:
        picture = _render.stills(kind, [at], sims, size, theme, lang=lang)[0]
    print(_pictures.png(picture, output))


def main() -> None:
    match sys.argv[1:]:
        case ["render", name, *rest] if not name.startswith("-"):
            more = list(takewhile(lambda word: not word.startswith("-"), rest))
            guarded("scenes", lambda: rendering([name, *more])(rest[len(more) :]))
        case ["render", "--all", *options]:
            guarded("scenes", lambda: rendering(list(_discover.subjects("scenes")))(options))
        case ["still", name, *options] if not name.startswith("-"):
            guarded("scenes", lambda: taking_a_still(name)(options))
        case words:
            guarded("scenes", lambda: app(words))


if __name__ == "__main__":
    main()
