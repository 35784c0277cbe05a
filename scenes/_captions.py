"""What is said in a film, with its times: captions (WebVTT, SRT), chapters, and a transcript."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from scenes._language import said
from scenes._render import Plan

VTT = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


@dataclass(frozen=True)
class Cue:
    """A beat with the second it begins and the second it ends, which is that where the next one begins.

    A caption that is spoken is there from second `comes` to second `goes`; any other fills its beat.
    """

    start: float
    end: float
    name: str
    caption: str
    comes: float | None = None
    goes: float | None = None


def cues(plan: Plan) -> list[Cue]:
    """One for each beat."""
    starts = [beat.frame / plan.fps for beat in plan.beats]
    ends = [*starts[1:], plan.seconds]
    return [Cue(a, b, beat.name, beat.caption) for a, b, beat in zip(starts, ends, plan.beats, strict=True)]


def vtt(times: Iterable[tuple[float, float, str]]) -> str:
    """Lines of text with their begin and end as WebVTT."""
    blocks = [f"{clock(a)} --> {clock(b)}\n{text.translate(VTT)}\n" for a, b, text in times]
    return "\n".join(["WEBVTT\n", *blocks])


def srt(times: Iterable[tuple[float, float, str]]) -> str:
    """The same as SubRip."""
    stamped = ((clock(a).replace(".", ","), clock(b).replace(".", ","), text) for a, b, text in times)
    return "\n".join(f"{i}\n{a} --> {b}\n{text}\n" for i, (a, b, text) in enumerate(stamped, 1))


def captions(spoken: Sequence[Cue]) -> list[tuple[float, float, str]]:
    """What is said, and when."""
    return [
        (
            cue.start if cue.comes is None else cue.comes,
            cue.end if cue.goes is None else cue.goes,
            cue.caption,
        )
        for cue in spoken
    ]


def chapters(spoken: Sequence[Cue]) -> list[tuple[float, float, str]]:
    """What the beats are called, and when they are."""
    return [(cue.start, cue.end, cue.name) for cue in spoken]


def transcript(question: str, about: str, spoken: Sequence[Cue], voice: str = "") -> str:
    """Question and words as Markdown, for whoever does not see the film; `voice` where it is narrated."""
    sound = (
        # a version's point is none of a number
        f"{said('The captions are spoken, in the language on the screen, by a synthetic voice:')} {voice}."
        if voice
        else said("The film has no sound.")
    )
    lines = [f"- {minutes(cue.start)} **{cue.name}**: {cue.caption}" for cue in spoken]
    return "\n".join([f"# {question}\n", f"{about}\n", f"{sound}\n", *lines, ""])


def clock(seconds: float) -> str:
    """00:01:02.345"""
    ms = round(seconds * 1000)
    return f"{ms // 3_600_000:02d}:{ms // 60_000 % 60:02d}:{ms // 1000 % 60:02d}.{ms % 1000:03d}"


def minutes(seconds: float) -> str:
    """1:02"""
    return f"{int(seconds // 60)}:{int(seconds % 60):02d}"
