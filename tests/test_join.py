"""A clip of pieces is whole or is not made."""

import pytest
from clips import FPS, encoded

from scenes._formats import FORMATS, TRANSPARENT, DamagedPiece
from scenes._join import join


@pytest.mark.parametrize(
    "form", [*FORMATS.values(), *TRANSPARENT.values()], ids=lambda f: f"{f.name} {f.alpha}"
)
def test_a_piece_cut_off_anywhere_is_named_and_never_makes_a_shorter_clip(form, tmp_path):
    """Matroska that ends early reads like a shorter film."""
    lengths, clip = (1, 12, 9), tmp_path / "clip"
    pieces, _ = encoded(tmp_path, form, lengths=lengths)
    join(pieces, clip, form, FPS, frames=lengths)
    if form.folder:
        (pieces[1] / "000012.png").unlink()
        with pytest.raises(DamagedPiece, match=r"1\.piece holds 11 frames of 12; .*run again"):
            join(pieces, clip, form, FPS, frames=lengths)
        return
    whole, good = clip.read_bytes(), pieces[1].read_bytes()
    for share in (0.1, 0.3, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99):
        pieces[1].write_bytes(good[: int(share * len(good))])
        told = None
        try:
            join(pieces, clip, form, FPS, frames=lengths)
        except DamagedPiece as damaged:
            told = damaged.piece
        assert told in (None, pieces[1])
        assert clip.read_bytes() == whole, f"cut at {share}"
