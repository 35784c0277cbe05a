"""From an order to a clip in its folder: what is missing is drawn, all is joined, the rest laid beside."""

import json
import sys
from collections.abc import Callable, Container, Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from pathlib import Path

from tqdm import tqdm

from scenes import _render
from scenes._bundle import Bundle, Checks, describe, write_beside
from scenes._captions import chapters, cues
from scenes._contrast import Contrast, lowest
from scenes._film import trajectory_of
from scenes._flashes import Flashing, flashing
from scenes._join import DamagedPiece, join
from scenes._language import languages
from scenes._pictures import png
from scenes._pieces import Order, Span, Workshop, draw, spans_of, spread
from scenes._render import NoSuchFrame, Plan
from scenes._runs import afresh
from scenes._store import Store, key, remove
from scenes._sums import seal
from sims._command import Mistyped
from sims._progress import progress
from sims._trajectory import digest, revision, versions


@dataclass(frozen=True)
class Made:
    """A clip as it was made: where, how long, and how many of its frames had to be drawn."""

    path: Path
    plan: Plan
    drawn: int
    bundle: Bundle


def make(
    order: Order,
    folder: Path,
    first: str | float | None = None,
    last: str | float | None = None,
    jobs: int = 1,
    scheduler: str | None = None,
    fresh: bool = False,
    narrate: str | None = None,
) -> Made:
    """Make the clip of an order, or of the part from `first` to `last`: seconds, or the name of a beat.

    Pieces that were drawn before, and trajectories that were run, are taken as they are unless `fresh`; the
    others are drawn by so many jobs, or by the workers of a Dask scheduler. Whatever ends this early leaves
    finished pieces to the next call. `narrate` is the voice that speaks the captions, see `scenes._narrate`:
    beats that are too short for their words are told before anything is drawn.
    """
    if scheduler and order.form.folder:
        raise Mistyped(
            "pictures are drawn on this machine: leave out --scheduler, or choose another --format"
        )
    workshop, simulations = Workshop(order), order.simulations
    with afresh() if fresh else nullcontext():
        for name, sim in simulations.items():
            with progress(name):
                trajectory_of(sim)
        whole = workshop.plan(fresh)
    start, stop = frames_between(whole, first, last)
    spans = spans_of(whole, start, stop)
    if fresh:
        workshop.forget(spans)
    best, poster = telling_frame(whole, start, stop), workshop.poster((start, stop))
    clip = folder / f"clip{order.form.suffix or '.frames'}"
    part = between(whole, start, stop)
    if narrate:
        from scenes import _narrate

        voice = _narrate.choose(narrate, order.lang, order.form.suffix)
        spoken = _narrate.speak(cues(part), voice)
    drawn = 0
    for missing in join_what_is_drawn(workshop, whole, (start, stop), clip):
        drawn += sum(b - a for a, b in missing)
        with reporting(order, whole, spans, missing) as report:
            work = order, missing, workshop.piece, (best, poster), report
            if scheduler:
                from scenes._cluster import spread_over

                spread_over(scheduler, fresh, *work)
            elif jobs > 1:
                spread(jobs, *work)
            else:
                draw(*work)
    if narrate:
        _narrate.lay(clip, spoken)
    if not poster.exists():
        look = order.quality, order.theme, order.form.alpha, order.lang
        picture = _render.stills(order.kind, [best / whole.fps], simulations, *look)[0]
        png(picture, poster)
    plans = {order.lang: part}
    for lang in languages(order.kind):
        plans.setdefault(lang, between(workshop.plan(fresh, lang), start, stop))
    bundle = describe(order, folder, clip, plans, (first, last))
    if narrate:
        bundle = _narrate.told(bundle, spoken, voice, narrate)
    write_beside(bundle, order, poster.read_bytes())
    return Made(clip, part, drawn, bundle)


def join_what_is_drawn(workshop: Workshop, whole: Plan, part: Span, clip: Path) -> Iterator[list[Span]]:
    """Give what is missing of a part, to be drawn, until all of it is there and joined to a clip.

    A piece that proves damaged is given again, once.
    """
    spans, order, mended = spans_of(whole, *part), workshop.order, set[Path]()
    while True:
        if missing := workshop.missing(spans):
            yield missing
        try:
            join(
                [workshop.piece(span) for span in spans],
                clip,
                order.form,
                order.quality.fps,
                frames=[b - a for a, b in spans],
                tags=tags(order),
                chapters=chapters(cues(between(whole, *part))),
            )
            return
        except DamagedPiece as damaged:
            if damaged.piece in mended:
                raise
            mended.add(damaged.piece)
            workshop.forget(span for span in spans if workshop.piece(span) == damaged.piece)


# what can be left out of a bundle, and where it lies
EXTRAS = {
    "checks": (),
    "sections": ("sections",),
    "slides": ("slides.html", "slides.pptx"),
    "embed": ("embed",),
    "page": ("index.html",),
}


