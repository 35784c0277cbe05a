"""`make bench`: times everything by turns and prints one table."""

import argparse
import tempfile
from pathlib import Path

from benchmarks.films import films, references
from benchmarks.measure import Group, machine, measure, table, to_json
from benchmarks.simulations import simulations


def main() -> None:
    """Read the options, measure, print."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--only", choices=("reference", "films", "simulations"), help="one part of it")
    parser.add_argument("--frames", type=int, default=60, metavar="N", help="frames in a slice (60)")
    parser.add_argument("--slices", type=int, default=5, metavar="N", help="slices of each (5)")
    parser.add_argument("--quick", action="store_true", help="a glance: three slices of ten frames")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="write a JSON file too")
    given = parser.parse_args()
    slices, frames = (3, 10) if given.quick else (given.slices, given.frames)
    if slices < 1 or frames < 1:
        parser.error("--slices and --frames must be at least 1")
    facts = machine()
    with tempfile.TemporaryDirectory(prefix="learning-dynamics-") as folder:
        groups: list[Group] = []
        if given.only in (None, "reference"):
            groups += references(slices, frames, Path(folder))
        if given.only in (None, "films"):
            groups += films(slices, frames, Path(folder))
        if given.only in (None, "simulations"):
            groups += simulations(given.quick)
        rows = measure(groups, slices)
    print(table(rows, facts, slices))
    if given.output:
        given.output.write_text(to_json(rows, facts, slices))


if __name__ == "__main__":
    main()
