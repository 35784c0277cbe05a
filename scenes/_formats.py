"""What a clip can be: MP4, WebM, GIF, ProRes or single pictures, with or without transparency.

Every figure that fixes a clip's bytes stands here, so that a cache can name it.
"""

import errno
import fcntl
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import av

from scenes._store import remove
from sims._command import Mistyped

# one thread: the bytes of x264 and of libvpx depend on how many there are
ONE_THREAD = {"threads": "1"}
# The theme's colours are sRGB, and said to be. The matrix is that of BT.601: where Chromium has no graphics
# card its BT.709 has a factor for blue that does not fit its eight bits, and #FFFF24 becomes #FFFF2F.
# Each chroma sample is the mean of four pixels, which lies in their middle.
COLOURS = {
    "color_primaries": "bt709",
    "color_trc": "iec61966-2-1",
    "colorspace": "smpte170m",
    "color_range": "tv",
    "chroma_sample_location": "center",
}
# what programs that cut video take ProRes for, whatever it says
VIDEO_COLOURS = {
    "color_primaries": "bt709",
    "color_trc": "bt709",
    "colorspace": "bt709",
    "color_range": "tv",
}


@dataclass(frozen=True)
class Format:
    """How frames become a clip.

    Pieces lie in the container `held` and are joined packet by packet into the container `clip`; a GIF is
    encoded once more at the end, from pieces that lost nothing. `clip` is empty where the clip is a folder.
    """

    name: str
    suffix: str
    codec: str
    pixels: str
    held: str
    clip: str
    options: Mapping[str, str] = field(default_factory=dict)
    swift: Mapping[str, str] = field(default_factory=dict)
    alpha: bool = False

    @property
    def folder(self) -> bool:
        """Whether the clip is a folder of pictures."""
        return not self.clip

    def settings(self, swift: bool) -> dict[str, str]:
        """What the encoder is told, for a draft or for good."""
        return {**ONE_THREAD, **self.options, **(self.swift if swift else {})}


_HIGH = "8x8dct=1:cabac=1:partitions=i8x8,i4x4,p8x8"
_H264 = Format(
    name="mp4",
    suffix=".mp4",
    codec="libx264",
    pixels="yuv420p",
    held="mp4",
    clip="mp4",
    # Flat pictures need little of what slower presets search for. With these tools of the High profile,
    # ultrafast at 23 is some 5 dB nearer to the picture than veryfast at 18, in half the time, at two and
    # a half times the bytes: about 12 MB for two minutes at 1080p60.
    options={**COLOURS, "preset": "ultrafast", "crf": "23", "profile": "high", "x264-params": _HIGH},
    # 8×8 transforms are what makes a stream High; the rest is plain ultrafast
    swift={"crf": "28", "x264-params": "8x8dct=1"},
)
_VP9 = {**COLOURS, "deadline": "good", "cpu-used": "4", "crf": "30", "b": "0", "row-mt": "0"}
_VP9_SWIFT = {"deadline": "realtime", "cpu-used": "8", "crf": "40"}
_WEBM = Format(
    name="webm",
    suffix=".webm",
    codec="libvpx-vp9",
    pixels="yuv420p",
    held="matroska",
    clip="webm",
    options=_VP9,
    swift=_VP9_SWIFT,
)
_GIF = Format(
    name="gif",
    suffix=".gif",
    codec="ffv1",
    pixels="bgr0",
    held="matroska",
    clip="gif",
    options={"level": "3", "slicecrc": "0", "g": "1"},
)
_PICTURES = Format(
    name="png-sequence", suffix="", codec="png", pixels="bgr0", held="", clip="", options={"compress": "6"}
)

FORMATS = {form.name: form for form in (_H264, _WEBM, _GIF, _PICTURES)}
TRANSPARENT = {
    form.name: form
    for form in (
        Format(
            name="webm",
            suffix=".webm",
            codec="libvpx-vp9",
            pixels="yuva420p",
            held="matroska",
            clip="webm",
            # libvpx encodes colour and alpha apart, and a hidden frame in one of them alone parts the two
            options={**_VP9, "auto-alt-ref": "0"},
            swift=_VP9_SWIFT,
            alpha=True,
        ),
        Format(
            name="mov",
            suffix=".mov",
            codec="prores_ks",
            pixels="yuva444p10le",
            held="mov",
            clip="mov",
            options={**VIDEO_COLOURS, "profile": "4444", "alpha_bits": "8", "vendor": "apl0"},
            alpha=True,
        ),
        Format(
            name="png-sequence",
            suffix="",
            codec="png",
            pixels="bgra",
            held="",
            clip="",
            options={"compress": "6"},
            alpha=True,
        ),
    )
}


class NoSuchFormat(Mistyped):
    """A format that is not known, or not with transparency."""


class NoEncoder(OSError):
    """An encoder that this machine's PyAV was built without."""


