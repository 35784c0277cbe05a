"""The `scenes` command: clips that are whole and tell their data, and one clear line for every mistake."""

import fcntl
import itertools
import json
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from scenes._theme import DARK
from sims import load

FILM = '''"""How fast does it fade?

A user's own film.
"""

from scenes._film import Advance, Film
from scenes.parts.curve import Curve
from sims import Kuramoto


class Fade(Film):
    """Agreement, drawn."""

    question = "How fast do they agree?"
    clocks = Kuramoto(n=5, frequencies="equal", K=1.0, steps=200)

    def construct(self):
        self.add(self.title)
        run = self.run(self.clocks)
        end = float(run.time[-1])
        chart = Curve(run, "r", (-4, -1.5, 8, 3), (0, end), (0, 1), "agreement r", "time")
        self.beat("rise", "They agree <soon> & for good.")
        self.names_data(f"Kuramoto · K={self.clocks.K:g} · seed {self.clocks.seed}")
        self.play(Advance(chart, 0, end, run_time=SECONDS))
        self.beat("rest", "And stay so.")
        self.wait(1)
'''


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A folder with a user's own short film, and a long one."""
    folder = tmp_path_factory.mktemp("own")
    (folder / "fade.py").write_text(FILM.replace("SECONDS", "1"))
    (folder / "long.py").write_text(FILM.replace("SECONDS", "60"))
    (folder / "broken.py").write_text("import numpy as np\n\nnp.no_such_thing\n")
    return folder


def scenes(*words: str, cwd: Path, **kwargs) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "scenes", *words]
    return subprocess.run(
        command, cwd=cwd, capture_output=True, text=True, timeout=300, check=False, **kwargs
    )


@pytest.fixture(scope="module")
def rendered(folder) -> Path:
    done = scenes("render", "./fade.py", "--quality", "draft", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "renders/fade/clip.mp4" in done.stdout
    assert "2.0 s" in done.stdout
    assert "r at the end" in done.stdout
    return folder / "renders" / "fade"


def test_the_list_answers_at_once_without_manim(tmp_path):
    program = (
        "import sys; sys.argv = ['scenes', 'list']\n"
        "from scenes.__main__ import main\n"
        "try: main()\n"
        "finally: print(sorted(sys.modules), file=sys.stderr)"
    )
    took = []
    for _ in range(3):
        start = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, cwd=tmp_path, check=True
        )
        took.append(time.perf_counter() - start)
    assert re.search("metronomes +How do separate parts agree with no conductor?", done.stdout)
    assert "'manim'" not in done.stderr
    assert "'numpy'" not in done.stderr
    assert min(took) < 0.5


def test_a_clip_is_constant_rate_h264_with_its_colours_told(rendered):
    with av.open(str(rendered / "clip.mp4")) as clip:
        video = clip.streams.video[0]
        context = video.codec_context
        assert (context.name, context.profile, context.pix_fmt) == ("h264", "High", "yuv420p")
        assert (video.width, video.height, video.average_rate) == (854, 480, 15)
        told = context.color_primaries, context.color_trc, context.colorspace, context.color_range
        assert told == (1, 13, 6, 1)  # ITU-T H.273: as test_colours_in_a_browser needs them
        assert clip.metadata["title"] == "How fast do they agree?"
        assert clip.metadata["comment"] == "Agreement, drawn."
        assert json.loads(clip.metadata["provenance"])["simulations"]["clocks"]["n"] == 5
        frames = list(clip.decode(video))
    assert len(frames) == 30
    assert len({round(b.time - a.time, 6) for a, b in itertools.pairwise(frames)}) == 1


def test_a_clip_begins_to_play_before_it_is_whole(rendered):
    data = (rendered / "clip.mp4").read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")


def test_a_clip_shows_the_colours_of_the_theme(rendered):
    with av.open(str(rendered / "clip.mp4")) as clip:
        frame = next(clip.decode(video=0)).to_ndarray(format="rgb24", src_colorspace="SMPTE170M")
    ground = np.array([int(DARK.ground[i : i + 2], 16) for i in (1, 3, 5)])
    assert np.abs(frame[3, 3].astype(int) - ground).max() <= 3


def test_captions_are_the_beats_words(rendered):
    assert (rendered / "clip.en.vtt").read_text() == (
        "WEBVTT\n\n00:00:00.000 --> 00:00:01.000\nThey agree &lt;soon&gt; &amp; for good.\n\n"
        "00:00:01.000 --> 00:00:02.000\nAnd stay so.\n"
    )
    words = (rendered / "transcript.en.md").read_text()
    assert words.startswith("# How fast do they agree?")
    assert "They agree <soon> & for good." in words


