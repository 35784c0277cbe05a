"""Progress bars: shown by the commands, silent in a library call or away from a terminal."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

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
