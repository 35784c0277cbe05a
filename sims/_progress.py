"""Progress bars: shown by the commands, silent in a library call or away from a terminal."""

import sys
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tqdm import tqdm

_label: ContextVar[str | None] = ContextVar("_label", default=None)


@contextmanager
def progress(label: str) -> Iterator[None]:
    """Within this block, every loop over `ticks` shows a bar with `label` on a terminal."""
    token = _label.set(label)
    try:
        yield
    finally:
        _label.reset(token)


def ticks(count: int) -> Iterable[int]:
    """`range(count)`, behind a progress bar where one was asked for and the loop takes long."""
    label = _label.get()
    if label is None:
        return range(count)
    from tqdm import tqdm

    bar: Iterable[int] = tqdm(
        range(count),
        desc=label,
        unit="step",
        delay=0.3,
        disable=None,
        leave=False,
        dynamic_ncols=True,
    )
    return bar


def bar_of(total: int, label: str, shown: bool | None, unit: str = "point", initial: int = 0) -> "tqdm[Any]":
    """A bar of a sweep's points, or of its bytes: done, rate and time left.

    Unless said otherwise it is shown on a terminal and in a notebook, where nothing has to be asked for.
    """
    notebook = "ipykernel" in sys.modules
    if shown is None:
        shown = sys.stderr.isatty() or notebook
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # where a notebook has no widgets, text does
        from tqdm.auto import tqdm

        bar: tqdm[Any] = tqdm(
            total=total,
            initial=initial,
            desc=label,
            unit=unit,
            unit_scale=unit == "B",
            delay=0.3,
            disable=not shown,
            leave=notebook,
            dynamic_ncols=True,
        )
    return bar
