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
    symptom,
)

TASK = "Draw half of the patients. Copies come last, and only of the training scans."


def counted(found, patients):
    """How often each scan is in the two parts, and the patients of each."""
    n = [np.bincount(np.asarray(part, int), minlength=len(patients)) for part in found]
    return *n, *(set(patients[count > 0].tolist()) for count in n)


@symptom("sources")
def other_way_round(found, patients, copies, seed):
    """The test part comes first here: the training part, with its copies, is the first result."""
    train, test, _, _ = counted(found, patients)
    return copies > 0 and train.max() == 1 and test.max() == copies + 1


@symptom("sources")
def copied_first(found, patients, copies, seed):
    """Copies were made before the split, so that some of a scan lie on either side: draw
    patients first, copy afterwards.
    """
    train, test, _, _ = counted(found, patients)
    return bool(np.any((train > 0) & (test > 0)))


@symptom("sources")
def scans_drawn(found, patients, copies, seed):
    """Scans were drawn one by one, so that a patient has some on either side: draw patients,
    and take all of their scans.
    """
    _, _, learnt, tested = counted(found, patients)
    return bool(learnt & tested)


@symptom("sources")
def copies_in_test(found, patients, copies, seed):
    """The test part holds copies, too: it holds each of its scans once."""
    return copies > 0 and counted(found, patients)[1].max() > 1


@symptom("sources")
def without_the_scan(found, patients, copies, seed):
    """Each training scan is there `copies` times: it is there itself, *and* as copies."""
    train = counted(found, patients)[0]
    return copies > 0 and set(train[train > 0]) == {copies}


@symptom("sources")
def no_copies(found, patients, copies, seed):
    """The training part holds no copies: each of its scans is there `copies` times more."""
    return copies > 0 and counted(found, patients)[0].max() == 1


@symptom("sources")
def one_scan_each(found, patients, copies, seed):
    """Scans are lost: *all* scans of a patient go to one side."""
    train, test, learnt, tested = counted(found, patients)
    return len(learnt | tested) == len(set(patients.tolist())) and np.any(train + test == 0)


@symptom("sources")
def rounded_up(found, patients, copies, seed):
    """Half of the patients was rounded up: round down (`// 2`)."""
    n = len(set(patients.tolist()))
    return n % 2 == 1 and len(counted(found, patients)[3]) == n // 2 + 1


@symptom("sources")
def another_share(found, patients, copies, seed):
    """The test part has another number of patients than half: is a coin tossed for each, or are
    scans counted? Draw exactly half of them.
    """
    tested = counted(found, patients)[3]
    return len(tested) != len(set(patients.tolist())) // 2


@pytest.fixture
def patients(rng):
    """Nine patients with one to five scans."""
    names = np.array([f"p{number}" for number in rng.choice(500, 9, replace=False)])
    return rng.permutation(np.repeat(names, rng.permutation([1, 1, 2, 2, 3, 3, 4, 5, 5])))


def parts(student, result, n):
    """Two arrays of scan numbers."""
    if not isinstance(result, list | tuple) or len(result) != 2:
        fail(student, "does not give two results", "training and test part, in a tuple")
    because = "Numbers of scans, from 0: not names of patients, not True and False."
    return [
        assert_array(
            student, part, shape=(None,), kind="integer", low=0, high=n - 1, because=because
        )
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
            fail(student, f"has {len(both)} patients on both sides", "none", TASK)


def test_half(student, patients):
    """Half of the patients, rounded down, are in the test part."""
    for seed in range(3):
        _, test = parts(student, student.sources(patients, 1, seed), len(patients))
        found = len(np.unique(patients[test]))
        assert_close(student, found, 4, because="Half of nine patients, rounded down.")


def test_copies(student, patients):
    """Training scans come once and `copies` times more, test scans once, and none is lost."""
    for copies in (4, 1, 0):
        train, test = parts(student, student.sources(patients, copies, 1), len(patients))
        n = np.bincount(np.concatenate([train, test]), minlength=len(patients))
        expected = np.where(np.isin(np.arange(len(patients)), test), 1, copies + 1)
        assert_close(student, n, expected, because=TASK)


def test_seed(student, patients):
    """The seed decides."""
    assert_repeatable(student, lambda: student.sources(patients, 1, 3))
    assert_seed_is_used(student, lambda seed: student.sources(patients, 0, seed))
