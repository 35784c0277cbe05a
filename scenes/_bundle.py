"""What stands beside a clip: poster, captions, chapters, transcript, the data behind every frame, provenance.

`provenance.json` holds all that a page, a deck, a gallery or a check has to know of a bundle; whatever is
made of a finished bundle reads `Bundle.read(folder)` and nothing else.
"""

import json
import shlex
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from math import isfinite
from pathlib import Path
from typing import Any

from scenes._captions import Cue, captions, chapters, cues, srt, transcript, vtt
from scenes._contrast import Contrast
from scenes._flashes import Flashing
from scenes._language import about, said, speaking
from scenes._pictures import webp
from scenes._pieces import Order
from scenes._render import ASPECTS, QUALITIES, Plan, size
from scenes._runs import trajectory_of
from scenes._sums import frames_kept
from sims import Simulation, save
from sims._command import Mistyped
from sims._file import write_whole
from sims._trajectory import digest, revision, versions

FORMAT = 1


class NoBundle(Mistyped):
    """A folder that holds no bundle, or one that cannot be read."""


@dataclass(frozen=True)
class Parameter:
    """A number that was chosen, and what it is; `own` where it is the film's own choice."""

    name: str
    value: Any
    meaning: str
    symbol: str
    unit: str
    own: bool


@dataclass(frozen=True)
class Simulated:
    """A simulation of the film: all that is needed to run it again, and what must come out."""

    simulation: str  # module:class
    parameters: tuple[Parameter, ...]
    measured: dict[str, float | None]
    trajectory: str  # file name
    sha256: str  # of what the trajectory holds: names, labels, numbers


@dataclass(frozen=True)
class Checks:
    """What was measured of the clip for those who see otherwise, by WCAG 2.2."""

    flashing: Flashing  # of every frame
    contrast: Contrast  # the lowest of any text


@dataclass(frozen=True)
class Bundle:
    """What a bundle tells of itself; words by language, the language of the picture first."""

    folder: Path
    film: str
    lang: str  # of what stands on the screen
    title: dict[str, str]  # the question
    about: dict[str, str]
    cues: dict[str, tuple[Cue, ...]]
    clip: str  # file name
    seconds: float
    frames: int
    fps: int
    width: int
    height: int
    theme: str
    simulations: dict[str, Simulated]
    encoder: dict[str, Any]
    command: str
    versions: dict[str, str]
    revision: str
    frames_sha256: str  # of the decoded frames
    voice: str = ""  # that speaks the captions; a clip is silent without
    checks: Checks | None = None  # where they were left out, or the clip has no frames that follow each other

    @classmethod
    def read(cls, folder: Path) -> "Bundle":
        """The bundle in a folder. Raises NoBundle."""
        path = folder / "provenance.json"
        try:
            told = json.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise NoBundle(f"{folder} holds no bundle: {error.strerror} for provenance.json") from None
        except (ValueError, RecursionError) as error:
            raise NoBundle(f"{path} is damaged: {error}") from None
        if not isinstance(told, dict) or told.pop("format", None) != FORMAT:
            raise NoBundle(f"{path} is not of a bundle of this version; render the film again")
        try:
            told["cues"] = {lang: tuple(Cue(**cue) for cue in each) for lang, each in told["cues"].items()}
            told["simulations"] = {
                name: Simulated(**sim | {"parameters": tuple(Parameter(**p) for p in sim["parameters"])})
                for name, sim in told["simulations"].items()
            }
            if found := told["checks"]:
                told["checks"] = Checks(Flashing(**found["flashing"]), Contrast(**found["contrast"]))
            return cls(folder=folder, **told)
        except (KeyError, TypeError, AttributeError) as error:
            raise NoBundle(f"{path} is not whole: {error}") from None

    def write(self) -> None:
        """Write provenance.json."""
        told = {"format": FORMAT, **asdict(self)}
        del told["folder"]
        write_whole(self.folder / "provenance.json", json.dumps(told, indent=1, ensure_ascii=False).encode())

    @property
    def languages(self) -> list[str]:
        """Those of captions and transcripts, that of the picture first."""
        return list(self.cues)


