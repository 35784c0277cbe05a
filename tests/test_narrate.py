"""Narration: the captions' own words, heard within their beats, in a clip whose pictures stay as they are."""

import json
import re
import shutil
import sys
from itertools import pairwise

import av
import browser
import numpy as np
import pytest
from browser import visiting
from flat_bundle import flat_bundle

from scenes import _page
from scenes._captions import Cue, captions, vtt
from scenes._formats import FORMATS
from scenes._narrate import narrate
from scenes._sums import frames_sha256
from sims._command import Mistyped

chromium = browser.chromium
RATE = 48_000
LENGTHS = (70, 90, 60)  # frames, ten a second
LETTER = 0.06  # seconds that the stand-in takes for each

PLAYED = """async () => {
  const video = document.querySelector("video");
  await video.play();
  await new Promise(played => video.ontimeupdate = () => video.currentTime > 0.5 && played());
  const bytes = video.webkitAudioDecodedByteCount;
  video.currentTime = 15;
  await new Promise(sought => video.onseeked = sought);
  return {bytes, at: video.currentTime, seconds: video.duration, error: video.error};
}"""

# It hums a note as long as its words, and between two pauses, as voices do. It tells what it was asked for.
STAND_IN = """#!{python}
import array, json, math, sys, wave
words = sys.argv[1:]
if "--version" in words:
    sys.exit(print("eSpeak NG text-to-speech: 9.51  Data at: /nowhere"))
options = dict(zip(words, words[1:]))
if options.get("-v") == "xx":
    sys.exit(1)
if "-q" in words:
    sys.exit(0)
text = sys.stdin.buffer.read().decode("utf-8").strip()
print(json.dumps([text, words]), file=open({heard!r}, "a"))
if "fail" in text:
    sys.exit("no more breath")
pace = float(options.get("-s", 175)) / 175 / float(options.get("--length_scale", 1))
last = int(22050 * {letter} * len(text) / pace)
loud = 0 if "hush" in text else 9000
hum = [int(loud * math.sin(2 * math.pi * 220 * (i + 0.5) / 22050)) for i in range(last)]
if "pop" in text:
    hum[::500] = [32000] * len(hum[::500])
pause = [0] * 4000
with wave.open(options.get("-w") or options["--output_file"], "wb") as file:
    file.setparams((1, 2, 22050, 0, "NONE", ""))
    file.writeframes(array.array("h", pause + hum + pause).tobytes())
"""


@pytest.fixture
def voices(tmp_path, monkeypatch):
    """A folder of programs, with nothing but stand-ins for the voices; returns what was asked of them."""
    folder, heard = tmp_path / "programs", tmp_path / "heard"
    folder.mkdir()
    for name in ("espeak-ng", "piper"):
        program = folder / name
        program.write_text(STAND_IN.format(python=sys.executable, heard=str(heard), letter=LETTER))
        program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(folder / "python"))
    monkeypatch.setenv("PATH", str(folder))
    return lambda: [json.loads(line) for line in heard.read_text().splitlines()]


@pytest.fixture(scope="module")
def silent(tmp_path_factory):
    """Bundles as they are before narration, by format."""
    made = {}

    def bundle(form="mp4"):
        if form not in made:
            made[form] = flat_bundle(
                tmp_path_factory.mktemp("silent") / form, lengths=LENGTHS, form=FORMATS[form]
            )
        return made[form]

    return bundle


@pytest.fixture
def clip(silent, tmp_path):
    """A copy of a silent clip, and its cues."""

    def copied(form="mp4", lang="en"):
        bundle = silent(form)
        (tmp_path / "film").mkdir(exist_ok=True)
        path = tmp_path / "film" / bundle.clip
        shutil.copy(bundle.folder / bundle.clip, path)
        return path, bundle.cues[lang]

    return copied


def heard_in(path):
    """The sound of a clip as its player hears it, mono: silence where the pictures have begun without it."""
    with av.open(str(path)) as opened:
        frames = list(opened.decode(audio=0))
    sound = np.zeros(round(frames[-1].time * RATE) + frames[-1].samples)
    for frame in frames:
        at = max(round(frame.time * RATE), 0)
        sound[at : at + frame.samples] = frame.to_ndarray()[0]
    return sound