def choose(name: str, transparent: bool = False) -> Format:
    """The format of that name. Raises NoSuchFormat, also where it has no transparency; NoEncoder."""
    formats = TRANSPARENT if transparent else FORMATS
    if name not in formats:
        with_alpha = " with --transparent" if transparent else ""
        raise NoSuchFormat(f"there is no format {name}{with_alpha}; choose from {', '.join(formats)}")
    require(formats[name])
    return formats[name]


def require(form: Format) -> None:
    """Raise NoEncoder unless the encoders that the format needs are there."""
    if form.folder:
        return
    for codec in (form.codec, "gif") if form.clip == "gif" else (form.codec,):
        try:
            av.codec.Codec(codec, "w")
        except av.codec.codec.UnknownCodecError:
            raise NoEncoder(
                f"{form.name} needs the encoder {codec}, which this PyAV lacks; "
                "choose another --format, or reinstall it: pip install --force-reinstall av"
            ) from None


class DamagedPiece(OSError):
    """A piece that cannot be read, or was encoded with other settings than the first: `piece` is its path."""

    def __init__(self, piece: Path, what: str) -> None:
        super().__init__(f"{piece} {what}; remove it and run again")
        self.piece = piece


REMEDIES = {
    errno.ENOSPC: "free some space and run it again; finished pieces are kept",
    errno.EDQUOT: "free some space and run it again; finished pieces are kept",
    errno.EFBIG: "the system allows no larger file here; choose another folder",
    errno.EACCES: "choose a folder you may write to",
    errno.EPERM: "choose a folder you may write to",
    errno.EROFS: "choose a folder you may write to",
    errno.ENOMEM: "choose a lower quality or fewer jobs",
}


def told(path: Path, error: Exception) -> OSError:
    """An error of the system or of FFmpeg as one line: which file, what happened, what to do."""
    code = getattr(error, "errno", None) or errno.EIO
    # FFmpeg's own codes are no errno
    system = code in errno.errorcode
    what = os.strerror(code) if system else getattr(error, "strerror", None) or str(error)
    remedy = REMEDIES.get(code)
    return OSError(
        code if system else errno.EIO, f"cannot write {path}: {what}" + (f"; {remedy}" if remedy else "")
    )


@contextmanager
def telling(path: Path) -> Iterator[None]:
    """Errors of writing within this block name the file and the remedy."""
    try:
        yield
    except DamagedPiece:
        raise
    except (OSError, av.FFmpegError) as error:
        raise told(path, error) from None


@contextmanager
def written(path: Path, folder: bool = False) -> Iterator[Path]:
    """A file or folder beside `path` to write to, which takes its place when the block ends well.

    Whatever else happens, nothing is left; only a signal leaves `.NAME.*.part`, which nobody takes for `path`
    and which `sweep` removes, at the latest when `path` is written next.
    """
    with telling(path):
        sweep(path)
        beside, lock = _begun(path, folder)
    try:
        yield beside
        with telling(path):
            beside.chmod((0o777 if folder else 0o666) & ~_umask())
            _take_place(beside, path)
    finally:
        if folder:
            shutil.rmtree(beside, ignore_errors=True)
        else:
            beside.unlink(missing_ok=True)
        os.close(lock)


def _begun(path: Path, folder: bool) -> tuple[Path, int]:
    """A new file or folder beside `path`, and a lock on it, which ends with this process in any case."""
    make = tempfile.mkdtemp if folder else _mkstemp
    while True:
        beside = Path(make(dir=path.parent, prefix=f".{path.name}.", suffix=".part"))
        with suppress(FileNotFoundError):
            lock = os.open(beside, os.O_RDONLY)
            with suppress(OSError):  # a network's disk may have no locks: then nothing is swept there either
                fcntl.flock(lock, fcntl.LOCK_EX)
            if beside.exists():  # and was not swept before it was locked
                return beside, lock
            os.close(lock)


def sweep(path: Path) -> None:
    """Remove what killed writers of `path` left; what another is writing is locked and stays."""
    left = re.compile(rf"\.{re.escape(path.name)}\.[^.]+\.part")
    for name in filter(left.fullmatch, os.listdir(path.parent)):
        with suppress(OSError):
            lock = os.open(path.parent / name, os.O_RDONLY)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                remove(path.parent / name)
            finally:
                os.close(lock)


def _mkstemp(dir: Path, prefix: str, suffix: str) -> str:
    handle, name = tempfile.mkstemp(dir=dir, prefix=prefix, suffix=suffix)
    os.close(handle)
    return name


def _take_place(beside: Path, path: Path) -> None:
    if beside.is_dir() and path.exists():
        # a folder is not replaced in one step: the old one goes aside first
        old, lock = _begun(path, folder=True)
        path.replace(old / "old")
        beside.replace(path)
        shutil.rmtree(old, ignore_errors=True)
        os.close(lock)
    else:
        beside.replace(path)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
