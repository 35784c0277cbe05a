"""Pairs of things that are timed by turns in one run, and the tables of what came out."""

import json
import os
import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from statistics import mean, median
from typing import Literal

import numpy as np
from tqdm import tqdm

Timed = Callable[[int], float]  # seconds for one unit of work, in slice i
Seconds = Mapping[str, Sequence[float]]  # what each timing took, turn after turn


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
    """Timings of one `unit`, taken by turns, slice after slice, and the pairs to be made of them.

    All `slices` are timed in each of the `rounds`. `shares` say where ours goes: of each, what was timed, and
    what was timed that is no part of it.
    """

    name: str
    unit: str
    slices: int
    rounds: int
    timings: Mapping[str, Timed]
    pairs: Sequence[Pair]
    shares: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    grows: bool = False  # the timings are one unit's cost at several sizes, which are their names


@dataclass(frozen=True)
class Row:
    """A pair as measured, in milliseconds, and how many times the one took the other's time."""

    group: str
    what: str
    unit: str
    ours: float
    other: float
    kind: str
    ratio: float
    asked: float | None
    slices: int
    rounds: int
    ratios: tuple[float, ...]  # of every turn

    @property
    def whole(self) -> bool:
        """Whether no turn was cut off."""
        return len(self.ratios) == self.slices * self.rounds

    @property
    def holds(self) -> bool | None:
        """Whether the ratio is as asked; None where nothing is."""
        if self.asked is None:
            return None
        return self.ratio >= self.asked if self.kind == "peer" else self.ratio <= self.asked


def measure(groups: Sequence[Group], done: Callable[[Group, Seconds], None]) -> None:
    """Time every group slice by slice, round by round, all of it by turns, behind a progress bar.

    `done` gets each group when it is finished; of one that is interrupted, the turns that were whole.
    """
    total = sum(group.slices * group.rounds * len(group.timings) for group in groups)
    with tqdm(total=total, unit="timing", disable=None, leave=False, dynamic_ncols=True) as bar:
        for group in groups:
            seconds: dict[str, list[float]] = {name: [] for name in group.timings}
            try:
                for turn in range(group.slices * group.rounds):
                    for name, timed in group.timings.items():
                        bar.set_description(f"{group.name}: {name}")
                        seconds[name].append(timed(turn % group.slices))
                        bar.update()
            finally:
                whole = min(map(len, seconds.values()))
                if whole:
                    done(group, {name: found[:whole] for name, found in seconds.items()})


def typical(found: Sequence[float], slices: int) -> float:
    """The mean over the slices, which differ in what they hold, of each one's median over the rounds."""
    return mean(median(found[i::slices]) for i in range(min(slices, len(found))))


def row_of(group: Group, pair: Pair, seconds: Seconds) -> Row:
    """What a pair's timings say."""
    ours, other = seconds[pair.ours], seconds[pair.other]

    def ratio(ours: float, other: float) -> float:
        return other / ours if pair.kind == "peer" else ours / other

    a, b = typical(ours, group.slices), typical(other, group.slices)
    ratios = tuple(map(ratio, ours, other))
    return Row(
        group=group.name,
        what=pair.what,
        unit=group.unit,
        ours=a * 1e3,
        other=b * 1e3,
        kind=pair.kind,
        ratio=ratio(a, b),
        asked=pair.asked,
        slices=group.slices,
        rounds=group.rounds,
        ratios=ratios,
    )


def shares_of(group: Group, seconds: Seconds) -> dict[str, float]:
    """Where the time of ours goes, in milliseconds."""
    spent = {name: typical(found, group.slices) * 1e3 for name, found in seconds.items()}
    return {name: spent[of] - sum(spent[but] for but in less) for name, (of, *less) in group.shares.items()}


def slope_of(seconds: Seconds) -> float:
    """Of log time against log size, by least squares: 1 where each unit costs the same at any size."""
    sizes = [int(name.replace(",", "")) for name in seconds]
    each = [typical(found, 1) for found in seconds.values()]
    return 1 + float(np.polyfit(np.log(sizes), np.log(each), 1)[0])


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
        "torch": version("torch") if find_spec("torch") else "not there: no row for it",
    }


