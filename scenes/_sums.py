"""A bundle sealed: SHA-256 of its files and of what its clip shows, and the whole as one zip.

SHA256SUMS is read by `sha256sum -c` too; the frames' sum is that of
`ffmpeg -i clip.mp4 -f rawvideo - | sha256sum`.
"""

import errno
import hashlib
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zipfile import ZipFile, ZipInfo

import av
import numpy as np

from scenes._formats import written
from scenes._store import Store, key
from sims._command import Mistyped
from sims._file import write_whole

NAME = "SHA256SUMS"
LINE = re.compile(r"(\\?)([0-9a-f]{64}) [ *](.+)")
ESCAPES = {"\\": "\\\\", "\n": "\\n", "\r": "\\r"}
MEANT = {typed: letter for letter, typed in ESCAPES.items()}


class DamagedSums(ValueError):
    """A SHA256SUMS that cannot be read; says which line."""


def files(folder: Path) -> list[str]:
    """What belongs to a bundle, as paths from its folder, sorted: all but its sums and what is hidden.

    A link is no file of a bundle, whatever it leads to: what it shows may change without the bundle.
    """
    found: list[Path] = []
    for place, folders, names in os.walk(folder):  # which goes into no folder that is a link
        folders[:] = [name for name in folders if not name.startswith(".")]
        paths = [Path(place, name) for name in names if not name.startswith(".")]
        found += [path for path in paths if not path.is_symlink() and path != folder / NAME]
    return sorted(path.relative_to(folder).as_posix() for path in found)


def sha256(path: Path) -> str:
    """Of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def seal(folder: Path) -> Path:
    """Write SHA256SUMS for all that lies in a bundle's folder now; last of all that is written there."""
    lines = []
    for name in files(folder):
        typed = "".join(ESCAPES.get(letter, letter) for letter in name)
        mark = "" if typed == name else "\\"
        lines.append(f"{mark}{sha256(folder / name)}  {typed}\n")
    return write_whole(folder / NAME, "".join(lines).encode(errors="surrogateescape"))


def sums(folder: Path) -> dict[str, str]:
    """What SHA256SUMS tells: the sum of each file by its name. Raises DamagedSums, OSError."""
    told: dict[str, str] = {}
    text = (folder / NAME).read_bytes().decode(errors="surrogateescape")
    for number, line in enumerate(text.removesuffix("\n").split("\n"), 1):
        match = LINE.fullmatch(line)
        if match is None:
            raise DamagedSums(f"{NAME}, line {number}, is none of sha256sum's: {line[:80]!r}")
        escaped, digest, name = match.groups()
        if escaped:
            name = re.sub(r"\\.", lambda found: MEANT.get(found[0], found[0]), name)
        if name in told:
            raise DamagedSums(f"{NAME}, line {number}, names {name!r} a second time")
        told[name] = digest
    return told


def frames_sha256(clip: Path) -> str:
    """SHA-256 over the decoded frames of a clip, one after the other, as they lie in its own pixel format.

    It is the same whatever container, chapters or tags they are wrapped in. `clip` may be a folder of
    pictures. Raises OSError where it cannot be decoded.
    """
    sha = hashlib.sha256()
    for path in sorted(clip.glob("*.png")) if clip.is_dir() else [clip]:
        try:
            for frame in _decoded(path):
                for plane, width in zip(frame.planes, _widths(frame), strict=True):
                    lines = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)
                    sha.update(np.ascontiguousarray(lines[: plane.height, :width]).data)
        except av.FFmpegError as error:
            raise OSError(error.errno, f"cannot decode {path}: {error.strerror}") from None
    return sha.hexdigest()


def frames_kept(clip: Path) -> str:
    """The same, kept for the next time that a clip of these very bytes is made; not for a check."""
    contents = [sha256(path) for path in (sorted(clip.glob("*.png")) if clip.is_dir() else [clip])]
    store, name = Store(), key("frames", contents)
    path = store.find(name, ".sha256")
    if path:
        kept = path.read_text(encoding="ascii", errors="replace")
        if re.fullmatch("[0-9a-f]{64}", kept):
            return kept
    digest = frames_sha256(clip)
    store.keep(name, ".sha256", digest.encode())
    return digest


def _decoded(path: Path) -> Iterator[Any]:
    with av.open(str(path)) as clip:
        if not clip.streams.video or clip.streams.video[0].codec_context is None:
            raise OSError(errno.EINVAL, f"cannot decode {path}: it has no pictures")
        video = clip.streams.video[0]
        decoder: Any = video.codec_context
        if video.metadata.get("alpha_mode") == "1":  # known only to libvpx's own decoder
            decoder = av.CodecContext.create("libvpx-vp9", "r")
        decoder.thread_type = "AUTO"
        for packet in clip.demux(video):
            yield from decoder.decode(packet if packet.size else None)


def _widths(frame: Any) -> Iterator[int]:
    """Of a line of each plane, in bytes; behind it memory is only filled up."""
    for number, plane in enumerate(frame.planes):
        held = [component for component in frame.format.components if component.plane == number]
        # samples that share a plane lie side by side; those of ten bits take two bytes
        yield plane.width * -(-sum(component.bits for component in held) // 8)


def pack(folder: Path) -> Path:
    """A bundle as FOLDER.zip beside its folder: the same bytes whenever and wherever it is packed.

    Nothing is pressed: film and data are already, and what zlib makes of the rest is each version's own.
    Raises Mistyped where the folder holds nothing.
    """
    folder = folder.resolve()
    if not folder.is_dir():
        raise Mistyped(f"there is no folder {folder} to pack; `scenes render` makes one")
    names = [*files(folder), *([NAME] if (folder / NAME).is_file() else [])]
    if not names:
        raise Mistyped(f"{folder} holds nothing to pack; `scenes render` fills it")
    path = folder.with_name(f"{folder.name}.zip")
    with written(path) as beside, ZipFile(beside, "w") as packed:
        for name in sorted(names):
            # a fixed date, and the rights of a plain file, whoever packs it
            entry = ZipInfo(f"{folder.name}/{name}")
            entry.create_system, entry.external_attr = 3, 0o100644 << 16
            entry.file_size = (folder / name).stat().st_size
            with (folder / name).open("rb") as file, packed.open(entry, "w") as into:
                shutil.copyfileobj(file, into)
    return path
