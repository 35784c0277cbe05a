"""A film in pieces: each drawn once, kept, spread over processes, and joined to one clip.

A film is cut where its beats begin, and every ten seconds of a long beat: always at the same frames, so that
the clip is the same to the byte however many processes drew it, in whichever order, today or yesterday.
"""

import ctypes
import json
import multiprocessing
import os
import pickle
import sys
import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass
from hashlib import sha256
from importlib.metadata import version
from itertools import pairwise
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

import numpy as np
from manim import Scene

import scenes
import sims
from scenes import _render
from scenes._encode import Piece
from scenes._film import Beat, Film
from scenes._formats import Format, sweep
from scenes._language import ENGLISH, tables
from scenes._paint import Painter
from scenes._pictures import png
from scenes._render import Plan, Quality
from scenes._runs import source_of
from scenes._store import Store, key, remove
from sims import Simulation
from sims._discover import find, subjects

Span = tuple[int, int]  # frames, without the last
Report = Callable[[int], None]  # told of each frame drawn

LONGEST = 10  # seconds in a piece
M_MMAP_THRESHOLD = -3  # glibc's name for the size from which memory is not kept
DEATHS = 3  # how often a worker may die over the same piece


class WorkerDied(OSError):
    """A process that draws died again and again."""


@dataclass(frozen=True)
class Order:
    """All that the frames of a clip hang on."""

    name: str  # the film, as `find` takes it
    parameters: dict[str, str]  # of each of its simulations, as JSON
    quality: Quality
    theme: str
    form: Format
    swift: bool = False
    lang: str = ENGLISH

    @property
    def kind(self) -> type[Film]:
        return find("scenes", self.name, Film)

    @property
    def simulations(self) -> dict[str, Simulation]:
        declared = self.kind.simulations()
        return {name: type(declared[name]).model_validate_json(p) for name, p in self.parameters.items()}


def order(
    name: str,
    kind: type[Film],
    simulations: dict[str, Simulation],
    quality: Quality,
    theme: str,
    form: Format,
    swift: bool = False,
    lang: str = ENGLISH,
) -> Order:
    """The order for a film with these simulations."""
    declared = kind.simulations() | simulations
    parameters = {n: sim.model_dump_json() for n, sim in declared.items()}
    return Order(name, parameters, quality, theme, form, swift, lang)


class Workshop:
    """Where the pieces of an order lie: by keys in the store."""

    def __init__(self, order: Order) -> None:
        self.order, self.store = order, Store()
        films = subjects("scenes").values()
        source = source_of(order.kind, Film, sims, scenes, apart=films)
        # what can't be told from its source is drawn afresh by every process
        self.film = key("film", order.name, order.parameters, source or os.urandom(16), _versions())
        words = self.words(order.lang)
        self.look = key(self.film, asdict(order.quality), order.theme, *words, _settings(order))

    def piece(self, span: Span) -> Path:
        """Where the piece of these frames is, or is to be."""
        return self.store.room(key(self.look, span), f".piece{self.order.form.suffix or '.d'}")

    def poster(self, part: Span) -> Path:
        """Where the picture is that stands for a part of the film."""
        return self.store.room(key(self.look, "poster", part), ".png")

    def words(self, lang: str) -> list[str]:
        """What a language adds to a key: its tables."""
        found = tables(lang, self.order.kind)
        return [] if lang == ENGLISH else [lang, *(sha256(path.read_bytes()).hexdigest() for path in found)]

    def plan(self, fresh: bool = False, lang: str | None = None) -> Plan:
        """The film's frames and beats, counted once for all rates, or again where `fresh`."""
        lang = lang or self.order.lang
        name, fps = key(self.film, "plan", *self.words(lang)), self.order.quality.fps
        found = self.store.find(name, ".json")
        if found and not fresh:
            with suppress(OSError, ValueError, KeyError, TypeError):
                said = json.loads(found.read_text())
                beats = tuple(Beat(*beat) for beat in said["beats"])
                return Plan(said["frames"], said["fps"], beats, tuple(said["durations"])).at(fps)
        plan = _render.plan(self.order.kind, self.order.simulations, fps, lang)
        said = asdict(plan) | {"beats": [(b.name, b.caption, b.frame) for b in plan.beats]}
        self.store.keep(name, ".json", json.dumps(said).encode())
        return plan

    def missing(self, spans: Iterable[Span]) -> list[Span]:
        """Which pieces must be drawn; the others are marked as used."""
        suffix = f".piece{self.order.form.suffix or '.d'}"
        return [span for span in spans if not self.store.find(key(self.look, span), suffix)]

    def forget(self, spans: Iterable[Span]) -> None:
        """Draw these again."""
        for path in map(self.piece, spans):
            remove(path)


def _versions() -> list[str]:
    return [version(name) for name in ("manim", "pycairo", "av", "numpy", "pillow")]


def _settings(order: Order) -> list[Any]:
    form = order.form
    return [form.name, form.alpha, form.pixels, form.held, sorted(form.settings(order.swift).items())]


