"""The four explorables, written once for all processes of a test run."""

import fcntl

import pytest

from scenes import _explore


@pytest.fixture(scope="session")
def explored(tmp_path_factory, worker_id):
    """Folders by name, each with explore.mjs and explore.html."""
    base = tmp_path_factory.getbasetemp()
    place = (base if worker_id == "master" else base.parent) / "explored"
    place.mkdir(exist_ok=True)

    def written(name):
        folder = place / name
        with open(place / f"{name}.lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not (folder / "explore.html").exists():
                _explore.write(name, folder)
        return folder

    return written