def furnish(made: Made, order: Order, without: Container[str] = ()) -> Bundle:
    """Add to a clip's folder what courses need, and seal it with SHA256SUMS; `without` some of EXTRAS."""
    from scenes import _embed, _page, _sections, _slides

    bundle = made.bundle
    if "checks" not in without and not order.form.folder:
        bundle = replace(bundle, checks=checked(made, order))
        bundle.write()
    writers = {"sections": _sections, "slides": _slides, "embed": _embed, "page": _page}
    for name, writer in writers.items():
        if name not in without:
            writer.write(bundle)
            continue
        for left in EXTRAS[name]:  # by an earlier clip, of which it would tell
            remove(bundle.folder / left)
    seal(bundle.folder)
    return bundle


def checked(made: Made, order: Order) -> Checks | None:
    """Whether the clip flashes and its texts can be read, measured once for every clip."""
    store, workshop = Store(), Workshop(order)
    name = key("checks", made.bundle.frames_sha256, made.bundle.fps, workshop.look)
    if path := store.find(name, ".json"):
        with suppress(OSError, ValueError, KeyError, TypeError):
            found = json.loads(path.read_text())
            return Checks(Flashing(**found["flashing"]), Contrast(**found["contrast"]))
    contrast = lowest(order.kind, order.simulations, workshop.plan(), order.theme, order.lang)
    checks = Checks(flashing(made.path), contrast) if contrast else None
    if checks:
        store.keep(name, ".json", json.dumps(asdict(checks)).encode())
    return checks


@contextmanager
def reporting(
    order: Order, plan: Plan, spans: list[Span], missing: list[Span]
) -> Iterator[Callable[[int], None]]:
    """A progress bar over all frames, those of the cache counted as done; called with each that is drawn."""
    total, left = (sum(b - a for a, b in some) for some in (spans, missing))
    with tqdm(
        total=total,
        initial=total - left,
        desc=order.name,
        unit="frame",
        disable=None,
        leave=False,
        dynamic_ncols=True,
        file=sys.stderr,
    ) as bar:

        def report(frame: int) -> None:
            beat = max((b for b in plan.beats if b.frame <= frame), key=lambda b: b.frame, default=None)
            if beat:
                bar.set_description(f"{Path(order.name).stem}: {beat.name}", refresh=False)
            bar.update()

        yield report


def tags(order: Order) -> dict[str, str]:
    """What a clip tells of itself."""
    return {
        "title": order.kind.question,
        "comment": order.kind.__doc__ or "",
        "provenance": json.dumps(provenance(order), ensure_ascii=False, sort_keys=True),
    }


def provenance(order: Order) -> dict[str, object]:
    """What a clip was made from, so that it can be made again."""
    form = order.form
    return {
        "film": Path(order.name).stem,
        "simulations": {name: json.loads(p) for name, p in order.parameters.items()},
        "trajectories": {name: digest(trajectory_of(sim)) for name, sim in order.simulations.items()},
        "theme": order.theme,
        "size": [order.quality.width, order.quality.height, order.quality.fps],
        "encoder": {"codec": form.codec, **form.settings(order.swift)},
        "versions": versions(),
        "revision": revision(),
    }


def frames_between(plan: Plan, first: str | float | None, last: str | float | None) -> Span:
    """The frames from one place of a film to before another: seconds, or where a beat begins."""

    def frame(place: str | float | None, otherwise: int, end: bool) -> int:
        if place is None:
            return otherwise
        try:
            return round(float(place) * plan.fps)
        except ValueError:
            pass
        names = [beat.name for beat in plan.beats]
        if place not in names:
            raise NoSuchFrame(f"there is no beat “{place}”; choose seconds or one of: {', '.join(names)}")
        i = names.index(str(place))
        edges = [*(beat.frame for beat in plan.beats), plan.frames]
        return edges[i + end]

    span = frame(first, 0, False), frame(last, plan.frames, True)
    if not 0 <= span[0] < span[1] <= plan.frames:
        raise NoSuchFrame(
            f"the film lasts {plan.seconds:.1f} s: nothing lies between {span[0] / plan.fps:g} and "
            f"{span[1] / plan.fps:g} s"
        )
    return span


def telling_frame(plan: Plan, start: int, stop: int) -> int:
    """The frame that stands for a part: two thirds in the mechanism is on the stage, late in a beat whole."""
    middle = start + (stop - start) * 2 // 3
    edges = [start, *(beat.frame for beat in plan.beats if start < beat.frame < stop), stop]
    first, last = next((a, b) for a, b in pairwise(edges) if b > middle)
    return first + (last - first) * 17 // 20


def between(plan: Plan, start: int, stop: int) -> Plan:
    """The plan of a part, its beats counted from its own beginning."""
    before = [beat for beat in plan.beats if beat.frame <= start][-1:]
    within = [beat for beat in plan.beats if start < beat.frame < stop]
    beats = [replace(beat, frame=max(beat.frame - start, 0)) for beat in (*before, *within)]
    return Plan(stop - start, plan.fps, tuple(beats))
