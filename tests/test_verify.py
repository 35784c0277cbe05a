"""A bundle that was changed, or that someone else made up, is found out, and nothing of it is run."""

import hashlib
import json
import shutil
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import av
import pytest
from clips import FPS, VIDEOS, encoded
from flat_bundle import flat_bundle

from scenes._bundle import simulated
from scenes._formats import FORMATS, TRANSPARENT
from scenes._join import join
from scenes._sums import DamagedSums, files, frames_sha256, pack, seal, sums
from scenes._verify import files_of, verify
from sims import Kuramoto, save
from sims._command import Mistyped
from sims._trajectory import digest, revision, versions

CLOCKS = Kuramoto(n=5, frequencies="equal", K=1.0, steps=200)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A small bundle with a real simulation, whole and sealed, in a folder with a space."""
    folder = tmp_path_factory.mktemp("made") / "two clocks"
    told = {"clocks": simulated("clocks", CLOCKS, CLOCKS)}
    bundle = flat_bundle(folder, simulations=told, versions=versions(), revision=revision())
    replace(bundle, frames_sha256=frames_sha256(folder / "clip.mp4")).write()
    save(CLOCKS.run(), folder / "clocks.nc")
    (folder / "sections").mkdir()
    (folder / "sections" / "1.mp4").write_bytes(b"a section")
    seal(folder)
    return folder


@pytest.fixture
def folder(made, tmp_path):
    """A copy of it to spoil."""
    return Path(shutil.copytree(made, tmp_path / "two clocks"))


def changed(folder, **more):
    """The bundle telling something else of itself, and sealed again by whoever changed it."""
    path = folder / "provenance.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | more))
    seal(folder)


def changed_simulation(folder, **more):
    told = json.loads((folder / "provenance.json").read_text())["simulations"]["clocks"]
    changed(folder, simulations={"clocks": told | more})


def wrong(folder, film=None):
    """What is found wrong, as lines."""
    return [str(finding) for finding in verify(folder, film) if not finding.right]


def wrong_files(folder):
    """The same of its files alone."""
    return [str(finding) for finding in files_of(folder) if not finding.right]


def test_a_bundle_as_it_was_made_is_right_file_by_file_run_by_run_frame_by_frame(folder):
    found = list(verify(folder))
    assert [finding.what for finding in found] == ["files", "clocks", "clip.mp4"]
    assert all(finding.right for finding in found)
    assert all(str(finding).startswith("same") for finding in found)


def test_sha256sum_itself_reads_what_was_sealed(folder):
    (folder / "a\nname\\of lines.txt").write_text("x")
    seal(folder)
    if shutil.which("sha256sum"):
        done = subprocess.run(["sha256sum", "--strict", "-c", "SHA256SUMS"], cwd=folder, capture_output=True)
        assert done.returncode == 0, done.stderr
        assert done.stdout.count(b": OK") == len(files(folder))
    assert list(sums(folder)) == files(folder)
    assert sums(folder)["clip.mp4"] == hashlib.sha256((folder / "clip.mp4").read_bytes()).hexdigest()
    assert wrong(folder) == []


@pytest.mark.parametrize("name", ["clip.mp4", "clocks.nc", "clip.png", "provenance.json", "sections/1.mp4"])
def test_one_changed_byte_is_found_and_the_file_named(folder, name):
    content = bytearray((folder / name).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / name).write_bytes(content)
    found = wrong(folder)
    assert found[0].startswith(f"NOT   {name}: was changed")
    assert all(name in line or "clocks" in line for line in found)


def test_what_is_missing_added_or_only_a_link_is_named(folder):
    (folder / "clip.webp").unlink()
    (folder / "more.txt").write_text("x")
    (folder / "clip.png").rename(folder.parent / "clip.png")
    (folder / "clip.png").symlink_to(folder.parent / "clip.png")
    (folder / ".hidden").write_text("the system's own")
    assert wrong_files(folder) == [
        "NOT   clip.png: is missing, or is no plain file of this folder",
        "NOT   clip.webp: is missing, or is no plain file of this folder",
        "NOT   more.txt: is not in SHA256SUMS: it was added later",
    ]


def test_sums_that_name_files_elsewhere_read_none_of_them(folder, tmp_path):
    (tmp_path / "secret.txt").write_text("x")
    told = hashlib.sha256(b"x").hexdigest()
    before = (folder / "SHA256SUMS").read_text()
    for name in ("../secret.txt", str(tmp_path / "secret.txt"), "sections/../../secret.txt"):
        (folder / "SHA256SUMS").write_text(f"{before}{told}  {name}\n")
        assert wrong_files(folder) == [f"NOT   {name}: is missing, or is no plain file of this folder"]


@pytest.mark.parametrize("line", ["nonsense", "0" * 63 + "  clip.mp4", "", "0" * 64 + "  clip.mp4"])
def test_sums_that_are_damaged_are_reported(folder, line):
    with (folder / "SHA256SUMS").open("a") as file:
        file.write(f"{line}\n")
    assert wrong_files(folder)[0].startswith("NOT   SHA256SUMS: is damaged: SHA256SUMS, line ")
    with pytest.raises(DamagedSums):
        sums(folder)
    (folder / "SHA256SUMS").unlink()
    assert wrong_files(folder) == ["NOT   SHA256SUMS: is missing: nothing tells what the files were"]


def test_other_numbers_under_a_new_seal_are_found_by_running_again(folder):
    """Whoever changes data, provenance and sums alike still has to change what the simulation gives."""
    forged = CLOCKS.run()
    forged["r"][-1] += 0.25
    save(forged, folder / "clocks.nc")
    changed_simulation(folder, sha256=digest(forged))
    (line,) = wrong(folder)
    assert line.startswith("NOT   clocks: run again, other numbers: 1 of ")
    assert "r by up to 0.25" in line


def test_data_of_another_run_than_is_told_of_are_found(folder):
    save(CLOCKS.model_copy(update={"seed": 5}).run(), folder / "clocks.nc")
    seal(folder)
    assert wrong(folder) == ["NOT   clocks: clocks.nc is another trajectory than provenance.json tells of"]


def test_another_revision_with_the_same_numbers_is_the_same_and_is_told(folder):
    others = versions() | {"numpy": "1"}
    then = CLOCKS.run().assign_attrs(revision="0123456789ab", versions=json.dumps(others))
    save(then, folder / "clocks.nc")
    changed_simulation(folder, sha256=digest(then))
    changed(folder, revision="0123456789ab", versions=others)
    assert wrong(folder) == []
    (found,) = [finding for finding in verify(folder) if finding.what == "clocks"]
    assert "numpy was 1, is " in found.found
    assert "revision was 0123456789ab, is " in found.found


def test_parameters_out_of_bounds_are_refused_as_ever(folder):
    told = json.loads((folder / "provenance.json").read_text())["simulations"]["clocks"]["parameters"]
    for name, value in {"n": 10**12, "K": float("nan"), "frequencies": "__import__('os')"}.items():
        spoilt = [p | {"value": value} if p["name"] == name else p for p in told]
        changed_simulation(folder, parameters=spoilt)
        assert any(f"clocks: cannot be run as it is told: {name} must be" in line for line in wrong(folder))


@pytest.mark.parametrize(
    "named",
    [
        "os:system",
        "subprocess:Popen",
        "evil:Evil",
        "sims._command:Mistyped",
        "sims.kuramoto:np",
        "sims:Kuramoto",
        "",
    ],
)
def test_nothing_that_a_bundle_names_is_imported_or_run_but_our_simulations(folder, named, monkeypatch):
    (folder / "evil.py").write_text("raise SystemExit('it was run')")
    monkeypatch.chdir(folder)
    monkeypatch.syspath_prepend(str(folder))
    changed(folder, film="evil")
    changed_simulation(folder, simulation=named)
    (line,) = wrong(folder)
    assert line.startswith(f"NOT   clocks: {named} is not of this program and was not run")
    assert "evil" not in sys.modules


def test_a_users_own_simulation_is_run_once_the_film_is_given(folder, own_simulation, tmp_path, monkeypatch):
    """Its file is the user's to name, never the bundle's."""
    film = tmp_path / "fade.py"
    film.write_text(
        own_simulation
        + '\n\nfrom scenes._film import Film\n\n\nclass Fade(Film):\n    """It fades."""\n\n'
        + '    question = "How fast?"\n    clocks = Decay(rate=2.0)\n'
    )
    from scenes._film import Film
    from sims._discover import find

    own = find("scenes", str(film), Film).clocks
    save(own.run(), folder / "clocks.nc")
    told = simulated("clocks", own, own)
    changed(folder, film="fade")
    changed_simulation(
        folder,
        simulation=told.simulation,
        parameters=[vars(p) for p in told.parameters],
        sha256=told.sha256,
    )
    (line,) = wrong(folder)
    assert line.endswith(
        "own.fade:Decay is not of this program and was not run; give the film's own file to run it"
    )
    assert wrong(folder, film) == []


@pytest.mark.parametrize(
    "more",
    [
        {"clip": "../clip.mp4"},
        {"clip": 5},
        {"versions": []},
        {"cues": {"en": 3}},
        {"simulations": []},
        {"simulations": {"clocks": {}}},
        {"format": 99},
    ],
)
def test_provenance_that_is_not_whole_is_reported_in_one_line(folder, more):
    changed(folder, **more)
    (line,) = wrong(folder)
    assert line.startswith("NOT   provenance.json: ")
    assert "\n" not in line


def test_a_trajectory_outside_the_folder_is_not_read(folder, tmp_path):
    (folder / "clocks.nc").rename(tmp_path / "clocks.nc")
    changed_simulation(folder, trajectory="../clocks.nc")
    (line,) = wrong(folder)
    assert "../clocks.nc" in line


def test_a_name_that_would_move_the_cursor_is_printed_as_it_is_spelt(folder):
    (folder / "\x1b[2Jgone.txt").write_text("x")
    (line,) = wrong_files(folder)
    assert line == "NOT   \\x1b[2Jgone.txt: is not in SHA256SUMS: it was added later"


def test_a_folder_that_is_no_bundle_is_the_users_mistake(tmp_path):
    with pytest.raises(Mistyped, match="holds no bundle"):
        list(verify(tmp_path))


def drawn(clip):
    """The sum of a clip's frames as PyAV makes arrays of them."""
    sha = hashlib.sha256()
    with av.open(str(clip)) as opened:
        for frame in opened.decode(video=0):
            sha.update(frame.to_ndarray().tobytes())
    return sha.hexdigest()


