"""Simulations of learning: parameters in, labelled trajectories out.

    >>> from sims import Kuramoto
    >>> run = Kuramoto(n=100, K=3.0).run()      # an xarray.Dataset
    >>> run.r.plot()                            # doctest: +SKIP

Every subject is a file of this package; its class is imported from here on first use.
"""

from typing import Any

from sims import _discover

MACHINERY = {
    "Simulation": "_simulation",
    "ParameterError": "_simulation",
    "param": "_simulation",
    "variable": "_simulation",
    "Batch": "_simulation",
    "Diverged": "_trajectory",
    "TrajectoryError": "_trajectory",
    "sweep": "_sweep",
    "latin": "_axes",
    "random": "_axes",
    "figure": "_plot",
    "style": "_look",
    "compare": "_compare",
    "export": "_export",
    "save": "_file",
    "load": "_file",
}


def _class_name(subject: str) -> str:
    return subject.upper() if len(subject) <= 4 else subject.title().replace("_", "")


def __dir__() -> list[str]:
    return [*MACHINERY, *map(_class_name, _discover.subjects("sims"))]


def __getattr__(name: str) -> Any:
    """Import a subject's class, or the machinery, only when it is asked for."""
    from importlib import import_module

    if name == "__all__":
        return __dir__()
    if name in MACHINERY:
        return getattr(import_module(f"sims.{MACHINERY[name]}"), name)
    for subject in _discover.subjects("sims"):
        if _class_name(subject) == name:
            return getattr(import_module(f"sims.{subject}"), name)
    raise AttributeError(f"module 'sims' has no attribute {name!r}")