def describe(
    order: Order,
    folder: Path,
    clip: Path,
    plans: Mapping[str, Plan],
    part: tuple[str | float | None, str | float | None] = (None, None),
) -> Bundle:
    """The bundle of an order, from its plans in every language the film speaks."""
    plan, kind = plans[order.lang], order.kind
    title, meaning = {}, {}
    for lang in plans:
        with speaking(lang, kind):
            title[lang], meaning[lang] = said(kind.question), said(about(kind))
    declared = kind.simulations()
    simulations = {name: simulated(name, sim, declared[name]) for name, sim in order.simulations.items()}
    return Bundle(
        folder=folder,
        film=Path(order.name).stem,
        lang=order.lang,
        title=title,
        about=meaning,
        cues={lang: tuple(cues(each)) for lang, each in plans.items()},
        clip=clip.name,
        seconds=plan.seconds,
        frames=plan.frames,
        fps=plan.fps,
        width=order.quality.width,
        height=order.quality.height,
        theme=order.theme,
        simulations=simulations,
        encoder={"codec": order.form.codec, **order.form.settings(order.swift)},
        command=command(order, part),
        versions=versions(),
        revision=revision(),
        frames_sha256=frames_kept(clip),
    )


def simulated(name: str, sim: Simulation, declared: Simulation) -> Simulated:
    """A simulation as it was run, beside what the film declares."""
    run, own, fields = trajectory_of(sim), dict(declared), type(sim).model_fields
    chosen = json.loads(sim.model_dump_json())
    parameters = []
    for k, v in dict(sim).items():
        extra = fields[k].json_schema_extra or {}
        label = {"meaning": fields[k].description or "", "symbol": extra["symbol"], "unit": extra["unit"]}
        parameters.append(Parameter(k, chosen[k], **label, own=v == own[k]))
    return Simulated(
        simulation=f"{type(sim).__module__}:{type(sim).__qualname__}",
        parameters=tuple(parameters),
        measured={what: float(v) if isfinite(v) else None for what, v in sim.measure(run).items()},
        trajectory=f"{name}.nc",
        sha256=digest(run),
    )


def command(order: Order, part: tuple[str | float | None, str | float | None] = (None, None)) -> str:
    """What to type for this bundle: every parameter that is not the film's own, and how it is shown."""
    words = ["scenes", "render", order.name]
    declared = order.kind.simulations()
    for name, sim in order.simulations.items():
        own = dict(declared[name])
        words += [f"--{name}.{k}={v}" for k, v in dict(sim).items() if v != own[k]]
    shown = order.quality
    for quality in QUALITIES:
        for aspect in ASPECTS:
            if size(quality, aspect, shown.fps) == shown:
                words += [f"--quality={quality}", f"--fps={shown.fps}", f"--aspect={aspect}"]
    words += [f"--theme={order.theme}", f"--lang={order.lang}", f"--format={order.form.name}"]
    words += ["--transparent"] * order.form.alpha
    words += [f"--{end}={place}" for end, place in zip(("from", "to"), part) if place is not None]
    return shlex.join(words)


def write_beside(bundle: Bundle, order: Order, poster: bytes) -> None:
    """Write what stands beside a clip into its folder."""
    folder = bundle.folder
    write_whole(folder / "clip.png", poster)
    write_whole(folder / "clip.webp", webp(poster))
    for lang, spoken in bundle.cues.items():
        with speaking(lang, order.kind):
            text = transcript(bundle.title[lang], bundle.about[lang], spoken, bundle.voice)
        for name, content in {
            f"clip.{lang}.vtt": vtt(captions(spoken)),
            f"clip.{lang}.srt": srt(captions(spoken)),
            f"chapters.{lang}.vtt": vtt(chapters(spoken)),
            f"transcript.{lang}.md": text,
        }.items():
            write_whole(folder / name, content.encode())
    for name, sim in order.simulations.items():
        save(trajectory_of(sim), folder / f"{name}.nc")
    bundle.write()