def spans_of(plan: Plan, first: int = 0, last: int | None = None) -> list[Span]:
    """The pieces of the frames from `first` to before `last`, cut where the whole film is."""
    last = plan.frames if last is None else last
    edges: set[int] = {first, last}
    beats = sorted({0, plan.frames, *(beat.frame for beat in plan.beats)})
    for start, stop in pairwise(beats):
        count = -(-(stop - start) // (LONGEST * plan.fps))
        edges |= {int(edge) for edge in np.linspace(start, stop, count + 1).round()}
    cuts = sorted(edge for edge in edges if first <= edge <= last)
    return list(pairwise(cuts))


def draw(
    order: Order,
    spans: Sequence[Span],
    path: Callable[[Span], Path],
    poster: tuple[int, Path] | None,
    report: Report,
) -> None:
    """Play the film once and encode these pieces of it, each written whole as soon as it is drawn.

    `poster` is a frame, and where its picture goes, if it is among them.
    """
    steady_memory()
    form, quality = order.form, order.quality
    todo = sorted(spans)
    wanted = {k for first, last in todo for k in range(first, last)}
    with ExitStack() as open_piece:
        at: list[Any] = []

        def sink(k: int, painter: Painter, scene: Scene) -> None:
            if not at:
                span = todo.pop(0)
                piece = Piece(path(span), quality.width, quality.height, quality.fps, form, order.swift)
                at[:] = span, open_piece.enter_context(piece)
            (_, last), piece = at
            piece.write(painter.pixels, painter.changed)
            if poster and k == poster[0]:
                png(painter.rgba() if form.alpha else painter.rgba()[..., :3], poster[1])
            if k + 1 == last:
                open_piece.close()
                at.clear()
            report(k)

        _render.play(
            order.kind,
            order.simulations,
            quality=quality,
            theme=order.theme,
            lang=order.lang,
            wanted=wanted,
            last=max(wanted),
            sink=sink,
            clear=form.alpha,
        )


def steady_memory() -> None:
    """Give the memory of large frames back at once: else glibc keeps more of it the longer a film is."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(M_MMAP_THRESHOLD, 2 << 20)


def spread(
    jobs: int,
    order: Order,
    spans: Sequence[Span],
    path: Callable[[Span], Path],
    poster: tuple[int, Path] | None,
    report: Report,
) -> None:
    """Draw pieces in several processes here; what a process leaves that dies, another takes over."""
    context = multiprocessing.get_context("spawn")
    shares = shared_out(spans, jobs)
    at_work: dict[Connection, tuple[Any, list[Span]]] = {}
    deaths: dict[Span, int] = {}
    try:
        while shares or at_work:
            while shares and len(at_work) < jobs:
                share = shares.pop(0)
                ours, theirs = context.Pipe(duplex=False)
                places = {span: path(span) for span in share}
                process = context.Process(target=_work, args=(order, places, poster, theirs), daemon=True)
                process.start()
                theirs.close()
                at_work[ours] = process, share
            for pipe in wait(list(at_work)):
                process, share = at_work[pipe]  # type: ignore[index]
                try:
                    said = pipe.recv()  # type: ignore[union-attr]
                except EOFError:
                    process.join()
                    del at_work[pipe]  # type: ignore[arg-type]
                    left = [span for span in share if not path(span).exists()]
                    if left:
                        deaths[left[0]] = deaths.get(left[0], 0) + 1
                        if deaths[left[0]] >= DEATHS:
                            seconds = left[0][0] / order.quality.fps
                            raise WorkerDied(
                                f"a process that draws was killed {DEATHS} times at {seconds:.1f} s of "
                                f"{order.name}: out of memory? Choose fewer --jobs or a lower --quality"
                            ) from None
                        shares.append(left)
                    continue
                if isinstance(said, BaseException):
                    raise said
                report(said)
    except BaseException:
        for process, _ in at_work.values():
            process.terminate()
        for process, _ in at_work.values():
            process.join()
        for span in spans:
            sweep(path(span))
        raise


def shared_out(spans: Sequence[Span], count: int) -> list[list[Span]]:
    """Spans in so many runs of about as many frames; fewer where there are fewer spans."""
    lengths = np.array([last - first for first, last in spans])
    middle = (lengths.cumsum() - lengths / 2) / lengths.sum()
    group = np.minimum((middle * count).astype(int), count - 1)
    runs = [[span for span, g in zip(spans, group, strict=True) if g == n] for n in range(count)]
    return [run for run in runs if run]


def _work(order: Order, places: dict[Span, Path], poster: tuple[int, Path] | None, pipe: Connection) -> None:
    """In a process of its own: draw pieces, and end with the process that asked for them."""
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's, who ends us
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so, and nothing half done is left
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        draw(order, list(places), places.__getitem__, poster, pipe.send)
    except Exception as error:
        with suppress(OSError):
            pipe.send(plain(error))
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # it ends by itself, and cleans up undisturbed


def plain(error: Exception) -> Exception:
    """An error that another process can read: without what led to it, which FFmpeg's own errors may bar."""
    error.__cause__ = error.__context__ = None
    try:
        pickle.loads(pickle.dumps(error))
    except (pickle.PickleError, TypeError, AttributeError, ValueError):
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent:
        parent.join()
        os._exit(1)
