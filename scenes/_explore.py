"""Explorables: a simulation's sweep, computed beforehand, drawn in the browser while a slider is moved.

One ES module of the form that anywidget takes, `export default { render({ model, el }) }`, with all numbers
inside, and the same as a page of its own that needs no server and no network. A slider has exactly the
positions that were computed and a clock exactly the instants: nothing is interpolated.

What a subject shows lies in `scenes/explorables`: `<subject>.py` computes it, `<subject>.js` draws it.
"""

import json
import zlib
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
import xarray as xr
from numpy.typing import NDArray

from scenes._theme import DARK, LIGHT, Theme
from sims._discover import UnknownName, nearest
from sims._file import write_whole

HERE = Path(__file__).parent / "explorables"
NAMES = ("metronomes", "gradient_descent", "two_banks", "gru")
MOST = 400_000  # bytes of a module
FIGURES = 0.0  # a rounding to four significant figures, in place of a step
FINE = 64  # a forecast's factors are so many-ths: their products with whole numbers are exact everywhere


@dataclass(frozen=True)
class Quantity:
    """Numbers (position, instant, …) to be shown, told in whole multiples of `step`, so off by half of it."""

    values: NDArray[np.float64]
    step: float
    unit: str = ""

    @property
    def counts(self) -> NDArray[np.int64]:
        """How many steps each number is, the nearest."""
        return np.rint(self.values / self.step).astype(np.int64)


@dataclass(frozen=True)
class Axis:
    """A slider or a clock: what it is and, for each of its positions, the value as it is said."""

    label: str
    said: Sequence[str]
    start: int = 0
    symbol: str = ""
    unit: str = ""
    rate: float = 0.0  # positions a second while it plays; 0 is not played


@dataclass(frozen=True)
class Overview:
    """One number for each position of the slider, drawn over it; None where it never came."""

    label: str
    values: Sequence[float | None]
    step: float  # rounded to it; FIGURES: to four significant figures
    ticks: Sequence[float]
    log: bool = False
    never: str = ""  # what None means
    level: float | None = None  # worth a line across
    level_label: str = ""


@dataclass(frozen=True)
class Told:
    """All that a subject tells of itself."""

    question: str
    invitation: str
    slider: Axis
    clock: Axis | None
    overview: Overview
    quantities: Mapping[str, Quantity]
    plain: Mapping[str, Any]  # what is drawn and does not change, or is told in full
    sweep: xr.Dataset  # for its provenance
    again: str  # what computes one position once more, with {value} for the slider's


@dataclass(frozen=True)
class Packed:
    """Counts as bytes, and what is needed to read them."""

    bytes: bytes
    shape: tuple[int, ...]  # (position, …, instant)
    planes: int
    forecast: tuple[int, int]  # the next count is about (a · last + b · the one before) / FINE


