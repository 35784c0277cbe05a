"""Bytes on disk, and after them their SHA-256: what is read is what was written, or it is damaged.

What is read of a damaged archive raises almost anything (of an .npz: BadZipFile, KeyError, EOFError,
NotImplementedError, …), or nothing at all; so the sum is looked at first, and what is wrong after that is a
fault of the code. An archive with its sum after it is still one for who does not ask.
"""

import hashlib
import io
from pathlib import Path

SUM = hashlib.sha256().digest_size


class Damaged(ValueError):
    """What a file holds is not what was written."""


def seal(data: bytes | memoryview) -> bytes:
    """The bytes to write for `data`."""
    return b"".join((data, hashlib.sha256(data).digest()))


def unseal(path: Path) -> io.BytesIO:
    """The data that was sealed into a file. Raises Damaged, and OSError where it can't be read."""
    written = memoryview(path.read_bytes())
    data, told = written[:-SUM], written[-SUM:]
    if hashlib.sha256(data).digest() != told:
        raise Damaged(f"{path} is not what was written")
    return io.BytesIO(data)
