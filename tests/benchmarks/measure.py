"""Pairs of things that are timed by turns in one run, and the table of what came out."""

import json
import os
import platform
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Literal

from tqdm import tqdm

Timed = Callable[[int], float]  # seconds for one unit of work, in slice i


@dataclass(frozen=True)
class Pair:
    """Ours against a peer, which should take longer, or a floor, which nothing undercuts.

    Names refer to what is timed: several pairs of a group may share a timing.
    """

    what: str
    ours: str
    other: str
    kind: Literal["peer", "floor"]
    asked: float | None = None  # at least so many times a peer's speed, at most so many times a floor's time


@dataclass(frozen=True)
class Group:
    """Timings of one `unit`, taken by turns, slice after slice, and the pairs to be made of them."""

    name: str
    unit: str
    timings: dict[str, Timed]
    pairs: Sequence[Pair]


@dataclass(frozen=True)
class Row:
    """Medians over the slices, in milliseconds, and the median of the slices' ratios."""

    group: str
    what: str
    unit: str
    ours: float
    other: float
    kind: str
    ratio: float
    asked: float | None
    ratios: tuple[float, ...]

    @property
    def holds(self) -> bool | None:
        """Whether the ratio is as asked; None where nothing is."""
        if self.asked is None:
            return None
        return self.ratio >= self.asked if self.kind == "peer" else self.ratio <= self.asked


def measure(groups: Sequence[Group], slices: int) -> list[Row]:
    """Time every group, its timings by turns, behind a progress bar."""
    rows: list[Row] = []
    total = slices * sum(len(group.timings) for group in groups)
    with tqdm(total=total, unit="slice", disable=None, leave=False, dynamic_ncols=True) as bar:
        for group in groups:
            seconds: dict[str, list[float]] = {name: [] for name in group.timings}
            for i in range(slices):
                for name, timed in group.timings.items():
                    bar.set_description(f"{group.name}: {name}")
                    seconds[name].append(timed(i))
                    bar.update()
            rows += [row_of(group, pair, seconds) for pair in group.pairs]
    return rows


def row_of(group: Group, pair: Pair, seconds: dict[str, list[float]]) -> Row:
    """What a pair's timings say."""
    ours, other = seconds[pair.ours], seconds[pair.other]
    both = zip(ours, other, strict=True)
    ratios = tuple(b / a if pair.kind == "peer" else a / b for a, b in both)
    times = median(ours) * 1e3, median(other) * 1e3
    return Row(group.name, pair.what, group.unit, *times, pair.kind, median(ratios), pair.asked, ratios)


def machine() -> dict[str, str]:
    """What the figures hang on."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    model = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), "")
    return {
        "cpu": model or platform.processor() or platform.machine(),
        "cores": str(os.cpu_count()),
        "load": f"{os.getloadavg()[0]:.1f} before the first slice",
        "python": platform.python_version(),
        **{name: version(name) for name in ("manim", "av", "pycairo", "numpy", "scipy")},
        "torch": "there, but not compared with" if find_spec("torch") else "not there: no row for it",
    }


def table(rows: Sequence[Row], facts: dict[str, str], slices: int) -> str:
    """The header and one line for each pair."""
    lines = ["  ".join(f"{name} {value}" for name, value in facts.items())]
    lines.append(f"medians of {slices} slices, taken by turns; times in milliseconds")
    width = max((len(f"{row.group}: {row.what}") for row in rows), default=10)
    lines.append(
        f"\n{'what':{width}} {'of one':>12} {'ours':>10} {'peer, floor':>12} {'ratio':>8} {'asked':>8}"
    )
    for row in rows:
        asked = "" if row.asked is None else f"{'≥' if row.kind == 'peer' else '≤'} {row.asked:g}"
        verdict = {None: "", True: "  holds", False: "  MISSED"}[row.holds]
        lines.append(
            f"{f'{row.group}: {row.what}':{width}} {row.unit:>12} {row.ours:10.2f} {row.other:12.2f} "
            f"{row.ratio:7.2f}× {asked:>8}{verdict}"
        )
    lines.append("\nratio: how many times faster than a peer (≥), how many times the time of a floor (≤)")
    return "\n".join(lines)


def to_json(rows: Sequence[Row], facts: dict[str, str], slices: int) -> str:
    """The same for machines."""
    found = [asdict(row) | {"holds": row.holds} for row in rows]
    return json.dumps({"machine": facts, "slices": slices, "rows": found}, indent=1, ensure_ascii=False)
