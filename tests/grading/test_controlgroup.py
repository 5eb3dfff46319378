"""The control group that limits the memory of a whole sandbox."""

import subprocess
import sys

import pytest

from octlessons.grading.sandbox import controlgroup

TAKE = "import sys; x = bytearray(int(sys.argv[1])); x[::4096] = bytes(len(x[::4096]))"


@pytest.fixture
def group(monkeypatch):
    """A group of 256 MB."""
    monkeypatch.setattr(controlgroup, "_BASE_MB", 128)
    made = controlgroup.memory_group(128)
    if made is None:
        pytest.skip("this user may make no control group that limits memory")
    yield made
    made.close()


def run(group, megabytes):
    command = [*group.prefix, sys.executable, "-c", TAKE, str(megabytes << 20)]
    return subprocess.run(command, capture_output=True).returncode


def test_a_process_that_takes_more_than_the_group_may_is_killed(group):
    assert run(group, 64) == 0
    assert run(group, 512) == -9


def test_the_group_is_removed(group):
    assert run(group, 1) == 0
    group.close()
    assert not group.folder.exists()