@pytest.mark.parametrize("name", ["mp4", "webm"])
def test_the_sum_of_the_frames_is_of_every_byte_of_them_whatever_holds_them(name, tmp_path):
    pieces, _ = encoded(tmp_path, VIDEOS[name], lengths=(3, 9))
    clip, other = tmp_path / f"clip.{name}", tmp_path / f"other.{name}"
    join(pieces, clip, VIDEOS[name], FPS)
    join(pieces, other, VIDEOS[name], FPS, tags={"title": "another"}, chapters=[(0, 0.1, "one")])
    assert clip.read_bytes() != other.read_bytes()
    assert frames_sha256(clip) == frames_sha256(other) == drawn(clip)
    join(pieces[1:], other, VIDEOS[name], FPS)
    assert frames_sha256(other) != frames_sha256(clip)


@pytest.mark.parametrize(
    "form", [*FORMATS.values(), *TRANSPARENT.values()], ids=lambda f: f"{f.name} {f.alpha}"
)
def test_the_frames_of_every_format_have_their_sum_and_another_frame_another(form, tmp_path):
    pieces, _ = encoded(tmp_path, form, lengths=(2, 2))
    found = []
    for number, some in enumerate((pieces, pieces, pieces[:1])):
        clip = tmp_path / f"{number}{form.suffix}"
        join(some, clip, form, FPS)
        found.append(frames_sha256(clip))
    assert found[0] == found[1] != found[2]
    assert hashlib.sha256().hexdigest() not in found


