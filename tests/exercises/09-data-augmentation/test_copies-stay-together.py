"""Checks of the exercise copies-stay-together."""

import numpy as np
import pytest

from octlessons.testing import (
    assert_array,
    assert_close,
    assert_input_unchanged,
    assert_repeatable,
    assert_seed_is_used,
    fail,
)


@pytest.fixture
def patients(rng):
    """Nine patients with one to five scans."""
    names = np.array([f"p{number}" for number in rng.choice(500, 9, replace=False)])
    return rng.permutation(np.repeat(names, rng.integers(1, 6, size=9)))


def parts(student, result, n):
    """Two arrays of scan numbers."""
    if not isinstance(result, list | tuple) or len(result) != 2:
        fail(student, "does not give two results", "training and test part, in a tuple")
    return [
        assert_array(student, part, shape=(None,), kind="integer", low=0, high=n - 1)
        for part in result
    ]


def test_kind(student, patients):
    """Two lists of scan numbers, and the patients stay as they were."""
    parts(student, student.sources(patients, 2, 0), len(patients))
    assert_input_unchanged(student)


@pytest.mark.points(2)
def test_nothing_leaks(student, patients):
    """No patient is on both sides, whatever the seed."""
    for seed in range(8):
        train, test = parts(student, student.sources(patients, 3, seed), len(patients))
        both = np.intersect1d(patients[train], patients[test])
        if len(both):
            fail(
                student,
                f"has {len(both)} patients on both sides",
                "none",
                "Copies made before the split land on both sides; so do scans drawn one by one. "
                "Draw patients first, copy afterwards.",
            )


def test_half(student, patients):
    """Half of the patients, rounded down, are in the test part."""
    for seed in range(3):
        _, test = parts(student, student.sources(patients, 1, seed), len(patients))
        found = len(np.unique(patients[test]))
        assert_close(student, found, 4, because="Half of nine patients, rounded down.")


def test_copies(student, patients):
    """Training scans come once and `copies` times more, test scans once, and none is lost."""
    for copies in (0, 1, 4):
        train, test = parts(student, student.sources(patients, copies, 1), len(patients))
        n = np.bincount(np.concatenate([train, test]), minlength=len(patients))
        expected = np.where(np.isin(np.arange(len(patients)), test), 1, copies + 1)
        assert_close(
            student,
            n,
            expected,
            because="The test part gets no copies; a training scan is there itself and as copies.",
        )


def test_seed(student, patients):
    """The seed decides."""
    assert_repeatable(student, lambda: student.sources(patients, 1, 3))
    assert_seed_is_used(student, lambda seed: student.sources(patients, 0, seed))