def packed(counts: NDArray[np.int64]) -> Packed:
    """Counts (position, instant, …) as how far each is from what the two before it let expect.

    The lowest bytes of all come first, then the next: most planes but the first are all zeros.
    """
    rows = np.moveaxis(counts, 1, -1)
    a, b = forecast(rows)
    off = rows.copy()
    off[..., 1:2] -= rows[..., :1]
    off[..., 2:] -= (a * rows[..., 1:-1] + b * rows[..., :-2] + FINE // 2) // FINE
    folded = np.where(off >= 0, 2 * off, -2 * off - 1)
    planes = max(1, (int(folded.max(initial=0)).bit_length() + 7) // 8)
    told = b"".join(((folded >> 8 * k) & 255).astype(np.uint8).tobytes() for k in range(planes))
    return Packed(told, rows.shape, planes, (a, b))


def forecast(rows: NDArray[np.int64]) -> tuple[int, int]:
    """Factors, in FINEths, by which two counts foretell the third best: a line, or a swing."""
    if rows.shape[-1] < 3:
        return FINE, 0
    before = np.stack([rows[..., 1:-1].ravel(), rows[..., :-2].ravel()], axis=-1).astype(float)
    factors = np.linalg.lstsq(before, rows[..., 2:].ravel().astype(float), rcond=None)[0]
    a, b = np.rint(FINE * factors).astype(int).tolist()
    return a, b


def squeezed(data: bytes) -> bytes:
    """gzip, the same bytes for the same data."""
    how = zlib.compressobj(9, zlib.DEFLATED, 31, 9, zlib.Z_FILTERED)
    return how.compress(data) + how.flush()


def told(name: str) -> Told:
    """Compute what the explorable of that name shows: some seconds. Raises UnknownName."""
    if name not in NAMES:
        raise UnknownName(f"there is no explorable {name!r}: {nearest(name, list(NAMES))}")
    found: Told = import_module(f"scenes.explorables.{name}").told()
    return found


def header(name: str, what: Told, parts: Mapping[str, Packed]) -> dict[str, Any]:
    """What the module says in plain text: words, axes, how to read the bytes, and where they come from."""
    attrs = what.sweep.attrs
    return {
        "name": name,
        "question": what.question,
        "invitation": what.invitation,
        "slider": asdict(what.slider),
        "clock": what.clock and asdict(what.clock),
        "overview": asdict(what.overview),
        "quantities": {
            key: {
                "step": quantity.step,
                "unit": quantity.unit,
                "shape": parts[key].shape,
                "planes": parts[key].planes,
                "forecast": parts[key].forecast,
            }
            for key, quantity in what.quantities.items()
        },
        "plain": what.plain,
        "provenance": {
            "simulation": attrs["simulation"],
            "parameters": json.loads(attrs["parameters"]),
            "over": {name: [len(what.sweep[name]), *_ends(what.sweep[name])] for name in _over(what.sweep)},
            "versions": json.loads(attrs["versions"]),
            "revision": attrs["revision"],
            "command": f"scenes explore {name}",
            "again": what.again,
        },
    }


def _over(sweep: xr.Dataset) -> list[str]:
    return [name for names in json.loads(sweep.attrs.get("over", "[]")) for name in names]


def _ends(values: xr.DataArray) -> tuple[float, float]:
    return float(values[0]), float(values[-1])


@dataclass(frozen=True)
class Built:
    """An explorable, whole: what it says of itself, and the ES module that says and draws it."""

    header: dict[str, Any]
    module: str


@cache
def explorable(name: str) -> Built:
    """Compute an explorable and build its module: some seconds the first time. Raises UnknownName."""
    what = told(name)
    parts = {key: packed(quantity.counts) for key, quantity in what.quantities.items()}
    data = squeezed(b"".join(part.bytes for part in parts.values()))
    code = "\n".join((HERE / f"{file}.js").read_text(encoding="utf-8") for file in ("frame", "draw", name))
    head = header(name, what, parts)
    text = "\n".join(
        [
            f"// {what.question} Computed beforehand and written by `scenes explore {name}`.",
            f"const TOLD = {_literal(head)};",
            f"const STYLE = {_literal(style())};",
            f'const DATA = "{b64encode(data).decode()}";',
            code,
            "export default { render };",
            "",
        ]
    )
    if len(text.encode()) >= MOST:
        raise ValueError(f"the explorable {name} takes {len(text.encode())} bytes; at most {MOST}")
    return Built(head, text)


def _literal(value: Any) -> str:
    """A value as JavaScript that may stand in a page, where `</script>` would end it."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).replace(
        "<", "\\u003c"
    )


def style() -> str:
    """The films' colours and the sheet that lays things out."""
    return f":host{{{_colours(LIGHT)}}}@media(prefers-color-scheme:dark){{:host{{{_colours(DARK)}}}}}" + (
        HERE / "explore.css"
    ).read_text(encoding="utf-8")


def _colours(theme: Theme) -> str:
    return "".join(f"--{role}:{code};" for role, code in asdict(theme).items() if role != "name")


def page(built: Built) -> str:
    """The same as a page of its own, to be opened from a folder."""
    frame = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE), autoescape=True, undefined=jinja2.StrictUndefined
    )
    return frame.get_template("explore.html").render(
        question=built.header["question"], module=built.module, light=LIGHT, dark=DARK
    )


def write(name: str, folder: Path) -> None:
    """Write `explore.mjs` and `explore.html` whole into a folder, which is made where it is missing.

    Raises UnknownName, and OSError as files do.
    """
    built = explorable(name)
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(folder / "explore.mjs", built.module.encode())
    write_whole(folder / "explore.html", page(built).encode())
