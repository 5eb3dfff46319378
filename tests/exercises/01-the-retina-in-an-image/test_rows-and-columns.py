"""Checks of the exercise rows-and-columns."""

import numpy as np
import pytest

from octlessons.testing import assert_close, assert_input_unchanged, assert_number


@pytest.fixture
def scan(rng):
    """A scan that is wider than high, with no value twice."""
    return rng.permutation(np.arange(7 * 12, dtype=np.uint8)).reshape(7, 12)


def test_size(student, scan):
    """Width and height come in this order."""
    assert_close(
        student,
        student.width_and_height(scan),
        (12, 7),
        because="`shape` gives rows first, and the number of rows is the height.",
    )


def test_kind(student, scan):
    """A grey value is one number; the scan stays as it was."""
    assert_number(student, student.value_at(scan, 3, 2), low=0, high=255, whole=True)
    assert_input_unchanged(student)


def test_places(student, scan):
    """Right counts columns, down counts rows."""
    for down in range(6):
        for right in (0, 2, 5):
            assert_close(
                student,
                student.value_at(scan, right, down),
                int(scan.tolist()[down][right]),
                because="The row, how far down, is the first index; counting starts at 0.",
            )


def test_last_column(student, scan):
    """A place near the right edge, where there is no row of that number."""
    assert_close(student, student.value_at(scan, 11, 6), int(scan[-1, -1]))
