"""What all tests share."""

import os
import signal
from collections import Counter
from pathlib import Path

import pytest

from octlessons.images import ImageSet

ROOT = Path(__file__).resolve().parent.parent


def pytest_configure(config):
    """Tests end programs by SIGINT, which whatever a shell starts in the background ignores."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items):
    """Begin with the files that take long; leave out what takes minutes, unless it is asked for.

    Processes take one file after the other: one that takes long and comes last keeps all waiting.
    """
    slow = Counter(item.path for item in items if item.get_closest_marker("slow"))
    items.sort(key=lambda item: -slow[item.path])
    if os.environ.get("OCTLESSONS_EXHAUSTIVE"):
        return
    skip = pytest.mark.skip(reason="takes minutes: set OCTLESSONS_EXHAUSTIVE=1 to run it")
    for item in items:
        if item.get_closest_marker("exhaustive"):
            item.add_marker(skip)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with real scans and weights, which is not part of the project."""
    folder = Path(os.environ.get("OCTLESSONS_SHARED") or ROOT.parent / "shared")
    if not (folder / "data" / "oct2017_sample").is_dir():
        pytest.skip(
            "no real scans here: set OCTLESSONS_SHARED to the folder that holds "
            "data/oct2017_sample and weights"
        )
    return folder.resolve()


@pytest.fixture(scope="session")
def phantoms() -> ImageSet:
    """Eighty small phantoms, twenty of each class."""
    from octlessons.images import draw_phantoms

    return draw_phantoms(size=64, n_per_class=20, seed=7)