def test_the_data_behind_every_frame_lie_beside_the_clip(rendered):
    run = load(rendered / "clocks.nc")
    assert run.simulation == "kuramoto"
    assert Image.open(rendered / "clip.png").size == (854, 480)


def test_the_same_film_gives_the_same_bytes(rendered, folder):
    done = scenes("render", "./fade.py", "--quality", "draft", "--without", "all", "-o", "again", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert (folder / "again" / "clip.mp4").read_bytes() == (rendered / "clip.mp4").read_bytes()


def test_a_parameter_on_the_command_line_is_simulated_and_followed(folder):
    for name, words in (("plain", ()), ("seeded", ("--seed", "9")), ("light", ("--theme", "light"))):
        done = scenes(
            "still", "./fade.py", "--at", "1", "--quality", "draft", *words, "-o", f"{name}.png", cwd=folder
        )
        assert done.returncode == 0, done.stderr
    plain, seeded, light = (
        np.asarray(Image.open(folder / f"{name}.png")) for name in ("plain", "seeded", "light")
    )
    assert plain.shape == (480, 854, 3)
    assert not np.array_equal(plain, seeded)
    assert light[3, 3].min() > 240


def test_without_a_time_a_still_is_a_contact_sheet(folder):
    done = scenes("still", "./fade.py", "-o", "sheet.png", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert Image.open(folder / "sheet.png").size == (3 * 644 - 4, 4 * 364 - 4)


@pytest.mark.parametrize(
    ("words", "size"),
    [
        (("--at", "1", "--aspect", "4:3"), (640, 480)),
        (("--at", "1", "--aspect", "9:16"), (480, 854)),
        (("--aspect", "1:1"), (3 * 364 - 4, 4 * 364 - 4)),
    ],
)
def test_a_still_takes_the_aspects_of_a_render(folder, tmp_path, words, size):
    path = tmp_path / "still.png"
    done = scenes("still", "./fade.py", *words, "--quality", "draft", "-o", str(path), cwd=folder)
    assert done.returncode == 0, done.stderr
    assert Image.open(path).size == size


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("render", "metronom"), "did you mean metronomes?"),
        (("still", "./absent.py", "--at", "1"), "there is no file absent.py"),
        (("render", "./broken.py"), "line 3"),
        (("render", "./fade.py", "--K", "-3"), "K must be >= 0 (rad/s); got -3"),
        (("render", "./fade.py", "--sed", "3"), "did you mean --seed?"),
        (("render", "./fade.py", "--quality", "superb"), "superb"),
        (("render", "./fade.py", "-o", "fade.py"), "fade.py"),
        (("still", "./fade.py", "--at", "77"), "77"),
        (("still", "./fade.py", "--at", "1", "-o", "."), "is a folder"),
        (("still", "./fade.py", "--at", "1", "-o", "no/such/folder.png"), "does not exist"),
        (("rendre", "metronomes"), "rendre"),
    ],
)
def test_a_mistake_is_told_in_one_line(folder, words, told):
    done = scenes(*words, cwd=folder)
    assert done.returncode == 2, done.stderr
    assert told in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert "Traceback" not in done.stderr


def test_a_full_disk_is_told_and_leaves_nothing(folder, tmp_path):
    out = tmp_path / "out"
    program = (
        "import resource, signal, sys\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (70_000, 70_000))\n"
        f"sys.argv = ['scenes', 'render', './long.py', '--quality', 'draft', '-o', {str(out)!r}]\n"
        "from scenes.__main__ import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1, done.stderr
    assert "cannot write" in done.stderr
    assert str(out / "clip.mp4") in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert list(out.iterdir()) == []


def test_interrupted_a_render_leaves_no_half_clip(folder, tmp_path):
    parent, child = pty.openpty()
    fcntl.ioctl(child, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 40, 0, 0))  # forty columns
    command = [
        sys.executable,
        "-m",
        "scenes",
        "render",
        "./long.py",
        "--without",
        "all",
        "-o",
        str(tmp_path / "out"),
    ]
    process = subprocess.Popen(command, cwd=folder, stdout=child, stderr=child, start_new_session=True)
    os.close(child)
    shown = bytearray()
    interrupted = False
    try:
        while chunk := os.read(parent, 4096):
            shown += chunk
            if not interrupted and b"long:" in shown:
                time.sleep(0.5)
                os.killpg(process.pid, signal.SIGINT)
                interrupted = True
    except OSError:
        pass  # the terminal is closed
    assert interrupted, "a progress bar on a terminal"
    assert process.wait(60) == 130
    assert b"Traceback" not in shown
    assert b"interrupted" in shown
    assert list((tmp_path / "out").iterdir()) == []
