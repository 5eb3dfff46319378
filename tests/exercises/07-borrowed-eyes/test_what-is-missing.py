"""Checks of the exercise what-is-missing."""

import numpy as np
import pytest

from octlessons.testing import assert_array, assert_close, assert_input_unchanged


def test_example(student):
    """1,000 scans in shards of 256, of which two are finished; the list stays as it was."""
    found = student.missing(1000, 256, [1, 0])
    assert_input_unchanged(student)
    because = "The last shard ends with the last scan: 1,000, not 1,024."
    assert_array(student, found, shape=(None, 2), kind="integer", low=0, high=1000, because=because)
    assert_close(student, found, np.array([[512, 768], [768, 1000]]), because=because)


@pytest.mark.points(2)
def test_any(student, rng):
    """Any number of scans, any shards finished."""
    for n, size in ((97, 10), (100, 10), (7, 3), (30, 1)):
        total = -(-n // size)
        finished = rng.choice(total - 1, size=rng.integers(1, total - 1), replace=False).tolist()
        expected = [[i * size, min(n, (i + 1) * size)] for i in range(total) if i not in finished]
        assert_close(
            student,
            student.missing(n, size, finished),
            np.array(expected),
            because="`finished` holds numbers of shards, not of scans, in any order; what is left "
            "stays in order.",
        )


def test_nothing_finished(student):
    """At the beginning, everything is missing."""
    assert_close(student, student.missing(5, 2, []), np.array([[0, 2], [2, 4], [4, 5]]))


def test_nothing_missing(student):
    """At the end, nothing: an array of shape (0, 2)."""
    found = student.missing(10, 5, [0, 1])
    because = "`np.zeros((0, 2), int)` is such an array; `np.array([])` has shape (0,)."
    assert_array(student, found, shape=(0, 2), because=because)
