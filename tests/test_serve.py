"""`scenes serve` as browsers and strangers meet it: over real sockets, and in a real browser."""

import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from scenes._serve import listening, serve
from sims._command import Mistyped

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
CLIP = bytes(range(256)) * 40
SECRET = b"nobody else's business"
PROGRAM = """
import signal, sys
from pathlib import Path
from scenes._serve import serve
signal.signal(signal.SIGINT, signal.default_int_handler)
serve(Path(sys.argv[1]), 0, lambda line: print(line, flush=True))
print("ended")
"""


def started(folder: Path) -> tuple[subprocess.Popen[str], int]:
    """A server in a process of its own, and its port."""
    server = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    return server, int(server.stdout.readline().rpartition(":")[2].partition("/")[0])


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    """A folder of bundles, with files beside it and in it that are nobody's business."""
    outside = tmp_path_factory.mktemp("outside")
    (outside / "secret.txt").write_bytes(SECRET)
    folder = outside / "my films"
    bundle = folder / "two banks"
    bundle.mkdir(parents=True)
    (folder / "index.html").write_text("<!doctype html><title>All</title><h1>All films</h1>")
    (bundle / "index.html").write_text("<!doctype html><title>One</title><h1>One film</h1>")
    (bundle / "clip.mp4").write_bytes(CLIP)
    for name in ("clip.en.vtt", "clip.en.srt", "kuramoto.nc", "explorable.mjs", "SHA256SUMS", "clip.webp"):
        (bundle / name).write_text("content")
    (folder / "sections").mkdir()
    (folder / "sections" / "1.mp4").write_bytes(CLIP)
    (folder / ".git").mkdir()
    (folder / ".git" / "config").write_bytes(SECRET)
    (bundle / ".clip.mp4.abc.part").write_bytes(SECRET)
    (folder / "out.txt").symlink_to(outside / "secret.txt")
    (folder / "out").symlink_to(outside)
    (folder / "in.txt").symlink_to(folder / ".git" / "config")
    return folder


@pytest.fixture(scope="module")
def port(place):
    server, port = started(place)
    yield port
    server.send_signal(signal.SIGINT)
    server.communicate(timeout=20)


