"""A calculation written out in columns: factors, the signs between them, and live products."""

import numpy as np
import xarray as xr
from manim import VGroup

from scenes._theme import NUMBER, SMALL, Role, Words, figures, words
from scenes.parts.number import Readout

DROP = 0.08  # of the baseline below the middle of a row


def signed(value: float, digits: int) -> str:
    """A number with its sign, as it is set."""
    return f"{value:+.{digits}f}".replace("-", "−")


def four_digits(value: float) -> str:
    """The format that shows four digits of a number and its sign."""
    digits = 3 - int(np.floor(np.log10(abs(value)))) if value else 4
    return f"{{:+.{min(max(digits, 0), 9)}f}}"


def four(value: float) -> str:
    """A number to four digits, with its sign."""
    return four_digits(value).format(value).replace("-", "−")


def live(
    run: xr.Dataset,
    variable: str,
    form: str,
    place: tuple[float, float],
    clock: str,
    role: Role = "ink",
    column: int | None = None,
) -> Readout:
    """A number that follows its clock and ends at `place`; not there yet."""
    number = Readout(run, variable, form, place, role=role, align="right", column=column, clock=clock)
    number.tune(presence=0)
    return number


class Ledger:
    """Rows of a calculation, its columns ending at `ends`."""

    def __init__(self, *ends: float) -> None:
        self.ends = ends

    def heading(self, y: float, *names: str) -> VGroup:
        """A name over each column."""
        return VGroup(*[self.name(column, y, name) for column, name in enumerate(names)])

    def name(self, column: int, y: float, name: str) -> Words:
        """The name over one column."""
        return words(name, SMALL, "muted").put(self.ends[column], y, "right")

    def entry(self, column: int, y: float, text: str, role: Role = "ink") -> VGroup:
        """A number in a column of the row whose middle is y."""
        return figures(text, NUMBER, role).put(self.ends[column], y - DROP, "right")

    def factor(self, column: int, y: float, text: str) -> VGroup:
        """A times sign after the column before, and a number in this one."""
        sign = words("×", SMALL, "muted").put(self.ends[column - 1] + 0.2, y - DROP)
        return VGroup(sign, self.entry(column, y, text))

    def equals(self, column: int, y: float) -> VGroup:
        """The sign before the last column: what is written of the factors is rounded."""
        return words("≈", SMALL, "muted").put(self.ends[column - 1] + 0.24, y - DROP)

    def product(
        self, run: xr.Dataset, variable: str, form: str, y: float, column: int | None = None
    ) -> Readout:
        """The live number of the last column, which follows the clock `stage`."""
        return live(run, variable, form, (self.ends[-1], y - DROP), "stage", "error", column)
