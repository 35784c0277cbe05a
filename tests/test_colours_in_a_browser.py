"""A paused clip in Chromium shows the theme's colours: read back pixel by pixel from its own canvas."""

import json
import os
import shutil
import signal
import subprocess
import threading
from contextlib import contextmanager
from dataclasses import asdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Queue

import numpy as np
import pytest

from scenes._encode import Piece
from scenes._formats import FORMATS
from scenes._join import join
from scenes._theme import THEMES

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on this machine")

# at 720 lines and more, players that are told nothing take another matrix than below
SIZES = {"480p": (854, 480), "720p": (1280, 720)}
PAGE = """<video muted preload="auto" src="/clip"></video><script>
const video = document.querySelector("video");
const tell = what => fetch("/told", {method: "POST", body: JSON.stringify(what)});
video.onerror = () => tell(video.error.message);
video.onloadeddata = () => { video.currentTime = 0.25 };
video.onseeked = () => {
  const canvas = document.createElement("canvas");
  canvas.width = video.videoWidth; canvas.height = video.videoHeight;
  const context = canvas.getContext("2d");
  context.drawImage(video, 0, 0);
  tell(PLACES.map(([x, y]) => Array.from(context.getImageData(x, y, 1, 1).data).slice(0, 3)));
};
</script>"""


@contextmanager
def served(clip, page, told):
    """The address of a page and its clip; what the page tells goes into the queue."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self):
            kind, body = "text/html", page.encode()
            if self.path == "/clip":
                kind, body = f"video/{clip.suffix[1:]}", clip.read_bytes()
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self):
            told.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *args):
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def read_back(clip, places, profile):
    """The colours that a paused clip shows at some places."""
    told = Queue()
    with served(clip, PAGE.replace("PLACES", json.dumps(places)), told) as address:
        browser = subprocess.Popen(
            [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={profile}", address],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            return told.get(timeout=60)
        finally:
            os.killpg(browser.pid, signal.SIGKILL)
            browser.wait()


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
@pytest.mark.parametrize("swift", [False, True], ids=["for good", "draft"])
@pytest.mark.parametrize("name", ["mp4", "webm"])
def test_a_paused_clip_shows_every_colour_of_both_themes(name, swift, size, tmp_path):
    form, (width, height) = FORMATS[name], size
    codes = [code for theme in THEMES.values() for code in list(asdict(theme).values())[1:]]
    meant = np.array([list(bytes.fromhex(code[1:])) for code in codes])
    across = width // len(codes)
    places = [(across * k + across // 2, height // 2) for k in range(len(codes))]
    frame = np.full((height, width, 4), 255, np.uint8)
    for k, (r, g, b) in enumerate(meant):
        frame[:, across * k : across * (k + 1), :3] = b, g, r
    with Piece(tmp_path / "piece", width, height, 30, form, swift) as piece:
        for _ in range(15):
            piece.write(frame, None)
    clip = tmp_path / f"clip{form.suffix}"
    join([tmp_path / "piece"], clip, form, 30, tags={"title": "colours"}, chapters=[(0, 0.5, "all")])
    shown = read_back(clip, places, tmp_path / "profile")
    assert not isinstance(shown, str), shown
    worst = np.abs(np.array(shown) - meant).max(axis=1)
    assert {code: int(off) for code, off in zip(codes, worst, strict=True) if off > 3} == {}
