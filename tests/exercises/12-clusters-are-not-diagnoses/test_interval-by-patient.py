"""Checks of the exercise interval-by-patient."""

import numpy as np
import pytest

from octlessons.testing import (
    assert_close,
    assert_in_band,
    assert_input_unchanged,
    assert_number,
    assert_repeatable,
    assert_seed_is_used,
    band,
    fail,
)

PATIENTS = np.repeat([f"p{i}" for i in range(16)], [10, 2] * 8)
RIGHT = np.repeat([i % 4 != 1 for i in range(16)], [10, 2] * 8)  # all scans of a patient alike


def low_end(student, seed):
    """Lower end for sixteen patients whose scans are all right or all wrong."""
    return student.interval(RIGHT, PATIENTS, 600, seed)[0]


def width_of_one_each(student, seed):
    """Width for forty patients with one scan each, 30 of them right."""
    right = np.arange(40) < 30
    low, high = student.interval(right, np.array([f"p{i}" for i in range(40)]), 600, seed)
    return high - low


CALIBRATED = [low_end, width_of_one_each]


def ends(student, result):
    """Two shares, the lower first."""
    if not isinstance(result, list | tuple | np.ndarray) or len(result) != 2:
        fail(student, "does not give two results", "the lower and the upper end, in a tuple")
    low, high = (assert_number(student, end, low=0, high=1) for end in list(result))
    if high < low:
        fail(student, f"gives {low:.2f} before {high:.2f}", "the lower end first")
    return low, high


def test_kind(student):
    """Two shares, the lower first; the data stay as they were."""
    ends(student, student.interval(RIGHT, PATIENTS, 50, 0))
    assert_input_unchanged(student)


@pytest.mark.points(2)
def test_patients_are_drawn(student):
    """Where a patient's scans are all alike, the interval is as wide as for patients."""
    low, _ = ends(student, student.interval(RIGHT, PATIENTS, 600, 1))
    assert_in_band(
        student,
        low,
        band(__file__, "low_end"),
        because="Draw patients, with replacement, and take all of their scans. Drawing scans makes "
        "the interval too narrow; 95 % leaves 2.5 % on each side.",
    )


def test_one_scan_each(student):
    """With one scan each it is the ordinary bootstrap."""
    right = np.arange(40) < 30
    names = np.array([f"p{i}" for i in range(40)])
    low, high = ends(student, student.interval(right, names, 600, 2))
    because = "The 2.5th and the 97.5th percentile of the shares; as many patients as there are."
    assert_in_band(student, high - low, band(__file__, "width_of_one_each"), because=because)


def test_all_right(student):
    """Where all are right, both ends are 1: a bootstrap cannot see what it was never shown."""
    found = ends(student, student.interval(np.full(96, True), PATIENTS, 50, 0))
    assert_close(student, found, (1.0, 1.0))


def test_seed(student):
    """The seed decides."""
    assert_repeatable(student, lambda: student.interval(RIGHT, PATIENTS, 40, 5))
    assert_seed_is_used(student, lambda seed: student.interval(RIGHT, PATIENTS, 40, seed))