def test_a_clip_that_cannot_be_decoded_is_named(tmp_path):
    for name, content in {"text.mp4": b"no clip", "empty.mp4": b""}.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(OSError, match=f"cannot decode .*{name}"):
            frames_sha256(tmp_path / name)


def test_a_zip_holds_the_bundle_and_has_the_same_bytes_whenever_and_wherever_it_is_packed(folder, tmp_path):
    path = pack(folder)
    assert path == folder.with_name("two clocks.zip")
    first = path.read_bytes()
    elsewhere = tmp_path / "elsewhere" / "two clocks"
    shutil.copytree(folder, elsewhere, copy_function=shutil.copyfile)
    (elsewhere / ".DS_Store").write_text("the system's own")
    (elsewhere / "clip.png").chmod(0o600)
    assert pack(elsewhere).read_bytes() == first
    with zipfile.ZipFile(path) as packed:
        assert packed.testzip() is None
        names = packed.namelist()
        packed.extractall(tmp_path / "unpacked")
    assert names == sorted(names)
    assert all(name.startswith("two clocks/") for name in names)
    assert wrong(tmp_path / "unpacked" / "two clocks") == []
    assert not list(tmp_path.glob("*.part"))


def test_nothing_to_pack_is_the_users_mistake(tmp_path):
    (tmp_path / "empty").mkdir()
    for folder in (tmp_path / "empty", tmp_path / "nowhere"):
        with pytest.raises(Mistyped, match="`scenes render`"):
            pack(folder)
    assert [path.name for path in tmp_path.iterdir()] == ["empty"]