class Report:
    """Two tables, the first of them printed as it grows: the pairs, and where the time of ours goes."""

    HEAD = (
        "Times in milliseconds, taken by turns: of each slice the median over the rounds, of these the mean\n"
        "over the slices. The ratio of two such means says how many times faster than a peer (≥ is asked),\n"
        "how many times the time of a floor (≤ is asked). Slices are spread evenly; of a whole film they\n"
        "lie end to end."
    )
    WHERE = (
        "Where the time of ours goes, in milliseconds, each part timed alone. A thread encodes while\n"
        "the next frames are drawn, so that ours takes less than all parts together."
    )

    GROWS = "Slope of log time against log size, over three decades: 1 where each unit costs the same."

    def __init__(self, groups: Sequence[Group], frames: int) -> None:
        self.frames = frames
        self.facts = machine()
        self.rows: list[Row] = []
        self.shares: dict[str, dict[str, float]] = {}
        self.slopes: dict[str, float] = {}
        self.width = max(len(f"{group.name}: {pair.what}") for group in groups for pair in group.pairs)

    def add(self, group: Group, seconds: Seconds) -> None:
        """Take in a group and print its lines."""
        rows = [row_of(group, pair, seconds) for pair in group.pairs]
        self.rows += rows
        if group.shares:
            self.shares[group.name] = shares_of(group, seconds)
        if group.grows:
            self.slopes[group.name] = slope_of(seconds)
        # beside a progress bar, which gives way
        tqdm.write("\n".join(map(self.line, rows)))

    def head(self) -> str:
        """What stands above the lines."""
        facts = "  ".join(f"{name} {value}" for name, value in self.facts.items())
        columns = (
            f"{'what':{self.width}} {'of one':>10} {'slices × rounds':>16} {'ours':>9} {'peer, floor':>12}"
        )
        return f"{facts}\n\n{self.HEAD}\n\n{columns} {'ratio':>8}   asked"

    def line(self, row: Row) -> str:
        """One pair."""
        asked = "" if row.asked is None else f"   {'≥' if row.kind == 'peer' else '≤'} {row.asked:g}"
        verdict = {None: "", True: "  holds", False: "  MISSED"}[row.holds]
        turns = f"{row.slices} × {row.rounds}" if row.whole else f"{len(row.ratios)} turns only"
        return (
            f"{f'{row.group}: {row.what}':{self.width}} {row.unit:>10} {turns:>16} "
            f"{row.ours:9.2f} {row.other:12.2f} {row.ratio:7.2f}×{asked}{verdict}"
        )

    def foot(self) -> str:
        """How cost grows and where the time goes; empty where nothing is known of either."""
        lines = []
        if self.slopes:
            width = max(map(len, self.slopes))
            lines += ["", self.GROWS, ""]
            lines += [f"{name:{width}} {slope:9.2f}" for name, slope in self.slopes.items()]
        if self.shares:
            ours = {row.group: row.ours for row in self.rows}
            names = list(dict.fromkeys(name for shares in self.shares.values() for name in shares))
            width = max(map(len, self.shares))
            lines += ["", self.WHERE, ""]
            lines += [f"{'of one frame':{width}} {'ours':>9}" + "".join(f"{name:>12}" for name in names)]
            for group, shares in self.shares.items():
                values = "".join(f"{shares[name]:12.2f}" for name in names)
                lines.append(f"{group:{width}} {ours[group]:9.2f}{values}")
        return "\n".join(lines)

    def to_json(self) -> str:
        """The same for machines."""
        found = {
            "machine": self.facts,
            "frames in a slice": self.frames,
            "rows": [asdict(row) | {"holds": row.holds} for row in self.rows],
            "slopes": self.slopes,
            "shares": self.shares,
        }
        return json.dumps(found, indent=1, ensure_ascii=False)
