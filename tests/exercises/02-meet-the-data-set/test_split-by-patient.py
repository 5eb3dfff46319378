"""Checks of the exercise split-by-patient."""

import numpy as np
import pytest

from octlessons.testing import (
    assert_array,
    assert_input_unchanged,
    assert_repeatable,
    assert_seed_is_used,
    fail,
)


@pytest.fixture
def patients(rng):
    """Twelve patients with one to six scans each, in no order."""
    names = np.array([f"p{number}" for number in rng.choice(1000, 12, replace=False)])
    return rng.permutation(np.repeat(names, rng.integers(1, 7, size=12)))


def test_mask(student, patients):
    """The result is true or false for every scan, and the patients are left as they were."""
    mask = student.split_patients(patients, 0.25, 0)
    assert_array(student, mask, shape=patients.shape, kind="boolean")
    assert_input_unchanged(student)


@pytest.mark.points(2)
def test_no_patient_on_both_sides(student, patients):
    """No patient is on both sides, whatever the seed."""
    for seed in range(10):
        mask = student.split_patients(patients, 0.25, seed)
        mask = assert_array(student, mask, shape=patients.shape, kind="boolean")
        both = np.intersect1d(patients[mask], patients[~mask])
        if len(both):
            fail(
                student,
                f"puts {len(both)} patients on both sides",
                "none",
                "Scans were drawn instead of patients: draw from `np.unique(patients)`.",
            )


def test_share_and_empty_sides(student, patients):
    """The test part has its share of the patients, and no side is ever empty."""
    for test_size, expected in ((0.25, 3), (0.5, 6)):
        mask = student.split_patients(patients, test_size, 1)
        mask = assert_array(student, mask, shape=patients.shape, kind="boolean")
        found = len(np.unique(patients[mask]))
        if found != expected:
            fail(
                student,
                f"puts {found} of 12 patients into the test part",
                f"{expected}",
                "Is the share counted in patients, not in scans?",
            )
    few = np.array(["a", "b", "a"])
    for test_size in (0.05, 0.95):
        mask = student.split_patients(few, test_size, 0)
        mask = assert_array(student, mask, shape=(3,), kind="boolean")
        if mask.all() or not mask.any():
            fail(student, "leaves a side empty", "at least one patient on each side")


def test_seed(student, patients):
    """The seed decides: the same again with the same, another split with another."""
    assert_repeatable(student, lambda: student.split_patients(patients, 0.25, 5))
    assert_seed_is_used(student, lambda seed: student.split_patients(patients, 0.25, seed))
