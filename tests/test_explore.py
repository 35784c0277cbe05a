"""Explorables as they are written: numbers within their rounding, modules small, whole and safe in a page."""

import json
import re
import subprocess
import sys
import zlib
from base64 import b64decode

import numpy as np
import pytest
from explored import explored  # noqa: F401
from hypothesis import given
from hypothesis import strategies as st

from scenes import _explore
from scenes._explore import NAMES, Quantity, packed, squeezed
from sims._discover import UnknownName


def unfolded(data, shape, planes, forecast):
    """Counts (position, …, instant) from bytes, one number after the other, as the format says."""
    size = int(np.prod(shape))
    rows = []
    for row in range(size // shape[-1]):
        counts = []
        for t in range(shape[-1]):
            n = row * shape[-1] + t
            folded = sum(data[k * size + n] << 8 * k for k in range(planes))
            off = -(folded + 1) // 2 if folded % 2 else folded // 2
            if t == 0:
                expected = 0
            elif t == 1:
                expected = counts[0]
            else:
                expected = (forecast[0] * counts[-1] + forecast[1] * counts[-2] + 32) // 64
            counts.append(expected + off)
        rows.append(counts)
    return np.array(rows).reshape(shape)


@given(
    st.integers(1, 3),
    st.integers(1, 6),
    st.integers(1, 3),
    st.sampled_from([0.001, 0.004, 0.01, 1.0]),
    st.floats(-1e3, 1e3),
    st.integers(0, 2**32 - 1),
)
def test_numbers_come_back_within_half_a_step(positions, instants, several, step, size, seed):
    values = size * np.random.default_rng(seed).uniform(-1, 1, (positions, instants, several))
    made = packed(Quantity(values, step).counts)
    back = unfolded(made.bytes, made.shape, made.planes, made.forecast) * step
    assert np.abs(np.moveaxis(back, -1, 1) - values).max() <= step / 2 * (1 + 1e-9)


def test_a_swing_takes_far_fewer_bytes_than_its_numbers():
    swing = np.cos(0.44 * np.arange(1500))[None] * np.linspace(0.5, 1, 20)[:, None]
    made = packed(Quantity(swing, 0.001).counts)
    assert len(squeezed(made.bytes)) < 0.35 * 2 * swing.size  # of two bytes each


def told(folder):
    text = (folder / "explore.mjs").read_text(encoding="utf-8")
    return text, json.loads(re.search(r"^const TOLD = (.*);$", text, re.M)[1])


@pytest.mark.parametrize("name", NAMES)
def test_a_module_is_small_and_whole(name, explored):  # noqa: F811
    text, says = told(explored(name))
    assert len(text.encode()) < 400_000
    assert text.rstrip().endswith("export default { render };")
    assert not re.search(
        r"^\s*import\b|\bfetch\(|XMLHttpRequest|https?://(?!www\.w3\.org/2000/svg)", text, re.M
    )
    data = zlib.decompress(b64decode(re.search(r'^const DATA = "(.*)";$', text, re.M)[1]), 31)
    assert len(data) == sum(q["planes"] * int(np.prod(q["shape"])) for q in says["quantities"].values())
    count = len(says["slider"]["said"])
    assert (
        {q["shape"][0] for q in says["quantities"].values()} == {count} == {len(says["overview"]["values"])}
    )
    clock = says["clock"]
    instants = len(clock["said"]) if clock else 1
    assert {q["shape"][-1] for q in says["quantities"].values()} <= {instants, 1}


@pytest.mark.parametrize("name", NAMES)
def test_it_says_where_its_numbers_come_from(name, explored):  # noqa: F811
    source = told(explored(name))[1]["provenance"]
    assert source["command"] == f"scenes explore {name}"
    assert source["revision"]
    assert {"python", "numpy", "scipy", "sims"} <= set(source["versions"])
    assert "seed" in source["parameters"]
    assert source["again"].startswith(f"sims run {source['simulation']} ")


@pytest.mark.parametrize("name", ["gradient_descent", "two_banks"])
def test_the_command_that_it_names_computes_the_same(name, explored, tmp_path):  # noqa: F811
    from sims import load

    says = told(explored(name))[1]
    words = says["provenance"]["again"].replace("{value}", says["slider"]["said"][-1]).split()
    done = subprocess.run([sys.executable, "-m", *words], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    run, end = load(tmp_path / "run.nc"), says["overview"]["values"][-1]
    shown = run.loss[-1] if name == "gradient_descent" else run.cosine[-1]
    assert float(shown) == pytest.approx(end, rel=5e-4, abs=5e-4)


@pytest.mark.parametrize("name", ["gradient_descent", "two_banks"])
def test_the_same_is_written_twice(name, explored, tmp_path):  # noqa: F811
    _explore.explorable.cache_clear()
    _explore.write(name, tmp_path / "a folder")
    for file in ("explore.mjs", "explore.html"):
        assert (tmp_path / "a folder" / file).read_bytes() == (explored(name) / file).read_bytes()


def test_nothing_that_is_told_ends_the_page_it_stands_in():
    hostile = '</script><script>alert("a")</script> “😀” שלום'
    literal = _explore._literal({"question": hostile})
    assert "<" not in literal
    assert json.loads(literal)["question"] == hostile
    page = _explore.page(_explore.Built({"question": hostile}, "const a = 1;"))
    assert page.count("<script") == 1
    assert page.count("</script>") == 1


def test_another_name_is_told_what_there_is():
    with pytest.raises(UnknownName, match="did you mean metronomes"):
        _explore.explorable("metronome")


def test_what_grows_too_large_is_refused(monkeypatch):
    monkeypatch.setattr(_explore, "MOST", 1000)
    _explore.explorable.cache_clear()
    with pytest.raises(ValueError, match="at most 1000"):
        _explore.explorable("gradient_descent")


def test_in_a_notebook_it_is_a_widget_of_that_module(explored):  # noqa: F811
    pytest.importorskip("anywidget")
    from scenes.explorables import Explorable

    text, says = told(explored("gradient_descent"))
    widget = Explorable("gradient_descent")
    state = widget.get_state()
    assert state["_esm"] == text
    assert state["_model_module"] == "anywidget"
    assert state["position"] == says["slider"]["start"]
    widget.position = 3
    assert widget.get_state()["position"] == 3


def test_without_anywidget_it_says_what_to_install():
    script = "import sys; sys.modules['anywidget'] = None\nfrom scenes.explorables import Explorable"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert "install learning-dynamics with its extra `widgets`" in done.stderr.splitlines()[-1]
