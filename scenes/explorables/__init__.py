"""Four subjects to explore: what each computes (`<subject>.py`) and how a browser draws it (`<subject>.js`).

In a notebook, `Explorable("metronomes")` is the same as a widget.
"""

from typing import Any


def __getattr__(name: str) -> Any:
    if name == "Explorable":  # only who asks for it needs anywidget
        from scenes.explorables._widget import Explorable

        return Explorable
    raise AttributeError(f"scenes.explorables has no {name!r}")
