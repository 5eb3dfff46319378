"""Checks of the exercise be-the-grader."""

import numpy as np
import pytest

from octlessons.exercises.plain import described
from octlessons.testing import (
    assert_close,
    assert_equal,
    assert_input_unchanged,
    fail,
    mistake,
    reference,
    symptom,
)

NAMES = ["CNV", "DME", "DRUSEN", "NORMAL"]
OTHERS = ["macular hole", "healthy", "CSC"]
SHARE = "The number of right guesses, divided by the number of all guesses."
MISSED = "Of the scans of each class, what share was guessed wrong? The class with the largest."


def missed_shares(guesses, truth, names):
    """For each class, the share of its scans that was guessed wrong."""
    pairs = list(zip(guesses.tolist(), truth.tolist(), strict=True))
    of = [[g != t for g, t in pairs if t == number] for number in range(len(names))]
    return [sum(wrong) / len(wrong) for wrong in of]


@reference("grade")
def expected(guesses, truth, names):
    """Both, guess by guess."""
    missed = missed_shares(guesses, truth, names)
    n_right = sum(g == t for g, t in zip(guesses.tolist(), truth.tolist(), strict=True))
    return n_right / len(truth), names[missed.index(max(missed))]


@symptom("grade")
def fixed_names(found, guesses, truth, names):
    """This name is not in `names`: take the class from there, whatever the classes are called."""
    return isinstance(found[1], str) and found[1] not in names


@mistake("grade")
def every_class_alike(guesses, truth, names):
    """This is the mean of the classes' shares: count every scan alike, whatever its class."""
    return 1 - np.mean(missed_shares(guesses, truth, names)), ...


@mistake("grade")
def share_wrong(guesses, truth, names):
    """This is the share of wrong guesses: count the right ones."""
    return np.mean(guesses != truth), ...


@mistake("grade")
def counted(guesses, truth, names):
    """This is the number of right guesses: divide it by the number of all."""
    return int(np.sum(guesses == truth)), ...


@mistake("grade")
def percent(guesses, truth, names):
    """This is a percentage: a share lies between 0 and 1."""
    return 100 * np.mean(guesses == truth), ...


@mistake("grade")
def number_not_name(guesses, truth, names):
    """This is the number of the class: give its name, `names[...]`."""
    return ..., int(np.argmax(missed_shares(guesses, truth, names)))


@mistake("grade")
def counts(guesses, truth, names):
    """Counts were compared, which large classes win. Shares, not counts: divide by the class's
    scans."""
    wrong = np.bincount(truth[guesses != truth], minlength=len(names))
    return ..., names[int(wrong.argmax())]


@mistake("grade")
def of_those_guessed(guesses, truth, names):
    """This looks at the scans guessed to be of a class: look at those that are of the class."""
    wrong = [np.mean((guesses != truth)[guesses == c]) for c in range(len(names))]
    return ..., names[int(np.nanargmax(wrong))]


@mistake("grade")
def guessed_wrongly_most(guesses, truth, names):
    """This is the class that wrong guesses name most: look at the true class of what was missed."""
    return ..., names[int(np.bincount(guesses[guesses != truth], minlength=len(names)).argmax())]


@mistake("grade")
def missed_least(guesses, truth, names):
    """This is the class that was missed least."""
    return ..., names[int(np.argmin(missed_shares(guesses, truth, names)))]


@mistake("grade")
def last_of_a_tie(guesses, truth, names):
    """On a tie this gives the last class: take the first."""
    missed = missed_shares(guesses, truth, names)
    return ..., names[len(names) - 1 - missed[::-1].index(max(missed))]


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
        fail(student, f"gives {described(name)} as the class missed most", "one of the names")


def test_share(student, rng):
    """The share of right guesses, among classes of different size."""
    for n_wrong, k in ((0, 4), (3, 4), (9, 3), (26, 4)):
        truth = np.repeat(np.arange(k), [12, 3, 9, 2][:k])
        guesses = truth.copy()
        where = np.arange(len(truth))[::-1][:n_wrong]  # small classes are missed first
        guesses[where] = (guesses[where] + 1) % k
        order = rng.permutation(len(truth))
        given = guesses[order], truth[order], (NAMES if k == 4 else OTHERS)
        share, _ = pair(student, student.grade(*given))
        assert_close(student, share, expected(*given)[0], because=SHARE)


@pytest.mark.points(2)
def test_missed_most(student, rng):
    """The class of whose scans the largest share was guessed wrong, in unequal classes too."""
    for worst, names in ((0, NAMES), (1, OTHERS), (2, NAMES[::-1]), (3, NAMES), (2, OTHERS)):
        k = len(names)
        sizes = np.full(k, 20)
        sizes[worst] = 5
        truth = np.repeat(np.arange(k), sizes)
        guesses = truth.copy()
        for number in range(k):  # a quarter of each class is wrong, more of the small one
            n_wrong = 4 if number == worst else 5
            guesses[np.flatnonzero(truth == number)[:n_wrong]] = (number + 1) % k
        order = rng.permutation(len(truth))
        _, name = pair(student, student.grade(guesses[order], truth[order], names))
        assert_equal(student, name, names[worst], because=MISSED)


def test_taken_for_another(student, rng):
    """Drusen taken for normal are missed drusen, whatever was guessed right among the normal."""
    truth = np.repeat(np.arange(4), [5, 5, 20, 5])
    guesses = truth.copy()
    guesses[10:18] = 3
    order = rng.permutation(35)
    _, name = pair(student, student.grade(guesses[order], truth[order], NAMES))
    assert_equal(student, name, "DRUSEN", because=MISSED)


def test_tie(student, rng):
    """On a tie, the first class of the list."""
    truth = np.repeat(np.arange(4), 5)
    _, name = pair(student, student.grade((truth + 1) % 4, truth, NAMES))
    assert_equal(student, name, "CNV", because="All were missed alike: take the first of `names`.")
