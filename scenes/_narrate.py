"""A film's captions spoken by a voice of this machine, as sound of its clip; without it a clip is silent.

    narrate(clip, cues(plan), "en", "espeak-ng")
    narrate(clip, cues(plan), "de", "voices/de_DE-thorsten-high.onnx")  # by Piper

The voice is a program of its own, eSpeak NG or Piper: no network, and the same words give the same bytes.
manim-voiceover serves other ends: its voices are those of servers, and it stretches a film to its voice while
Manim draws it. Here the film stands, and the voice keeps to its beats.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray
from scipy.signal import sosfilt

from scenes._bundle import Bundle
from scenes._captions import Cue
from scenes._formats import DamagedPiece, telling, written
from scenes._join import MOV, _like, _reading
from sims._command import Mistyped

Samples = NDArray[np.float32]  # mono, 1 is full scale

RATE = 48_000  # samples a second
TENTH = RATE // 10
BREATH = 0.3  # seconds between a cut and the first word
FASTEST = 1.25  # times its usual pace: beyond, a voice is hard to follow beside a picture
ESPEAK_PACE = 175  # eSpeak NG's own, in words a minute
PATIENCE = 120  # seconds for one caption: a large voice is slow, a program that asks something never ends
READING = 17  # letters a second, as is usual for subtitles
LOUDNESS = -16.0  # LUFS, as is usual for speech in a browser
CEILING = -2.0  # dB of full scale for the highest sample: AAC gives back somewhat more than it took
SILENT = 1e-3  # of its loudest sample: before and after its words, a voice is below this
# the sound's codec by the clip's ending, and its bits a second
CODECS = {".mp4": ("aac", 96_000), ".webm": ("libopus", 64_000)}
# what the container tells of itself, which is none of the tags
BRANDS = {"major_brand", "minor_version", "compatible_brands", "encoder"}

# ITU-R BS.1770-5, table 1 and 2, for 48 kHz: what the head does to sound, and the ear to low tones
HEARING = np.array(
    [
        [1.53512485958697, -2.69169618940638, 1.19839281085285, 1, -1.69065929318241, 0.73248077421585],
        [1, -2, 1, 1, -1.99004745483398, 0.99007225036621],
    ]
)


@dataclass(frozen=True)
class Voice:
    """A program that speaks what it reads, in UTF-8, into a WAV file."""

    name: str  # as provenance may tell it
    program: str  # its path
    model: Path | None = None  # Piper's voice; without one it is eSpeak NG
    lang: str = "en"
    slowness: float = 1.0  # of Piper's voice at its usual pace

    def line(self, pace: float, wav: Path) -> list[str]:
        """What is to be called, to speak so many times as fast as usual."""
        if self.model is None:
            options = ["-v", self.lang, "-b", "1", "-z", "-s", str(round(ESPEAK_PACE * pace))]
            return [self.program, *options, "-w", str(wav), "--stdin"]
        # the same noise each time is only to be had as none; underscores are what every Piper understands
        options = ["--noise_scale", "0", "--noise_w", "0", "--length_scale", f"{self.slowness / pace:.4f}"]
        return [self.program, "--model", str(self.model), "--output_file", str(wav), *options]


@dataclass(frozen=True)
class Spoken:
    """A beat and its words as sound, from second `begin` on; no samples where there is nothing to say."""

    cue: Cue
    samples: Samples

    @property
    def begin(self) -> float:
        return self.cue.start + BREATH

    @property
    def seconds(self) -> float:
        """How long it takes to say."""
        return len(self.samples) / RATE

    @property
    def caption(self) -> Cue:
        """The caption: it comes with the first word, and stays to the last and until it can be read.

        It never outlasts its beat, so that no two are there at once.
        """
        if not self.seconds:
            return self.cue
        end = self.begin + max(self.seconds, len(self.cue.caption) / READING)
        return replace(self.cue, start=self.begin, end=min(end, self.cue.end))


def narrate(clip: Path, cues: Sequence[Cue], lang: str, voice: str) -> list[Cue]:
    """Lay the captions, spoken, into a clip; returns the captions timed to what is heard.

    `voice` is `espeak-ng` or the path of a Piper voice, NAME.onnx with NAME.onnx.json beside it. The video's
    packets, its colours, tags and chapters stay as they are; sound that was there goes. See `speak` for where
    the words lie and `levelled` for how loud they are.

    Raises Mistyped for a voice that is not there, a clip that holds no sound, a beat too short for its words;
    OSError where the voice fails or the clip cannot be read or written.
    """
    spoken = speak(cues, choose(voice, lang, clip.suffix))
    lay(clip, spoken)
    return [each.caption for each in spoken]


def told(bundle: Bundle, spoken: Sequence[Spoken], voice: Voice, asked: str) -> Bundle:
    """A bundle that tells whose voice speaks its captions, and when."""
    heard = tuple(replace(each.cue, comes=each.caption.start, goes=each.caption.end) for each in spoken)
    return replace(
        bundle,
        cues=bundle.cues | {bundle.lang: heard},
        voice=voice.name,
        command=f"{bundle.command} {shlex.quote(f'--narrate={asked}')}",
    )


def choose(voice: str, lang: str, suffix: str = ".mp4") -> Voice:
    """The voice of that name or path for a language, and for clips with this ending. Raises Mistyped."""
    if suffix not in CODECS:
        raise Mistyped(
            f"sound goes into {' and '.join(CODECS)}, not into {suffix or 'pictures'}: "
            "choose another --format, or leave out --narrate"
        )
    if voice == "espeak-ng":
        return _espeak(lang)
    if voice.endswith(".onnx"):
        return _piper(Path(voice), lang)
    raise Mistyped(f"there is no voice “{voice}”; choose espeak-ng, or a Piper voice: path/to/voice.onnx")


def _espeak(lang: str) -> Voice:
    program = _program(
        "espeak-ng", "apt-get install espeak-ng, or give a Piper voice: --narrate path/to/voice.onnx"
    )
    if subprocess.run([program, "-v", lang, "-q", ""], capture_output=True).returncode:
        raise Mistyped(f"espeak-ng has no voice for “{lang}”; `espeak-ng --voices` lists those it has")
    told = subprocess.run([program, "--version"], capture_output=True, text=True).stdout
    version = re.search(r"\d[\w.-]*", told)
    return Voice(f"eSpeak NG {version[0] if version else ''}".strip(), program, lang=lang)


def _piper(model: Path, lang: str) -> Voice:
    told = _told(model)
    family = told.get("language", {}).get("family", "")
    if family and family != lang.partition("-")[0]:
        raise Mistyped(
            f"{model} speaks “{family}”, but the film is in “{lang}”: choose another voice or --lang"
        )
    program = _program("piper", "pip install piper-tts, or let eSpeak NG speak: --narrate espeak-ng")
    slowness = told.get("inference", {}).get("length_scale", 1.0)
    return Voice(f"Piper, {model.stem}", program, model, lang, slowness)


def _program(name: str, remedy: str) -> str:
    """Where a program lies: beside this Python, where pip puts it, or where the shell would find it."""
    places = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    program = shutil.which(name, path=places)
    if program is None:
        raise Mistyped(f"no voice: {name} is not installed; {remedy}")
    return program


def _told(model: Path) -> dict[str, Any]:
    """What stands beside a Piper voice."""
    beside = model.with_name(f"{model.name}.json")
    for path in (model, beside):
        if not path.is_file():
            raise Mistyped(f"there is no {path}: a Piper voice is two files, {model.name} and {beside.name}")
    try:
        told = json.loads(beside.read_text(encoding="utf-8"))
    except ValueError as error:
        raise Mistyped(f"{beside} is damaged: {error}; get the voice again") from None
    if not isinstance(told, dict):
        raise Mistyped(f"{beside} does not describe a Piper voice; get the voice again")
    return told


def speak(cues: Sequence[Cue], voice: Voice) -> list[Spoken]:
    """Every caption as sound, each within its beat: it begins 0.3 s after the cut.

    What does not fit is spoken faster, as little as does, at most 1.25 times as fast as usual. Raises
    Mistyped naming every beat that is too short even so, OSError where the voice fails.
    """
    spoken = [Spoken(cue, _within(cue, voice)) for cue in cues]
    short = [
        f"“{each.cue.name}” has {each.cue.end - each.cue.start:.2f} s and needs {BREATH + each.seconds:.2f} s"
        for each in spoken
        if each.seconds and each.begin + each.seconds > each.cue.end + 1 / RATE
    ]
    if short:
        raise Mistyped(
            f"too short for their words, even spoken {FASTEST} times as fast: {'; '.join(short)}. "
            "Hold those beats longer in the film, use fewer words, or leave out --narrate"
        )
    return spoken


def _within(cue: Cue, voice: Voice) -> Samples:
    """A caption spoken as fast as its beat asks, or as fast as may be."""
    if not any(letter.isalnum() for letter in cue.caption):
        return np.empty(0, np.float32)
    room, pace = max(cue.end - cue.start - BREATH, 1e-3), 1.0
    while True:
        samples = _said(cue.caption, voice, pace)
        takes = len(samples) / RATE
        if takes <= room or pace == FASTEST:
            return samples
        # pauses do not shrink as words do: it may take more than one step, each of 2 % at least
        pace = min(FASTEST, pace * max(takes / room, 1.02))


def _said(caption: str, voice: Voice, pace: float) -> Samples:
    # a voice takes lines apart; and what stands in double brackets eSpeak NG takes for sounds
    text = " ".join(caption.split()).replace("[[", "[ [")
    with TemporaryDirectory() as folder:
        wav = Path(folder, "words.wav")
        try:
            done = subprocess.run(
                voice.line(pace, wav),
                input=f"{text}\n".encode(),
                capture_output=True,
                timeout=PATIENCE,
                env={**os.environ, "PYTHONUTF8": "1"},  # Piper reads as its Python does
            )
        except subprocess.TimeoutExpired:
            raise OSError(f"{voice.program} did not say “{text}” within {PATIENCE} s") from None
        if done.returncode or not wav.is_file():
            why = done.stderr.decode(errors="replace").strip().splitlines() or [f"status {done.returncode}"]
            raise OSError(f"{voice.program} did not say “{text}”: {why[-1]}")
        try:
            samples = _read(wav)
        except av.FFmpegError as error:
            raise OSError(f"{voice.program} wrote no sound for “{text}”: {error.strerror}") from None
    loud = np.abs(samples)
    heard = np.flatnonzero(loud > SILENT * loud.max(initial=0))
    if not len(heard):
        raise OSError(f"{voice.program} wrote only silence for “{text}”")
    return samples[heard[0] : heard[-1] + 1]


def _read(wav: Path) -> Samples:
    """A sound file as mono samples, 48,000 a second."""
    to = av.AudioResampler(format="fltp", layout="mono", rate=RATE)
    with av.open(str(wav)) as file:
        if not file.streams.audio:
            return np.empty(0, np.float32)
        frames = [frame for given in file.decode(audio=0) for frame in to.resample(given)]
    frames += to.resample(None)
    return np.concatenate([frame.to_ndarray()[0] for frame in frames] or [np.empty(0, np.float32)])


def lay(clip: Path, spoken: Sequence[Spoken]) -> None:
    """Put sound into a clip, beside it and then in its place: AAC into MP4, Opus into WebM.

    The sound is as long as the pictures. The bytes depend on clip, words and voice and on nothing else.
    """
    form, (codec, bits) = clip.suffix[1:], CODECS[clip.suffix]
    options = {"fflags": "+bitexact", **(MOV if form == "mp4" else {})}
    with _reading(clip) as source, written(clip) as beside, telling(clip):
        held = source.streams.video[0]
        pictures = _packets(clip, source, held)
        seconds = len(pictures) / held.average_rate
        # a file that was cut off may read like a shorter film
        if spoken and seconds < spoken[-1].cue.end - 1 / held.average_rate:
            raise DamagedPiece(clip, f"ends at {float(seconds):.1f} s, before its last beat does")
        sound = levelled(track(spoken, seconds))
        with av.open(str(beside), "w", format=form, container_options=options) as to:
            to.metadata.update({k: v for k, v in source.metadata.items() if k not in BRANDS})
            to.set_chapters(source.chapters())
            stream = _like(to, held)
            audio: Any = to.add_stream(codec, rate=RATE, options={"flags": "+bitexact", "b": str(bits)})
            audio.codec_context.layout = "mono"
            for packet in pictures:
                packet.stream = stream
            packets = [*pictures, *_encoded(sound, audio)]
            for packet in sorted(packets, key=lambda each: each.dts * each.time_base):
                to.mux_one(packet)


def _packets(clip: Path, source: Any, stream: Any) -> list[Any]:
    try:
        # the last one is empty: it only tells a decoder to give what it holds
        return [packet for packet in source.demux(stream) if packet.size]
    except av.FFmpegError as error:
        raise DamagedPiece(clip, f"cannot be read: {error.strerror}") from None


def track(spoken: Sequence[Spoken], seconds: Fraction) -> Samples:
    """The whole film's sound: silence, and in it the words."""
    sound = np.zeros(int(seconds * RATE), np.float32)
    for each in spoken:
        first = round(each.begin * RATE)
        # rounding may put the last sample one behind the end
        room = sound[first : first + len(each.samples)]
        room[:] = each.samples[: len(room)]
    return sound