def pictures(path):
    """Every packet of a clip's video with its times, and all that it tells of its pictures."""
    with av.open(str(path)) as opened:
        video = opened.streams.video[0]
        context = video.codec_context
        told = {
            "colours": (
                context.color_primaries,
                context.color_trc,
                context.colorspace,
                context.color_range,
                context.format.name,
            ),
            "header": bytes(context.extradata or b""),
            "rate": video.average_rate,
            "tags": dict(opened.metadata),
            "chapters": opened.chapters(),
        }
        packets = [
            (p.pts, p.dts, p.time_base, p.is_keyframe, bytes(p)) for p in opened.demux(video) if p.size
        ]
    return told, packets


def loud(sound):
    return 20 * np.log10(max(np.sqrt(np.mean(sound**2)), 1e-9))


@pytest.mark.parametrize("form", ["mp4", "webm"])
def test_sound_lies_where_the_captions_are_spoken_and_nowhere_else(form, clip, voices):
    """The stand-in takes 0.06 s for each letter: so it is known when it begins and ends."""
    path, cues = clip(form)
    narrate(path, cues, "en", "espeak-ng")
    sound = heard_in(path)
    outside = np.ones(len(sound), bool)
    for cue in cues:
        begin, end = cue.start + 0.3, cue.start + 0.3 + LETTER * len(cue.caption)
        assert end < cue.end
        inside = sound[round((begin + 0.03) * RATE) : round((end - 0.03) * RATE)]
        tenths = inside[: len(inside) // 4800 * 4800].reshape(-1, 4800)
        assert min(map(loud, tenths)) > -20
        outside[round((begin - 0.03) * RATE) : round((end + 0.03) * RATE)] = False
    assert loud(sound[outside]) < -70
    assert abs(len(sound) / RATE - sum(LENGTHS) / 10) < 0.03


def test_captions_come_and_go_with_the_voice_in_order_and_none_overlaps_the_next(clip, voices):
    path, cues = clip()
    spoken = narrate(path, cues, "en", "espeak-ng")
    assert [(cue.name, cue.caption) for cue in spoken] == [(cue.name, cue.caption) for cue in cues]
    for cue, beat in zip(spoken, cues, strict=True):
        said = LETTER * len(cue.caption)
        assert cue.start == pytest.approx(beat.start + 0.3)
        assert cue.start + said - 0.01 < cue.end <= beat.end
        assert cue.end - cue.start >= len(cue.caption) / 17
    assert all(a.end <= b.start for a, b in pairwise(spoken))
    assert vtt(captions(spoken)).count("-->") == len(cues)


def test_every_caption_is_said_once_in_order_word_for_word(clip, voices):
    path, cues = clip(lang="de")
    narrate(path, cues, "de", "espeak-ng")
    assert [text for text, _ in voices()] == [cue.caption for cue in cues]
    assert all(words[words.index("-v") + 1] == "de" for _, words in voices())


def test_a_caption_soon_said_stays_until_it_can_be_read(clip, voices, monkeypatch):
    monkeypatch.setattr("scenes._narrate.ESPEAK_PACE", 175 * 4)
    path, cues = clip()
    first = narrate(path, cues, "en", "espeak-ng")[0]
    assert first.end - first.start == pytest.approx(len(first.caption) / 17)


@pytest.mark.parametrize(("form", "codec"), [("mp4", "aac"), ("webm", "opus")])
def test_a_clip_has_sound_only_when_it_is_narrated(form, codec, silent, clip, voices):
    path, cues = clip(form)
    with av.open(str(path)) as before:
        assert not before.streams.audio
    narrate(path, cues, "en", "espeak-ng")
    with av.open(str(path)) as after:
        assert [s.codec_context.name for s in after.streams.audio] == [codec]
        assert after.streams.audio[0].codec_context.sample_rate == RATE
        assert after.streams.audio[0].codec_context.layout.name == "mono"
        assert abs(after.duration / 1e6 - sum(LENGTHS) / 10) < 0.03


@pytest.mark.parametrize("form", ["mp4", "webm"])
def test_the_pictures_stay_byte_for_byte_with_their_times_colours_chapters_and_tags(
    form, clip, voices, tmp_path
):
    from clips import encoded

    from scenes._join import join

    pieces, drawn = encoded(tmp_path, FORMATS[form], lengths=(90, 90), fps=30)
    path, end = tmp_path / f"clip.{form}", len(drawn) / 30
    tags = {"title": "Why “so”?", "comment": "So & so.", "provenance": '{"seed": 1}'}
    join(pieces, path, FORMATS[form], 30, tags=tags, chapters=[(0, 3, "one"), (3, end, "two")])
    before, frames = pictures(path), frames_sha256(path)
    narrate(path, [Cue(0, 3, "one", "First this."), Cue(3, end, "two", "Then that.")], "en", "espeak-ng")
    assert pictures(path) == before
    assert frames_sha256(path) == frames
    if form == "mp4":
        whole = path.read_bytes()
        assert whole.index(b"moov") < whole.index(b"mdat")


@pytest.mark.parametrize("form", ["mp4", "webm"])
def test_the_same_words_give_the_same_bytes_also_over_sound_that_was_there(form, clip, voices):
    path, cues = clip(form)
    narrate(path, cues, "en", "espeak-ng")
    first = path.read_bytes()
    narrate(path, cues, "en", "espeak-ng")
    assert path.read_bytes() == first
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def lufs(sound):
    """Integrated loudness by FFmpeg's own meter."""
    graph = av.filter.Graph()
    given = graph.add_abuffer(sample_rate=RATE, format="fltp", layout="mono")
    graph.link_nodes(given, graph.add("ebur128", "metadata=1"), graph.add("abuffersink")).configure()
    frame = av.AudioFrame.from_ndarray(sound[None].astype(np.float32), format="fltp", layout="mono")
    frame.sample_rate, frame.pts = RATE, 0
    given.push(frame)
    given.push(None)
    told = None
    try:
        while True:
            told = graph.pull().metadata.get("lavfi.r128.I", told)
    except (av.EOFError, av.BlockingIOError):
        return float(told)


@pytest.mark.parametrize("sort", ["plain", "with a pop in every word"])
def test_the_voice_is_brought_to_16_lufs_and_never_clips(sort, clip, voices):
    path, cues = clip()
    words = [Cue(cue.start, cue.end, cue.name, f"{cue.caption} {sort}") for cue in cues]
    narrate(path, words, "en", "espeak-ng")
    sound = heard_in(path)
    assert lufs(sound) == pytest.approx(-16, abs=0.5)
    assert np.abs(sound).max() < 1


def test_a_beat_a_little_short_is_spoken_a_little_faster(clip, voices):
    path, cues = clip()
    room = cues[0].end - cues[0].start - 0.3
    text = "m" * int(1.15 * room / LETTER)
    first = narrate(path, [Cue(cues[0].start, cues[0].end, "short", text), *cues[1:]], "en", "espeak-ng")[0]
    paces = [int(words[words.index("-s") + 1]) for said, words in voices() if said == text]
    assert paces[0] == 175
    assert 1.14 * 175 < paces[-1] < 1.21 * 175
    assert first.end <= cues[0].end
    sound = heard_in(path)
    assert loud(sound[round(cues[0].end * RATE) : round((cues[1].start + 0.27) * RATE)]) < -60


def test_a_beat_far_too_short_is_named_with_what_it_has_and_needs_and_nothing_is_changed(clip, voices):
    path, cues = clip()
    before = path.read_bytes()
    long = Cue(cues[1].start, cues[1].end, cues[1].name, "m" * 300)
    with pytest.raises(Mistyped) as raised:
        narrate(path, [cues[0], long, cues[2]], "en", "espeak-ng")
    told = re.search(r"“a board that rolls” has 9\.00 s and needs ([\d.]+) s", str(raised.value))
    assert float(told[1]) == pytest.approx(0.3 + 300 * LETTER / 1.25, abs=0.05)
    assert "leave out --narrate" in str(raised.value)
    assert "to remember" not in str(raised.value)
    assert "\n" not in str(raised.value)
    assert path.read_bytes() == before


def test_a_beat_without_words_is_silent_and_keeps_its_place(clip, voices):
    path, cues = clip()
    quiet = Cue(cues[1].start, cues[1].end, cues[1].name, " … ")
    spoken = narrate(path, [cues[0], quiet, cues[2]], "en", "espeak-ng")
    assert len(voices()) == 2
    assert spoken[1] == quiet
    assert loud(heard_in(path)[round(quiet.start * RATE) : round(quiet.end * RATE)]) < -70


def test_words_of_several_lines_brackets_and_dashes_are_words_to_the_voice(clip, voices):
    path, cues = clip()
    caption = "--help [[a b]]\n<b>$(x) `y` “é” 🎲"
    narrate(path, [Cue(cues[0].start, cues[-1].end, "odd", caption)], "en", "espeak-ng")
    assert [text for text, _ in voices()] == ["--help [ [a b]] <b>$(x) `y` “é” 🎲"]


def piper_voice(folder, **told):
    folder.mkdir(exist_ok=True)
    model = folder / "de_DE-no one-high.onnx"
    model.write_bytes(b"a voice")
    model.with_name(f"{model.name}.json").write_text(json.dumps(told))
    return model


def test_a_piper_voice_given_by_its_path_speaks_without_chance_at_its_own_pace(clip, voices, tmp_path):
    model = piper_voice(tmp_path / "my voices", language={"family": "de"}, inference={"length_scale": 1.1})
    path, cues = clip(lang="de")
    spoken = narrate(path, cues, "de", str(model))
    assert [text for text, _ in voices()] == [cue.caption for cue in cues]
    for _, words in voices():
        options = dict(pairwise(words))
        assert options["--model"] == str(model)
        assert (options["--noise_scale"], options["--noise_w"]) == ("0", "0")
        assert options["--length_scale"] == "1.1000"
    end = spoken[0].start + 1.1 * LETTER * len(cues[0].caption)
    assert spoken[0].end == pytest.approx(end, abs=0.01)


@pytest.mark.parametrize(
    ("voice", "remedy"),
    [
        (
            "espeak-ng",
            r"espeak-ng is not installed; apt-get install espeak-ng, or .*--narrate path/to/voice\.onnx",
        ),
        ("voice.onnx", r"piper is not installed; pip install piper-tts, or .*--narrate espeak-ng"),
    ],
)
def test_without_a_voice_one_line_tells_the_remedy(voice, remedy, clip, voices, tmp_path, monkeypatch):
    path, cues = clip()
    (tmp_path / "nothing").mkdir()
    monkeypatch.setattr(sys, "executable", str(tmp_path / "nothing" / "python"))
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    if voice.endswith(".onnx"):
        voice = str(piper_voice(tmp_path / "voices"))
    with pytest.raises(Mistyped, match=remedy) as raised:
        narrate(path, cues, "en", voice)
    assert "\n" not in str(raised.value)


def test_a_voice_that_cannot_be_had_is_refused_with_what_would_do(clip, voices, tmp_path):
    path, cues = clip()
    model = piper_voice(tmp_path / "voices", language={"family": "de"})
    lonely = tmp_path / "lonely.onnx"
    lonely.write_bytes(b"")
    damaged = piper_voice(tmp_path / "damaged")
    damaged.with_name(f"{damaged.name}.json").write_text("{")
    for voice, lang, why in [
        ("festival", "en", "there is no voice “festival”; choose espeak-ng"),
        ("espeak-ng", "xx", "no voice for “xx”; `espeak-ng --voices` lists"),
        (str(tmp_path / "none.onnx"), "en", "there is no .*none.onnx: a Piper voice is two files"),
        (str(lonely), "en", "there is no .*lonely.onnx.json: a Piper voice is two files"),
        (str(damaged), "en", "is damaged"),
        (str(model), "en", "speaks “de”, but the film is in “en”"),
    ]:
        with pytest.raises(Mistyped, match=why):
            narrate(path, cues, lang, voice)


def test_a_clip_that_holds_no_sound_is_refused(tmp_path, voices):
    with pytest.raises(Mistyped, match=r"sound goes into \.mp4 and \.webm, not into \.gif"):
        narrate(tmp_path / "clip.gif", [], "en", "espeak-ng")


@pytest.mark.parametrize(("word", "why"), [("fail", "no more breath"), ("hush", "only silence")])
def test_a_voice_that_fails_says_at_which_words_and_nothing_is_changed(word, why, clip, voices):
    path, cues = clip()
    before = path.read_bytes()
    with pytest.raises(OSError, match=f"“{word} here”.*{why}|{why} for “{word} here”"):
        narrate(path, [Cue(cues[0].start, cues[0].end, "one", f"{word} here")], "en", "espeak-ng")
    assert path.read_bytes() == before
    assert [each.name for each in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("form", ["mp4", "webm"])
def test_a_clip_cut_off_is_not_narrated(form, clip, voices):
    path, cues = clip(form)
    whole = path.read_bytes()
    for share in (0, 0.1, 0.5, 0.8):
        path.write_bytes(whole[: int(share * len(whole))])
        left = path.read_bytes()
        with pytest.raises(OSError, match=r"cannot be read|has no pictures|ends at"):
            narrate(path, cues, "en", "espeak-ng")
        assert path.read_bytes() == left


def test_the_page_says_with_sound_only_of_a_narrated_clip(silent, voices, tmp_path):
    bundle = flat_bundle(tmp_path / "a bundle", lengths=LENGTHS)
    page = bundle.folder / "index.html"
    _page.write(bundle)
    assert "silent, captioned" in page.read_text()
    narrate(bundle.folder / bundle.clip, bundle.cues["en"], "en", "espeak-ng")
    _page.write(bundle)
    assert "with sound" in page.read_text()
    assert "silent, captioned" not in page.read_text()
    assert "mp4a.40.2" in page.read_text()


@pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="needs espeak-ng")
def test_espeak_ng_speaks_german_words_with_its_german_voice(clip):
    path, cues = clip(lang="de")
    spoken = narrate(path, cues, "de", "espeak-ng")
    german = heard_in(path)
    for cue, beat in zip(spoken, cues, strict=True):
        assert loud(german[round(cue.start * RATE) : round((cue.start + 1) * RATE)]) > -30
        assert loud(german[round((cue.end + 0.2) * RATE) : round((beat.end + 0.27) * RATE)]) < -70
    assert lufs(german) == pytest.approx(-16, abs=0.5)
    assert np.abs(german).max() < 1
    first = path.read_bytes()
    narrate(path, cues, "de", "espeak-ng")
    assert path.read_bytes() == first
    narrate(path, cues, "en", "espeak-ng")
    assert not np.allclose(heard_in(path)[:RATE], german[:RATE], atol=0.05)


@pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="needs espeak-ng")
def test_espeak_ng_says_what_a_language_it_does_not_know_lacks(clip):
    path, cues = clip()
    with pytest.raises(Mistyped, match="no voice for “tlh-x”"):
        narrate(path, cues, "tlh-x", "espeak-ng")


@pytest.mark.parametrize("form", ["mp4", "webm"])
def test_a_browser_hears_a_narrated_clip_alone_and_seeks_in_it(form, chromium, clip, voices, tmp_path):
    path, cues = clip(form)
    page = tmp_path / "page.html"
    page.write_text(f'<!doctype html><title>clip</title><video src="film/{path.name}" muted></video>')
    for heard in (False, True):
        if heard:
            narrate(path, cues, "en", "espeak-ng")
        with visiting(chromium, page) as visit:
            told = visit.page.evaluate(PLAYED)
            assert (told["bytes"] > 0) == heard
            assert told["at"] == pytest.approx(15, abs=0.05)
            assert told["seconds"] == pytest.approx(sum(LENGTHS) / 10, abs=0.03)
            assert told["error"] is None
