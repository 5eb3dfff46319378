"""Checks of the exercise rows-and-columns."""

import numpy as np
import pytest

from octlessons.testing import (
    assert_close,
    assert_input_unchanged,
    assert_number,
    mistake,
    reference,
)


@reference("width_and_height")
def size(scan):
    """Width and height, by counting."""
    return sum(1 for _ in scan[0]), sum(1 for _ in scan)


@mistake("width_and_height")
def shape_as_it_is(scan):
    """This is height, then width: `shape` gives the number of rows first, which is the height."""
    return scan.shape


@mistake("width_and_height")
def last_places(scan):
    """These are the last places, which count from 0; the numbers of pixels are one larger."""
    return scan.shape[1] - 1, scan.shape[0] - 1


@reference("value_at")
def value(scan, right, down):
    """The value, from the list of rows."""
    return scan.tolist()[down][right]


@mistake("value_at")
def column_first(scan, right, down):
    """Row and column are exchanged: how far down, the row, is the first index."""
    return scan[right, down]


@mistake("value_at")
def counts_from_one(scan, right, down):
    """This is one pixel off, to the left and up: counting starts at 0, so take off nothing."""
    return scan[down - 1, right - 1]


@mistake("value_at")
def one_too_far(scan, right, down):
    """This is one pixel off, to the right and down: counting starts at 0, so add nothing."""
    return scan[down + 1, right + 1]


@mistake("value_at")
def both_exchanged(scan, right, down):
    """Row and column are exchanged, and counted from 1: the row is the first index, from 0."""
    return scan[right - 1, down - 1]


@mistake("value_at")
def from_below(scan, right, down):
    """This counts from the bottom edge: row 0 is the one at the top."""
    return scan[len(scan) - 1 - down, right]


@mistake("value_at")
def from_the_other_sides(scan, right, down):
    """This counts from the right edge: column 0 is the first one."""
    return scan[down, scan.shape[1] - 1 - right]


@pytest.fixture
def scan(rng):
    """A scan that is wider than high, with no value twice."""
    return rng.permutation(np.arange(7 * 12, dtype=np.uint8)).reshape(7, 12)


def test_size(student, scan):
    """Width and height come in this order."""
    for part in (scan, scan[:, :3]):
        assert_close(
            student,
            student.width_and_height(part),
            size(part),
            because="How many columns the scan has, then how many rows.",
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
                value(scan, right, down),
                because="`right` pixels from the left edge and `down` from the top, both from 0.",
            )


def test_last_column(student, scan):
    """A place near the right edge, where there is no row of that number."""
    assert_close(student, student.value_at(scan, 11, 6), int(scan[-1, -1]))
