"""Clips that fail: one line that names the file and the remedy, nothing half done, no thread left."""

import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from clips import FPS, HEIGHT, VIDEOS, WIDTH, decoded, encoded, film

from scenes._encode import Picture, Piece
from scenes._formats import FORMATS, TRANSPARENT, DamagedPiece, NoEncoder, NoSuchFormat, choose
from scenes._join import join


@pytest.mark.parametrize(
    "form", [*VIDEOS.values(), FORMATS["gif"], FORMATS["png-sequence"]], ids=lambda f: f.name
)
@pytest.mark.parametrize("error", [ZeroDivisionError, KeyboardInterrupt, SystemExit])
def test_whatever_interrupts_it_a_piece_leaves_no_file_and_no_thread(form, error, tmp_path):
    before = set(threading.enumerate())

    def interrupted():
        with Piece(tmp_path / "a.piece", WIDTH, HEIGHT, FPS, form) as piece:
            for surface, box in film(10):
                piece.write(surface, box)
            raise error

    with pytest.raises(error):
        interrupted()
    assert list(tmp_path.iterdir()) == []
    assert set(threading.enumerate()) <= before


def test_a_piece_made_again_replaces_the_old_one(tmp_path):
    for form in (FORMATS["mp4"], FORMATS["png-sequence"]):
        folder = tmp_path / form.name
        folder.mkdir()
        for lengths in ((5,), (3,)):
            (piece,), _ = encoded(folder, form, lengths=lengths)
        assert list(folder.iterdir()) == [piece]
        assert (len(list(piece.iterdir())) if form.folder else len(decoded(piece))) == 3