def asked(port: int, path: str, method: str = "GET", **headers: str) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of an answer, asked for in so many bytes: nothing tidies the path up."""
    lines = {"Host": f"127.0.0.1:{port}", "Connection": "close"} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    with socket.create_connection(("127.0.0.1", port), timeout=10) as line:
        head = f"{method} {path} HTTP/1.1\r\n" + "".join(f"{k}: {v}\r\n" for k, v in lines.items())
        line.sendall(head.encode("latin-1") + b"\r\n")
        answer = b""
        while more := line.recv(65536):
            answer += more
    head, _, body = answer.partition(b"\r\n\r\n")
    first, *others = head.decode("latin-1").split("\r\n")
    return int(first.split()[1]), {k.lower(): v for k, v in (each.split(": ", 1) for each in others)}, body


def test_a_clip_is_served_whole_with_its_type_and_length(port):
    status, headers, body = asked(port, "/two%20banks/clip.mp4")
    assert (status, body) == (200, CLIP)
    assert headers["content-type"] == "video/mp4"
    assert headers["content-length"] == str(len(CLIP))
    assert headers["accept-ranges"] == "bytes"


@pytest.mark.parametrize(
    ("asked_for", "begin", "end"),
    [
        ("0-0", 0, 1),
        ("100-299", 100, 300),
        ("9000-", 9000, 10240),
        ("-100", 10140, 10240),
        ("5-99999", 5, 10240),
    ],
)
def test_a_range_is_answered_with_these_bytes_and_no_others(port, asked_for, begin, end):
    status, headers, body = asked(port, "/two%20banks/clip.mp4", Range=f"bytes={asked_for}")
    assert (status, body) == (206, CLIP[begin:end])
    assert headers["content-range"] == f"bytes {begin}-{end - 1}/{len(CLIP)}"
    assert headers["content-length"] == str(end - begin)


@pytest.mark.parametrize("asked_for", ["99999-", "10240-10250"])
def test_a_range_beyond_the_end_is_416_and_says_how_long_the_clip_is(port, asked_for):
    status, headers, body = asked(port, "/two%20banks/clip.mp4", Range=f"bytes={asked_for}")
    assert status == 416
    assert headers["content-range"] == f"bytes */{len(CLIP)}"
    assert CLIP[:20] not in body


def test_two_ranges_come_as_two_parts(port):
    status, headers, body = asked(port, "/two%20banks/clip.mp4", Range="bytes=0-9,300-309")
    assert status == 206
    assert headers["content-type"].startswith("multipart/byteranges")
    assert CLIP[:10] in body
    assert CLIP[300:310] in body


def test_if_range_gives_a_part_of_the_same_clip_and_the_whole_of_another(port):
    _, headers, _ = asked(port, "/two%20banks/clip.mp4", "HEAD")
    for key in (headers["etag"], headers["last-modified"]):
        assert asked(port, "/two%20banks/clip.mp4", Range="bytes=0-9", If_Range=key)[0] == 206
    for key in ('"of another day"', "Mon, 01 Jan 2001 00:00:00 GMT"):
        status, _, body = asked(port, "/two%20banks/clip.mp4", Range="bytes=0-9", If_Range=key)
        assert (status, body) == (200, CLIP)


def test_head_tells_what_get_would_and_gives_nothing(port):
    for path in ("/two%20banks/clip.mp4", "/two%20banks/", "/"):
        got, told = asked(port, path), asked(port, path, "HEAD")
        assert told[0] == 200
        assert told[2] == b""
        assert told[1]["content-length"] == got[1]["content-length"] == str(len(got[2]))
    assert asked(port, "/two%20banks/clip.mp4", "HEAD", Range="bytes=0-9")[::2] == (206, b"")


def test_a_clip_that_is_the_same_is_not_sent_again(port):
    _, headers, _ = asked(port, "/two%20banks/clip.mp4", "HEAD")
    assert headers["cache-control"] == "no-cache"
    assert asked(port, "/two%20banks/clip.mp4", If_None_Match=headers["etag"])[::2] == (304, b"")


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("clip.en.vtt", "text/vtt; charset=utf-8"),
        ("clip.en.srt", "application/x-subrip; charset=utf-8"),
        ("kuramoto.nc", "application/x-netcdf"),
        ("explorable.mjs", "text/javascript; charset=utf-8"),
        ("clip.webp", "image/webp"),
        ("SHA256SUMS", "text/plain; charset=utf-8"),
        ("", "text/html; charset=utf-8"),
    ],
)
def test_every_file_of_a_bundle_has_its_own_type(port, name, kind):
    assert asked(port, f"/two%20banks/{name}")[1]["content-type"] == kind


@pytest.mark.parametrize(
    "path",
    [
        "/../secret.txt",
        "/two%20banks/../../secret.txt",
        "/%2e%2e/secret.txt",
        "/%2e%2e%2fsecret.txt",
        "/..%2fsecret.txt",
        "/%252e%252e/secret.txt",
        "/.%00./secret.txt",
        "/..%5csecret.txt",
        "/..\\secret.txt",
        "/....//secret.txt",
        "/two%20banks/%2e%2e/%2e%2e/secret.txt",
        "//{outside}/secret.txt",
        "/{outside}/secret.txt",
        "/%2f{outside}/secret.txt",
        "/file:///{outside}/secret.txt",
        "/out.txt",
        "/out/secret.txt",
        "/in.txt",
        "/.git/config",
        "/%2egit/config",
        "/two%20banks/.clip.mp4.abc.part",
        "/two%20banks/clip.mp4%00.txt",
        "/%c0%ae%c0%ae/secret.txt",
        "/%ff",
        "/" + "a" * 5000,
        "/" + "a/" * 3000,
        "/sections",
        "/sections/",
        "/two%20banks/nothing.mp4",
        "http://example.org/../secret.txt",
    ],
)
def test_nothing_is_served_that_is_outside_hidden_or_no_file(port, place, path):
    status, _, body = asked(port, path.replace("{outside}", str(place.parent).lstrip("/")))
    assert status in (400, 403, 404)
    assert SECRET not in body
    assert b"1.mp4" not in body


def test_nothing_can_be_written_and_no_other_name_leads_here(port):
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        assert asked(port, "/two%20banks/clip.mp4", method, Content_Length="0")[0] == 405
    status, _, body = asked(port, "/two%20banks/clip.mp4", Host=f"rebound.example:{port}")
    assert status == 400
    assert CLIP[:10] not in body


def test_other_machines_are_not_listened_to(port):
    others = {found[4][0] for found in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)}
    for address in others - {"127.0.0.1"}:
        with pytest.raises(OSError):
            socket.create_connection((address, port), timeout=2)
    with listening(0) as ours:
        assert ours.getsockname()[0] == "127.0.0.1"


def test_what_answers_is_the_file_but_for_the_script_that_a_page_ends_with(port, place):
    _, _, body = asked(port, "/two%20banks/index.html")
    file = (place / "two banks" / "index.html").read_bytes()
    assert body.startswith(file)
    assert b"EventSource" in body[len(file) :]
    assert b"EventSource" not in file


def test_a_folder_asked_for_without_its_slash_leads_to_the_one_with(port):
    status, headers, _ = asked(port, "/two%20banks")
    assert status == 307
    assert headers["location"] == f"http://127.0.0.1:{port}/two%20banks/"


def test_a_port_in_use_is_one_line_with_the_remedy(port, tmp_path):
    with pytest.raises(Mistyped, match=rf"port {port} is in use; take another: --port \d+, or any: --port 0"):
        serve(tmp_path, port)
    for impossible in (-1, 65536):
        with pytest.raises(Mistyped, match="from 0 to 65535; got"):
            serve(tmp_path, impossible)
    with pytest.raises(Mistyped, match=r"there is no folder .*nowhere; `scenes gallery` makes one"):
        serve(tmp_path / "nowhere")


class Stream:
    """The stream of changes of a page, read as it comes."""

    def __init__(self, port: int, address: str) -> None:
        self.line = socket.create_connection(("127.0.0.1", port), timeout=0.2)
        self.line.sendall(f"GET /.changes{address} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        self.heard = b""

    def told(self, wanted: int, within: float) -> list[bytes]:
        """All that was told, once it is so much or the time is over."""
        end = time.monotonic() + within
        while time.monotonic() < end and len(self.stamps) < wanted:
            try:
                more = self.line.recv(4096)
            except TimeoutError:
                continue
            if not more:
                break
            self.heard += more
        return self.stamps

    @property
    def stamps(self) -> list[bytes]:
        return [line[6:].strip() for line in self.heard.split(b"\n") if line.startswith(b"data: ")]


def test_a_change_is_told_once_it_is_whole_and_only_to_pages_that_show_it(tmp_path):
    for name in ("metronomes", "two banks"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "clip.mp4").write_bytes(CLIP)
    server, port = started(tmp_path)
    try:
        streams = [Stream(port, address) for address in ("/", "/metronomes/", "/two%20banks/")]
        for stream in streams:
            assert len(stream.told(1, 10)) == 1
        time.sleep(0.5)
        beside = tmp_path / "two banks" / ".clip.mp4.x.part"
        beside.write_bytes(CLIP)
        assert len(streams[0].told(2, 1)) == 1, "what is half written is no change"
        beside.rename(tmp_path / "two banks" / "clip.mp4")
        for _ in range(8):  # and the files beside it, one after the other
            (tmp_path / "two banks" / "clip.en.vtt").write_text("WEBVTT")
            time.sleep(0.05)
        assert len(streams[0].told(2, 10)) == 2
        assert len(streams[2].told(2, 10)) == 2
        # nine files within half a second are one change, or two where the machine is busy
        assert len(streams[0].told(4, 0.8)) <= 3
        assert len(streams[2].told(4, 0.8)) <= 3
        assert len(streams[1].told(2, 0.8)) == 1
    finally:
        server.send_signal(signal.SIGINT)
        out, err = server.communicate(timeout=20)
    assert (server.returncode, out, err) == (0, "ended\n", ""), "Ctrl-C ends it, with pages still listening"


@pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on this machine")
def test_a_page_in_a_browser_reloads_when_its_clip_changes_and_not_for_another(tmp_path):
    from playwright.sync_api import sync_playwright

    for name in ("one film", "other"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "index.html").write_text(f"<!doctype html><title>{name}</title><h1>first</h1>")
    page_file = tmp_path / "one film" / "index.html"
    server, port = started(tmp_path)
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
            page = browser.new_page()
            errors = []
            page.on(
                "console", lambda message: errors.append(message.text) if message.type == "error" else None
            )
            with page.expect_request("**/.changes/**"):
                page.goto(f"http://127.0.0.1:{port}/one%20film/")
            page.evaluate("window.seen = true")
            (tmp_path / "other" / "clip.mp4").write_bytes(CLIP)
            page.wait_for_timeout(1200)
            assert page.evaluate("window.seen"), "another film is no reason to begin again"
            with page.expect_navigation(timeout=10_000):
                page_file.write_text("<!doctype html><title>one</title><h1>second</h1>")
            assert page.inner_text("h1") == "second"
            page.wait_for_timeout(800)
            page.evaluate("window.seen = true")
            page.wait_for_timeout(800)
            assert page.evaluate("window.seen"), "one change, one time"
            browser.close()
            assert not [error for error in errors if "favicon" not in error and "404" not in error]
    finally:
        server.send_signal(signal.SIGINT)
        server.communicate(timeout=20)
    assert page_file.read_text() == "<!doctype html><title>one</title><h1>second</h1>"
