"""Checks of the exercise be-the-grader."""

import numpy as np
import pytest

from octlessons.exercises.plain import described
from octlessons.testing import assert_close, assert_equal, assert_input_unchanged, fail

NAMES = ["CNV", "DME", "DRUSEN", "NORMAL"]


def pair(student, result):
    """A share and a name."""
    if not isinstance(result, list | tuple) or len(result) != 2:
        fail(student, "does not give two results", "a share and the name of a class, in a tuple")
    return result


def test_kind(student, rng):
    """The result is a share and a name; the guesses stay as they were."""
    truth = np.repeat(np.arange(4), 5)
    _, name = pair(student, student.grade(rng.permutation(truth), truth, NAMES))
    assert_input_unchanged(student)
    if not isinstance(name, str) or name not in NAMES:
        fail(
            student,
            f"gives {described(name)} as the class missed most",
            "one of the names",
            "`names[…]`",
        )


def test_share(student, rng):
    """The share of right guesses."""
    truth = np.repeat(np.arange(4), 5)
    for n_wrong in (0, 3, 20):
        guesses = truth.copy()
        where = rng.choice(20, n_wrong, replace=False)
        guesses[where] = (guesses[where] + 1) % 4
        share, _ = pair(student, student.grade(guesses, truth, NAMES))
        assert_close(student, share, 1 - n_wrong / 20, because="Right guesses, divided by all.")


@pytest.mark.points(2)
def test_missed_most(student, rng):
    """The class of whose scans the largest share was guessed wrong, in unequal classes too."""
    for worst in range(4):
        sizes = np.full(4, 20)
        sizes[worst] = 5
        truth = np.repeat(np.arange(4), sizes)
        guesses = truth.copy()
        for number in range(4):  # a quarter of each class is wrong, more of the small one
            n_wrong = 4 if number == worst else 5
            guesses[np.flatnonzero(truth == number)[:n_wrong]] = (number + 1) % 4
        order = rng.permutation(len(truth))
        _, name = pair(student, student.grade(guesses[order], truth[order], NAMES))
        assert_equal(
            student,
            name,
            NAMES[worst],
            because="Shares, not counts: of each class's own scans, what part was missed?",
        )


def test_taken_for_another(student, rng):
    """Drusen taken for normal are missed drusen, whatever was guessed right among the normal."""
    truth = np.repeat(np.arange(4), [5, 5, 20, 5])
    guesses = truth.copy()
    guesses[10:18] = 3
    order = rng.permutation(35)
    _, name = pair(student, student.grade(guesses[order], truth[order], NAMES))
    assert_equal(
        student,
        name,
        "DRUSEN",
        because="Look at the scans that are of the class, not at those guessed to be.",
    )


def test_tie(student, rng):
    """On a tie, the first class of the list."""
    truth = np.repeat(np.arange(4), 5)
    _, name = pair(student, student.grade((truth + 1) % 4, truth, NAMES))
    assert_equal(student, name, "CNV")
