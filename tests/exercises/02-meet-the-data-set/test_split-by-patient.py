"""Checks of the exercise split-by-patient."""

import math

import numpy as np
import pytest

from octlessons.testing import (
    assert_array,
    assert_input_unchanged,
    assert_repeatable,
    assert_seed_is_used,
    fail,
    symptom,
)

NUMBER = "`test_size` times the number of patients, rounded; at least 1, and not all of them."


def of_test_part(found, patients):
    """Patients of the test part, of the other, and how many there are."""
    mask = np.asarray(found).astype(bool)
    return set(patients[mask]), set(patients[~mask]), len(set(patients))


@symptom("split_patients")
def places(found, patients, test_size, seed):
    """These are numbers of scans: give a mask, True or False for each scan (`np.isin` makes
    one).
    """
    found = np.asarray(found)
    return found.dtype.kind in "iu" and (found.shape != patients.shape or found.max() > 1)


@symptom("split_patients")
def draws_scans(found, patients, test_size, seed):
    """Scans were drawn instead of patients: draw from the list of different patients."""
    test, train, _ = of_test_part(found, patients)
    return bool(test & train)


@symptom("split_patients")
def other_part(found, patients, test_size, seed):
    """This marks the training part: True is for the scans of the test part."""
    test, train, n = of_test_part(found, patients)
    wanted = min(max(1, round(test_size * n)), n - 1)
    return len(train) == wanted != len(test)


@symptom("split_patients")
def empty_side(found, patients, test_size, seed):
    """A side is empty: whatever comes out of rounding, keep at least one patient on each."""
    test, train, _ = of_test_part(found, patients)
    return not test or not train


@symptom("split_patients")
def cut_off(found, patients, test_size, seed):
    """The number of patients was cut off: `int` drops what is behind the point, `round`
    does not.
    """
    test, _, n = of_test_part(found, patients)
    return len(test) == math.floor(test_size * n) != round(test_size * n)


@symptom("split_patients")
def rounded_up(found, patients, test_size, seed):
    """The number of patients was rounded up: take the nearest whole number."""
    test, _, n = of_test_part(found, patients)
    return len(test) == math.ceil(test_size * n) != round(test_size * n)


@pytest.fixture
def patients(rng):
    """Twelve patients with one to six scans each, in no order."""
    names = np.array([f"p{number}" for number in rng.choice(1000, 12, replace=False)])
    return rng.permutation(np.repeat(names, rng.permutation([1, 1, 1, 2, 2, 3, 3, 4, 5, 6, 6, 6])))


def split(student, patients, test_size, seed):
    """A mask from the student."""
    mask = student.split_patients(patients, test_size, seed)
    return assert_array(student, mask, shape=patients.shape, kind="boolean")


def test_mask(student, patients):
    """The result is true or false for every scan, and the patients are left as they were."""
    split(student, patients, 0.25, 0)
    assert_input_unchanged(student)


@pytest.mark.points(2)
def test_no_patient_on_both_sides(student, patients):
    """No patient is on both sides, whatever the seed."""
    for seed in range(10):
        mask = split(student, patients, 0.25, seed)
        both = np.intersect1d(patients[mask], patients[~mask])
        if len(both):
            fail(student, f"puts {len(both)} patients on both sides", "none")


def test_share_and_empty_sides(student, patients):
    """The test part has its share of the patients, and no side is ever empty."""
    for test_size, expected in ((0.25, 3), (0.5, 6), (0.3, 4), (0.2, 2)):
        for seed in (1, 2):
            mask = split(student, patients, test_size, seed)
            found = len(np.unique(patients[mask]))
            if found != expected:
                said = f"puts {found} of 12 patients into the test part"
                fail(student, said, f"{expected}", NUMBER)
    few = np.array(["a", "b", "a"])
    for test_size in (0.05, 0.95):
        mask = split(student, few, test_size, 0)
        if mask.all() or not mask.any():
            fail(student, "leaves a side empty", "at least one patient on each side", NUMBER)


def test_seed(student, patients):
    """The seed alone decides: the same again today and tomorrow, and another split with another."""
    assert_repeatable(student, lambda: student.split_patients(patients, 0.25, 5))
    assert_seed_is_used(student, lambda seed: student.split_patients(patients, 0.25, seed))
    renamed = np.array([f"x{name}" for name in patients])
    for seed in range(5):
        first, second = split(student, patients, 0.25, seed), split(student, renamed, 0.25, seed)
        if not np.array_equal(first, second):
            fail(
                student,
                "draws other patients when each has an x before its name",
                "that the names play no part, only their order",
                "A `set` of texts has another order in every Python process, so the same seed "
                "would give another split tomorrow: `sorted(...)` and `np.unique` have one order.",
            )
