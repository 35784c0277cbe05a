"""Data on disk and its sum: what is read is what was written, or it is said to be damaged."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from sims._journal import Part, pack, unpack
from sims._sealed import SUM, Damaged, seal, unseal

PART = Part(
    np.arange(2), ["", "diverged"], xr.Dataset({"y": (("batch", "t"), np.eye(2))}, coords={"t": [0.0, 1.0]})
)


@given(data=st.binary(max_size=200))
def test_what_was_sealed_comes_back(data: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.getbasetemp() / "sealed"
    path.write_bytes(seal(data))
    assert unseal(path).read() == data
    assert path.read_bytes() == data + hashlib.sha256(data).digest()


@pytest.mark.parametrize("length", [0, 1, SUM - 1])
def test_a_file_without_room_for_a_sum_is_damaged(length: int, tmp_path: Path) -> None:
    (tmp_path / "sealed").write_bytes(bytes(length))
    with pytest.raises(Damaged, match="sealed is not what was written"):
        unseal(tmp_path / "sealed")


def test_a_missing_file_is_missing_and_not_damaged(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        unseal(tmp_path / "sealed")


def test_no_bit_of_a_part_can_turn_and_none_of_its_bytes_be_cut_off_unnoticed(tmp_path: Path) -> None:
    path, whole = tmp_path / "part.npz", pack(PART)
    path.write_bytes(whole)
    points, failure, kept = unpack(path)
    assert points.tolist() == [0, 1]
    assert failure == PART.failure
    assert kept.identical(PART.kept)
    turned = (bytes([*whole[:at], whole[at] ^ 1 << at % 8, *whole[at + 1 :]]) for at in range(len(whole)))
    cut = (whole[:at] for at in range(len(whole)))
    for damaged in (*turned, *cut, whole + b"\0"):
        path.write_bytes(damaged)
        with pytest.raises(Damaged):
            unpack(path)
