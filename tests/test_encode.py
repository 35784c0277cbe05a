"""Clips: what went in comes out, whole or in pieces, with the same bytes each time."""

from dataclasses import asdict
from itertools import pairwise

import av
import numpy as np
import pytest
from clips import FPS, LENGTHS, VIDEOS, as_drawn, decoded, encoded, in_colour, psnr, samples
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from scenes._encode import Picture, straighten
from scenes._formats import FORMATS, TRANSPARENT
from scenes._join import hundredth, join
from scenes._theme import THEMES
from scenes._tiles import grid

videos = pytest.mark.parametrize("form", VIDEOS.values(), ids=VIDEOS)
drafts = pytest.mark.parametrize("swift", [False, True], ids=["for good", "draft"])


def paint(picture, surface, changed):
    picture.put(picture.converted(surface, changed))


def all_of(surface, form):
    height, width = surface.shape[:2]
    picture = Picture(width, height, form)
    paint(picture, surface, np.ones(picture.grid.shape, bool))
    return picture


def planes(picture):
    return [plane.copy() for plane in picture.planes]


@st.composite
def changes(draw):
    width, height = (2 * draw(st.integers(1, n)) for n in (60, 40))
    seeds = st.integers(0, 2**32 - 1)
    return width, height, draw(st.lists(st.floats(0, 1), min_size=1, max_size=4)), draw(seeds)


def painted(rng, shape):
    """Random premultiplied pixels, many of them transparent and many opaque."""
    alpha = rng.choice([0, 0, 90, 255], (*shape, 1))
    return np.concatenate([rng.integers(0, alpha + 1, (*shape, 3)), alpha], axis=-1).astype(np.uint8)


@pytest.mark.parametrize("pixels", ["yuv420p", "yuva420p", "yuva444p10le", "bgr0", "bgra"])
@given(changes())
def test_tiles_are_converted_as_the_whole_frame_would_be(pixels, change):
    width, height, shares, seed = change
    rng = np.random.default_rng(seed)
    form = next(f for f in (*FORMATS.values(), *TRANSPARENT.values()) if f.pixels == pixels)
    tiles = grid(width, height)
    surface = painted(rng, (height, width))
    picture = all_of(surface, form)
    for share in shares:
        changed = rng.random(tiles.shape) < share
        each = np.repeat(np.repeat(changed, tiles.down, 0), tiles.across, 1)
        surface[each] = painted(rng, surface.shape[:2])[each]
        paint(picture, surface, changed)
    for mine, theirs in zip(planes(picture), planes(all_of(surface, form)), strict=True):
        np.testing.assert_array_equal(mine, theirs)


