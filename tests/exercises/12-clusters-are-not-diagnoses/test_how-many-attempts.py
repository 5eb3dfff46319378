"""Checks of the exercise how-many-attempts."""

import pytest

from octlessons.testing import (
    assert_in_band,
    assert_number,
    assert_repeatable,
    assert_seed_is_used,
    band,
)


def one_attempt(student, seed):
    """40 scans, one attempt."""
    return student.best_by_chance(40, 1, 400, seed)


def twenty_attempts(student, seed):
    """40 scans, twenty attempts."""
    return student.best_by_chance(40, 20, 200, seed)


def many_scans(student, seed):
    """400 scans, ten attempts."""
    return student.best_by_chance(400, 10, 100, seed)


CALIBRATED = [one_attempt, twenty_attempts, many_scans]


def test_kind(student):
    """The result is one share, from 0 to 1."""
    assert_number(student, student.best_by_chance(20, 3, 10, 0), low=0, high=1)


def test_one_attempt(student):
    """A single attempt is right in half of the cases."""
    value = student.best_by_chance(40, 1, 400, 1)
    because = "One attempt has nothing to choose from. Is the best taken over studies?"
    assert_in_band(student, value, band(__file__, "one_attempt"), because=because)


@pytest.mark.points(2)
def test_best_of_twenty(student):
    """The best of twenty attempts does clearly better, though all of them guess."""
    value = student.best_by_chance(40, 20, 200, 2)
    assert_in_band(
        student,
        value,
        band(__file__, "twenty_attempts"),
        because="The largest share of each study's attempts, then the mean over studies. The mean "
        "of all attempts stays at a half.",
    )


def test_more_scans(student):
    """With more scans there is less to gain from many attempts."""
    value = student.best_by_chance(400, 10, 100, 3)
    because = "Is `n_scans` the number of coins tossed in one attempt?"
    assert_in_band(student, value, band(__file__, "many_scans"), because=because)


def test_seed(student):
    """The seed decides."""
    assert_repeatable(student, lambda: student.best_by_chance(20, 4, 5, 7))
    assert_seed_is_used(student, lambda seed: student.best_by_chance(20, 4, 5, seed))