def test_an_error_of_the_encoding_thread_comes_out_and_leaves_nothing(tmp_path, monkeypatch):
    def fail(*frame):
        raise MemoryError("no room for the picture")

    monkeypatch.setattr(Picture, "put", fail)
    piece = Piece(tmp_path / "a", WIDTH, HEIGHT, FPS, FORMATS["mp4"])

    def drawn():
        with piece:
            for surface, box in film(50):
                piece.write(surface, box)

    with pytest.raises(MemoryError, match="no room"):
        drawn()
    assert piece.frames < 10
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("form", [*FORMATS.values(), *TRANSPARENT.values()], ids=lambda f: f.name)
def test_a_full_disk_is_told_with_the_file_and_leaves_nothing(form, tmp_path):
    program = f"""
import resource, sys
import numpy as np
from pathlib import Path
from scenes._encode import Piece
from scenes._formats import FORMATS, TRANSPARENT
from scenes._join import join
from scenes._tiles import grid
every = np.ones(grid(320, 180).shape, bool)
form = (TRANSPARENT if {form.alpha} else FORMATS)[{form.name!r}]
folder, rng, frame = Path({str(tmp_path)!r}), np.random.default_rng(0), np.full((180, 320, 4), 255, np.uint8)
def encode(path):
    with Piece(path, 320, 180, 30, form) as piece:
        for _ in range(12):
            frame[..., :3] = rng.integers(0, 256, (180, 320, 3))
            piece.write(frame, every)
encode(folder / "whole")
resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000))
for work in (lambda: encode(folder / "piece"), lambda: join([folder / "whole"], folder / "clip", form, 30)):
    try:
        work()
    except OSError as error:
        print(error.strerror or error)
    else:
        print("done")
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    first, second = done.stdout.splitlines()
    assert first.startswith(f"cannot write {tmp_path / 'piece'}: File too large; ")
    if form.folder:
        assert second == "done"  # links need no room
        (tmp_path / "clip").rename(tmp_path / "gone")
        assert {file.name for file in tmp_path.iterdir()} == {"whole", "gone"}
    else:
        assert second.startswith(f"cannot write {tmp_path / 'clip'}: File too large; ")
        assert {file.name for file in tmp_path.iterdir()} == {"whole"}
    assert done.stderr == ""


def test_a_folder_that_is_not_there_is_named(tmp_path):
    nowhere = tmp_path / "nowhere" / "a.piece"
    with (
        pytest.raises(FileNotFoundError, match=r"cannot write .*nowhere"),
        Piece(nowhere, WIDTH, HEIGHT, FPS, FORMATS["mp4"]),
    ):
        pass
    pieces, _ = encoded(tmp_path, FORMATS["mp4"], lengths=(2,))
    with pytest.raises(FileNotFoundError, match=r"cannot write .*nowhere"):
        join(pieces, nowhere, FORMATS["mp4"], FPS)


def test_a_read_only_folder_is_told_with_the_remedy(tmp_path, monkeypatch):
    # the system's answer is put in its place: root may write everywhere
    def refused(*args, **kwargs):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("tempfile.mkstemp", refused)
    with pytest.raises(PermissionError) as told, Piece(tmp_path / "a", WIDTH, HEIGHT, FPS, FORMATS["mp4"]):
        pass
    assert (
        told.value.strerror
        == f"cannot write {tmp_path / 'a'}: Permission denied; choose a folder you may write to"
    )


def test_a_missing_encoder_is_named_before_anything_is_drawn(tmp_path):
    form = replace(FORMATS["mp4"], codec="libx299")
    with pytest.raises(NoEncoder, match=r"mp4 needs the encoder libx299.*--format"):
        Piece(tmp_path / "a", WIDTH, HEIGHT, FPS, form)
    assert list(tmp_path.iterdir()) == []


def test_a_format_is_chosen_by_name_and_transparency():
    assert choose("webm").alpha is False
    assert choose("webm", transparent=True).pixels == "yuva420p"
    with pytest.raises(NoSuchFormat, match="no format avi; choose from mp4, webm, gif, png-sequence"):
        choose("avi")
    with pytest.raises(
        NoSuchFormat, match="no format mp4 with --transparent; choose from webm, mov, png-seq"
    ):
        choose("mp4", transparent=True)


@pytest.mark.parametrize("size", [(161, 90), (160, 91), (0, 90)])
def test_odd_sizes_are_refused(size, tmp_path):
    with pytest.raises(ValueError, match="even width and height"):
        Piece(tmp_path / "a", *size, FPS, FORMATS["mp4"])


def test_a_piece_without_frames_and_a_frame_of_another_size_are_refused(tmp_path):
    with pytest.raises(ValueError, match="no frames"), Piece(tmp_path / "a", 16, 16, FPS, FORMATS["mp4"]):
        pass
    with (
        pytest.raises(ValueError, match="shape"),
        Piece(tmp_path / "a", 16, 16, FPS, FORMATS["mp4"]) as piece,
    ):
        piece.write(np.zeros((16, 18, 4), np.uint8), None)
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_or_foreign_piece_is_named_and_the_old_clip_stays(tmp_path):
    form, clip = FORMATS["mp4"], tmp_path / "clip.mp4"
    pieces, _ = encoded(tmp_path, form, lengths=(9, 9, 9))
    join(pieces, clip, form, FPS)
    whole, piece = clip.read_bytes(), pieces[1]
    good = piece.read_bytes()

    def other_size():
        with Piece(piece, 64, 64, FPS, form) as foreign:
            foreign.write(np.zeros((64, 64, 4), np.uint8), None)

    spoilt = [
        lambda: piece.write_bytes(good[: len(good) // 2]),
        lambda: piece.write_bytes(b""),
        lambda: Path(piece).unlink(),
        other_size,
    ]
    for spoil in spoilt:
        spoil()
        with pytest.raises(DamagedPiece, match=r"1\.piece .*run again") as told:
            join(pieces, clip, form, FPS)
        assert told.value.piece == piece
        assert clip.read_bytes() == whole
        assert {file.name for file in tmp_path.iterdir()} <= {"0.piece", "1.piece", "2.piece", "clip.mp4"}
    piece.write_bytes(good)
    join(pieces, clip, form, FPS)
    assert clip.read_bytes() == whole
