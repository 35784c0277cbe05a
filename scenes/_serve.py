"""`scenes serve`: a folder of clips on this machine's own address, whose pages reload when a clip changes.

Starlette answers for files, ranges and what may not be reached; here is what is ours: types of files, nothing
hidden, nothing for other machines, and a few lines of script that the server alone adds to pages.
"""

import asyncio
import errno
import json
import os
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path, PurePosixPath

import anyio
import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Scope
from watchfiles import Change, awatch

from sims._command import Mistyped

HOST = "127.0.0.1"
TYPES = {
    "": "text/plain; charset=utf-8",  # SHA256SUMS
    ".js": "text/javascript; charset=utf-8",
    ".m4a": "audio/mp4",
    ".md": "text/markdown; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".mov": "video/quicktime",
    ".mp4": "video/mp4",
    ".nc": "application/x-netcdf",
    ".pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    ".srt": "application/x-subrip; charset=utf-8",
    ".vtt": "text/vtt; charset=utf-8",
    ".webm": "video/webm",
    ".webp": "image/webp",
}
QUIET, LONGEST = 300, 10_000  # ms: pages hear of a change once nothing is written any more, or after so long
ENDING = 300  # ms: so often the watch looks whether it is to end
LOOK = 0.2  # seconds between two looks at whether there is something to tell a page
BEAT = 10.0  # seconds after which a page that was told nothing is found to be gone

# A browser keeps six connections to a server, so pages that nobody sees give theirs back.
SCRIPT = """
<script>
{
  const loaded = %s;
  let source;
  const listen = () => {
    source?.close();
    if (document.hidden) return;
    source = new EventSource("/.changes" + location.pathname.replace(/[^/]*$/, ""));
    source.onmessage = ({ data }) => data === loaded || location.reload();
  };
  document.addEventListener("visibilitychange", listen);
  listen();
}
</script>
"""


class Changes:
    """How often something changed in each folder, which is named as its address is: / and /metronomes/."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self.began = time.time_ns()  # a server that is started anew knows nothing of before
        self.counts: dict[str, int] = {}

    def stamp(self, address: str) -> str:
        """Another text after each change in the folder of that address."""
        return f"{self.began}.{self.counts.get(address, 0)}"

    async def watch(self) -> None:
        """Count, for as long as this runs; what is hidden, as files half written are, does not count."""
        watched = awatch(
            self.folder, watch_filter=self.seen, debounce=LONGEST, step=QUIET, rust_timeout=ENDING
        )
        async for changes in watched:
            inner = [PurePosixPath(Path(path).relative_to(self.folder).as_posix()) for _, path in changes]
            for folder in {parent for path in inner for parent in path.parents}:
                address = "/" if folder == PurePosixPath() else f"/{folder}/"
                self.counts[address] = self.counts.get(address, 0) + 1

    def seen(self, change: Change, path: str) -> bool:
        return not hidden(Path(path).relative_to(self.folder))


def hidden(path: Path) -> bool:
    """Whether a path from the folder leads to or through something hidden."""
    return any(part.startswith(".") for part in path.parts)


class Files(StaticFiles):
    """The files of a folder, index.html for a folder that has one, and no list of any folder."""

    def __init__(self, changes: Changes) -> None:
        super().__init__(directory=changes.folder, html=True)
        self.changes = changes

    def lookup_path(self, path: str) -> tuple[str, os.stat_result | None]:
        full, found = super().lookup_path(path)
        if found and (hidden(Path(full).relative_to(self.changes.folder)) or not os.access(full, os.R_OK)):
            return "", None
        return full, found

    def file_response(
        self,
        full_path: str | os.PathLike[str],
        stat_result: os.stat_result,
        scope: Scope,
        status_code: int = 200,
    ) -> Response:
        path = Path(full_path)
        if path.suffix == ".html":
            stamp = self.changes.stamp(scope["path"].rpartition("/")[0] + "/")
            page = path.read_bytes() + (SCRIPT % json.dumps(stamp)).encode()
            return HTMLResponse(page, status_code, {"Cache-Control": "no-store"})
        response = super().file_response(full_path, stat_result, scope, status_code)
        # asked for again each time, and answered in no time where it is still the same
        response.headers["Cache-Control"] = "no-cache"
        if isinstance(response, FileResponse):
            response.headers["X-Content-Type-Options"] = "nosniff"
            if path.suffix in TYPES:
                response.headers["Content-Type"] = TYPES[path.suffix]
        return response


def application(folder: Path, ending: Callable[[], bool]) -> Starlette:
    """What answers: files, and for each page a stream of changes, until the server is `ending`."""
    changes = Changes(folder)

    async def stream(address: str) -> AsyncIterator[str]:
        told, waited = "", 0.0
        while not ending():
            now = changes.stamp(address)
            waited = waited + LOOK if now == told else 0.0
            if now != told:
                yield f"data: {now}\n\n"
            elif waited > BEAT:
                yield ":\n\n"
                waited = 0.0
            told = now
            await asyncio.sleep(LOOK)

    async def tell(request: Request) -> Response:
        address = "/" + request.path_params["address"]
        return StreamingResponse(
            stream(address), media_type="text/event-stream", headers={"Cache-Control": "no-store"}
        )

    @asynccontextmanager
    async def watching(_: Starlette) -> AsyncIterator[None]:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(changes.watch)
            yield
            tasks.cancel_scope.cancel()

    # a page from elsewhere whose name is made to lead here must not read what is here
    own = Middleware(TrustedHostMiddleware, allowed_hosts=[HOST, "localhost"])
    routes = [Route("/.changes/{address:path}", tell), Mount("/", Files(changes))]
    return Starlette(routes=routes, middleware=[own], lifespan=watching)


def listening(port: int) -> socket.socket:
    """A socket on this machine's own address; port 0 is any that is free. Raises Mistyped."""
    if not 0 <= port <= 65535:
        raise Mistyped(f"a port is a number from 0 to 65535; got {port}")
    ours = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        ours.bind((HOST, port))
        # only a socket that listens shows that another does
        ours.listen()
    except OSError as error:
        ours.close()
        if error.errno == errno.EADDRINUSE:
            raise Mistyped(
                f"port {port} is in use; take another: --port {port + 1}, or any: --port 0"
            ) from None
        if error.errno == errno.EACCES:
            raise Mistyped(f"port {port} is the system's own; take one above 1023: --port 8000") from None
        raise
    return ours


def serve(folder: Path, port: int = 8000, say: Callable[[str], object] = print) -> None:
    """Serve a folder on this machine until Ctrl-C; the address is said once it answers.

    Raises Mistyped where there is no such folder, or the port cannot be had.
    """
    if not folder.is_dir():
        raise Mistyped(f"there is no folder {folder}; `scenes gallery` makes one of what was rendered")
    ours = listening(port)
    with ours:
        config = uvicorn.Config(
            application(folder, lambda: server.should_exit),
            log_config=None,
            log_level="error",
            lifespan="on",
            ws="none",
            server_header=False,
        )
        server = uvicorn.Server(config)
        with suppress(KeyboardInterrupt):
            say(f"{folder} is at http://{HOST}:{ours.getsockname()[1]}/ until Ctrl-C")
            server.run(sockets=[ours])