@given(changes())
def test_each_sample_is_that_of_its_own_four_pixels(change):
    """Tiles that lie together in one picture leave nothing in each other."""
    width, height, _, seed = change
    rng = np.random.default_rng(seed)
    small = rng.integers(0, 256, (height // 2, width // 2, 4), np.uint8)
    small[..., 3] = 255
    picture = all_of(np.repeat(np.repeat(small, 2, 0), 2, 1), FORMATS["mp4"])
    b, g, r = (small[..., i] / 255.0 for i in range(3))
    y = 0.299 * r + 0.587 * g + 0.114 * b
    told = [16 + 219 * y, 128 + 112 * (b - y) / 0.886, 128 + 112 * (r - y) / 0.701]
    for plane, expected in zip((picture.planes[0][::2, ::2], *picture.planes[1:]), told, strict=True):
        assert np.abs(plane - expected).max() < 1.1


@pytest.mark.parametrize(
    ("form", "red", "blue", "levels"),
    [
        (FORMATS["mp4"], 0.299, 0.114, 1),
        (FORMATS["webm"], 0.299, 0.114, 1),
        (TRANSPARENT["mov"], 0.2126, 0.0722, 4),
    ],
    ids=["mp4", "webm", "mov"],
)
def test_colours_become_what_the_standard_says(form, red, blue, levels):
    # BT.601 and BT.709, limited range; a level of ten bits is a quarter of one of eight
    for theme in THEMES.values():
        for code in list(asdict(theme).values())[1:]:
            r, g, b = (value / 255 for value in bytes.fromhex(code[1:]))
            y = red * r + (1 - red - blue) * g + blue * b
            told = [16 + 219 * y, 128 + 112 * (b - y) / (1 - blue), 128 + 112 * (r - y) / (1 - red)]
            frame = np.empty((8, 8, 4), np.uint8)
            frame[:] = *bytes.fromhex(code[1:])[::-1], 255
            picture = all_of(frame, form)
            for plane, expected in zip(picture.planes[:3], told, strict=True):
                assert np.abs(plane / levels - expected).max() < 0.6


def test_straight_colours_are_the_nearest_there_are():
    alpha, value = (a.astype(np.uint8) for a in np.meshgrid(np.arange(256), np.arange(256)))
    value = np.minimum(value, alpha)
    pixels = np.stack([value, value, value, alpha], axis=-1)
    straighten(pixels)
    exact = np.divide(255.0 * value, alpha, out=np.zeros(value.shape), where=alpha > 0)
    assert np.abs(pixels[..., 0] - exact).max() <= 0.5
    np.testing.assert_array_equal(pixels[..., 3], alpha)


@videos
@drafts
def test_a_clip_in_pieces_has_the_pieces_frames_at_regular_times_and_decodes_without_a_word(
    form, swift, tmp_path
):
    pieces, drawn = encoded(tmp_path, form, swift)
    path = tmp_path / f"clip{form.suffix}"
    assert join(pieces, path, form, FPS) == len(drawn)
    apart = [frame for piece in pieces for frame in decoded(piece)]
    av.logging.set_level(av.logging.WARNING)
    try:
        with av.logging.Capture(local=False) as words:
            joined = decoded(path)
    finally:
        av.logging.set_level(None)
    assert words == []
    assert len(joined) == len(drawn)
    for a, b in zip(apart, joined, strict=True):
        for mine, theirs in zip(samples(a), samples(b), strict=True):
            np.testing.assert_array_equal(mine, theirs)
    times = [frame.pts * frame.time_base for frame in joined]
    # Matroska has milliseconds, the others whole frames
    slack = 0.0005 if form.clip == "webm" else 0
    assert all(abs(time - k / FPS) <= slack + 1e-12 for k, time in enumerate(map(float, times)))


@videos
def test_packets_follow_each_other_as_a_decoder_needs_them(form, tmp_path):
    pieces, _ = encoded(tmp_path, form)
    path = tmp_path / f"clip{form.suffix}"
    join(pieces, path, form, FPS)
    with av.open(str(path)) as clip:
        video = clip.streams.video[0]
        assert video.average_rate == FPS
        packets = [packet for packet in clip.demux(video) if packet.size]
    assert all(a.dts < b.dts for a, b in pairwise(packets))
    assert all(packet.dts <= packet.pts for packet in packets)
    starts = np.cumsum((0, *LENGTHS[:-1]))
    shown = sorted(packets, key=lambda packet: packet.pts)
    assert all(shown[k].is_keyframe for k in starts)


@videos
def test_what_went_in_comes_out(form, tmp_path):
    (piece,), drawn = encoded(tmp_path, form, lengths=(30,))
    seen, meant = in_colour(decoded(piece)), as_drawn(drawn)
    if form.alpha:
        assert psnr(seen[..., 3], meant[..., 3]) > 40
        solid = meant[..., 3] > 0
        seen, meant = seen[solid], meant[solid]
    assert psnr(seen[..., :3], meant[..., :3]) > 30


@videos
@drafts
def test_the_same_frames_in_the_same_cuts_are_the_same_bytes(form, swift, tmp_path):
    clips = []
    for turn in ("once", "again"):
        folder = tmp_path / turn
        folder.mkdir()
        pieces, _ = encoded(folder, form, swift)
        path = folder / f"clip{form.suffix}"
        join(pieces, path, form, FPS, tags={"title": "t"}, chapters=[(0, 0.5, "one")])
        clips.append(path.read_bytes())
    assert clips[0] == clips[1]


@pytest.mark.parametrize("name", ["mp4", "webm", "mov"])
def test_a_clip_tells_its_colours(name, tmp_path):
    form = FORMATS[name] if name in FORMATS else TRANSPARENT[name]
    pieces, _ = encoded(tmp_path, form, lengths=(2,))
    join(pieces, tmp_path / "clip", form, FPS)
    with av.open(str(tmp_path / "clip")) as clip:
        context = clip.streams.video[0].codec_context
        told = context.color_primaries, context.color_trc, context.colorspace, context.color_range
    # ITU-T H.273: BT.709 primaries; sRGB curve and BT.601 matrix for browsers; limited range
    assert told == ((1, 1, 1, 1) if name == "mov" else (1, 13, 6, 1))


def test_an_mp4_is_high_profile_and_begins_to_play_before_it_is_whole(tmp_path):
    pieces, _ = encoded(tmp_path, FORMATS["mp4"], lengths=(5,))
    join(pieces, tmp_path / "clip", FORMATS["mp4"], FPS)
    with av.open(str(tmp_path / "clip")) as clip:
        context = clip.streams.video[0].codec_context
        assert (context.name, context.profile, context.pix_fmt) == ("h264", "High", "yuv420p")
    data = (tmp_path / "clip").read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")


@videos
def test_labels_and_chapters_come_back(form, tmp_path):
    pieces, drawn = encoded(tmp_path, form)
    tags = {"title": "Wie schnell?", "comment": "Kuramoto(K=3)", "provenance": '{"revision": "abc"}'}
    end = len(drawn) / FPS
    join(pieces, tmp_path / "c", form, FPS, tags=tags, chapters=[(0, 0.4, "drift"), (0.4, end, "θ locks")])
    with av.open(str(tmp_path / "c")) as clip:
        found = {key.lower(): value for key, value in clip.metadata.items()}
        chapters = [
            (float(c["start"] * c["time_base"]), float(c["end"] * c["time_base"]), c["metadata"]["title"])
            for c in clip.chapters()
        ]
    assert {key: found.get(key) for key in tags} == tags
    assert [title for _, _, title in chapters] == ["drift", "θ locks"]
    np.testing.assert_allclose([c[:2] for c in chapters], [(0, 0.4), (0.4, end)], atol=0.001)


@pytest.mark.parametrize("alpha", [False, True], ids=["opaque", "transparent"])
def test_pictures_are_what_was_drawn(alpha, tmp_path):
    form = (TRANSPARENT if alpha else FORMATS)["png-sequence"]
    pieces, drawn = encoded(tmp_path, form, lengths=(9, 1, 12))
    (tmp_path / "frames").mkdir()
    (tmp_path / "frames" / "000099.png").touch()  # of an earlier, longer film
    assert join(pieces, tmp_path / "frames", form, FPS) == len(drawn)
    files = sorted((tmp_path / "frames").iterdir())
    assert [file.name for file in files] == [f"{k:06d}.png" for k in range(1, 23)]
    seen = np.array([np.asarray(Image.open(file)) for file in files])
    meant = as_drawn(drawn)[..., : 4 if alpha else 3]
    assert seen.shape == meant.shape
    assert np.abs(seen - meant).max() <= 0.5
    assert len(list(tmp_path.iterdir())) == 4


@pytest.mark.parametrize("fps", [15, 25, 30, 50, 60])
def test_a_gif_shows_each_frame_at_the_nearest_time_there_is_and_loops_for_ever(fps, tmp_path):
    pieces, drawn = encoded(tmp_path, FORMATS["gif"], lengths=(20, 1, 30), fps=fps)
    count = join(pieces, tmp_path / "a.gif", FORMATS["gif"], fps)
    begins, seen, now = [], [], 0
    with Image.open(tmp_path / "a.gif") as gif:
        assert gif.info["loop"] == 0
        for k in range(gif.n_frames):
            gif.seek(k)
            begins.append(now)
            now += gif.info["duration"] / 1000
            seen.append(np.asarray(gif.convert("RGB")))
    assert len(seen) == count
    assert min(np.diff(begins)) >= 0.02 - 1e-9
    assert now == pytest.approx(51 / fps, abs=0.02)
    shown = [int(np.abs(np.arange(51) / fps - t).argmin()) for t in begins]
    if fps <= 50:
        assert shown == list(range(51))
        np.testing.assert_allclose(begins, np.arange(51) / fps, atol=0.005 + 1e-9)
    else:
        np.testing.assert_allclose(begins, np.array(shown) / fps, atol=0.5 / fps + 1e-9)
    assert psnr(np.array(seen), drawn[shown][..., 2::-1]) > 35


def test_a_gif_leaves_out_every_sixth_of_sixty_frames():
    assert [hundredth(k, 60) for k in range(7)] == [0, 2, 4, None, 6, 8, 10]
    assert [hundredth(k, 30) for k in range(5)] == [0, 3, 7, 10, 13]
    assert [hundredth(k, 120) for k in range(6)] == [0, None, 2, None, None, 4]