def levelled(sound: Samples) -> Samples:
    """The same sound at −16 LUFS over the whole film (ITU-R BS.1770: pauses do not count), no sample clipped.

    It is all made louder by one factor; a limiter holds back the few peaks above −2 dB of full scale.
    """
    present = loudness(sound)
    if present == -np.inf:
        return sound
    gain = LOUDNESS - present
    for _ in range(20):
        loud = _limited(sound * np.float32(10 ** (gain / 20)))
        missing = LOUDNESS - loudness(loud)
        if abs(missing) < 0.05:
            return loud
        gain += missing
    raise OSError(f"the voice cannot be brought to {LOUDNESS:g} LUFS: all of its sound is in a few peaks")


def loudness(sound: Samples) -> float:
    """Integrated loudness in LUFS by ITU-R BS.1770, of mono; −inf for silence.

    The mean power of blocks of 0.4 s, of those that are louder than −70 LUFS, and than 10 below their mean.
    """
    heard = sound.astype(float)
    heard[::2] += 1e-12  # in digital silence a filter fades to numbers that processors are slow with
    power = sosfilt(HEARING, heard) ** 2
    tenths = power[: len(power) // TENTH * TENTH].reshape(-1, TENTH).mean(1)
    if len(tenths) < 4:
        return -np.inf
    blocks = np.convolve(tenths, np.full(4, 1 / 4), "valid")
    blocks = blocks[blocks > 10 ** ((-70 + 0.691) / 10)]
    if not len(blocks):
        return -np.inf
    return float(-0.691 + 10 * np.log10(blocks[blocks > blocks.mean() / 10].mean()))


def _limited(sound: Samples) -> Samples:
    """The sound with its peaks held below the ceiling, turned down for some hundredths of a second each."""
    graph = av.filter.Graph()
    given = graph.add_abuffer(sample_rate=RATE, format="fltp", layout="mono", time_base=Fraction(1, RATE))
    limiter = graph.add("alimiter", f"limit={10 ** (CEILING / 20):.6f}:level=0:latency=1")
    graph.link_nodes(given, limiter, graph.add("aformat", "sample_fmts=fltp"), graph.add("abuffersink"))
    graph.configure()
    given.push(_frame(sound, 0))
    given.push(None)
    parts = []
    with suppress(av.BlockingIOError, av.EOFError):
        while True:
            parts.append(graph.pull().to_ndarray()[0])
    return np.concatenate(parts)


def _encoded(sound: Samples, stream: Any) -> list[Any]:
    frames = [_frame(sound[first : first + RATE], first) for first in range(0, len(sound), RATE)]
    return [packet for frame in (*frames, None) for packet in stream.encode(frame)]


def _frame(sound: Samples, first: int) -> "av.AudioFrame":
    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(sound[None]), format="fltp", layout="mono")
    frame.sample_rate, frame.pts, frame.time_base = RATE, first, Fraction(1, RATE)
    return frame
