"""A bundle of a few seconds for the tests of what is made of bundles: frames of one flat colour each."""

import colorsys
from dataclasses import replace
from itertools import pairwise

import numpy as np

from scenes._bundle import Bundle, Parameter, Simulated
from scenes._captions import Cue
from scenes._encode import Piece
from scenes._formats import FORMATS
from scenes._join import join
from scenes._pictures import png, webp
from scenes._theme import THEMES
from scenes._tiles import grid

WIDTH, HEIGHT, FPS = 320, 180, 10
TILES = np.ones(grid(WIDTH, HEIGHT).shape, bool)
BEATS = (
    ("a fixed table", "Five metronomes on a fixed table. Each keeps its own time."),
    ("a board that rolls", "Now the board rolls on two cans, and wobbles with every swing."),
    ("to remember", "Small nudges through one shared board are enough to agree."),
)
GERMAN = (
    ("ein fester Tisch", "Fünf Metronome auf einem festen Tisch. Jedes hält seinen Takt."),
    ("ein Brett, das rollt", "Nun rollt das Brett auf zwei Dosen und wackelt mit jedem Schlag."),
    ("zum Merken", "Kleine Stöße über ein gemeinsames Brett genügen zur Einigkeit."),
)


def colour(number, count):
    """A colour of its own for each frame, (R, G, B) as 8-bit numbers."""
    return np.array([round(255 * c) for c in colorsys.hsv_to_rgb(number / count, 0.5, 0.6)])


def flat_bundle(
    folder, beats=BEATS, lengths=(8, 10, 6), form=FORMATS["mp4"], title=None, theme="dark", lang="en", **more
):
    """Write a bundle into a new folder; each beat is a piece of so many frames."""
    folder.mkdir(parents=True)
    count, number, pieces = sum(lengths), 0, []
    for i, length in enumerate(lengths):
        pieces.append(folder.parent / f"{folder.name}.{i}.piece")
        with Piece(pieces[-1], WIDTH, HEIGHT, FPS, form) as piece:
            for _ in range(length):
                frame = np.full((HEIGHT, WIDTH, 4), 255, np.uint8)
                frame[..., :3] = colour(number, count)[::-1]
                frame[:20, : 1 + number * WIDTH // count, :3] = 255
                piece.write(frame, TILES)
                number += 1
    clip = folder / f"clip{form.suffix}"
    join(pieces, clip, form, FPS)
    times = list(pairwise((np.cumsum([0, *lengths]) / FPS).tolist()))
    spoken = {lang: beats} | ({"de": GERMAN} if beats is BEATS else {})
    cues = {
        each: tuple(Cue(*span, *beat) for span, beat in zip(times, words, strict=True))
        for each, words in spoken.items()
    }
    ground = np.full((HEIGHT, WIDTH, 3), list(bytes.fromhex(THEMES[theme].ground[1:])), np.uint8)
    (folder / "clip.webp").write_bytes(webp(png(ground, folder / "clip.png").read_bytes()))
    number = Parameter("K", 1.0, "coupling", "K", "1/s", True)
    bundle = Bundle(
        folder=folder,
        film="metronomes",
        lang=lang,
        title={each: title or "How do separate parts agree?" for each in cues},
        about={each: "Five metronomes fall in phase." for each in cues},
        cues=cues,
        clip=clip.name,
        seconds=count / FPS,
        frames=count,
        fps=FPS,
        width=WIDTH,
        height=HEIGHT,
        theme=theme,
        simulations={"clocks": Simulated("sims:Kuramoto", (number,), {"r": 0.99}, "clocks.nc", "0" * 64)},
        encoder={"codec": form.codec},
        frames_sha256="0" * 64,
        command="scenes render metronomes",
        versions={"numpy": "2"},
        revision="0" * 40,
    )
    bundle = replace(bundle, **more)
    bundle.write()
    return bundle
