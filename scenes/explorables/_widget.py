"""An explorable in a notebook, by anywidget."""

from scenes._explore import explorable

try:
    import anywidget
    import traitlets
except ImportError:
    raise ImportError(
        "an explorable in a notebook needs anywidget: install learning-dynamics with its extra `widgets`"
    ) from None


class Explorable(anywidget.AnyWidget):
    """The explorable of that name; `position` is where its slider stands, and follows and moves it.

    Raises UnknownName for another name.
    """

    _esm = traitlets.Unicode().tag(sync=True)
    position = traitlets.Int().tag(sync=True)

    def __init__(self, name: str) -> None:
        built = explorable(name)
        super().__init__(_esm=built.module, position=built.header["slider"]["start"])
