"""Checks of the exercise how-many-attempts."""

from functools import cache

import numpy as np
import pytest

from octlessons.testing import (
    assert_in_band,
    assert_number,
    assert_repeatable,
    assert_seed_is_used,
    band,
    fail,
    symptom,
)

TASK = "The share right of each attempt, the largest of a study's attempts, the mean of studies."


@cache
def shares(n_scans, n_attempts, n_repeats):
    """Shares right of the attempts of many studies."""
    draw = np.random.default_rng(12345)
    return draw.binomial(n_scans, 0.5, size=(n_repeats, n_attempts)) / n_scans


def near(found, other, n_scans, n_attempts, n_repeats):
    """Whether a result is another number than the right one, within the noise of the means."""
    right = shares(n_scans, n_attempts, n_repeats).max(axis=1).mean()
    room = 2.5 * 0.5 / np.sqrt(n_scans * n_repeats)
    return abs(other - right) > 2 * room and abs(found - other) < room


@symptom("best_by_chance")
def mean_of_all(found, n_scans, n_attempts, n_repeats, seed):
    """This is the mean of all attempts, which stays at a half: keep the *largest* of each study."""
    return near(found, 0.5, n_scans, n_attempts, n_repeats)


@symptom("best_by_chance")
def worst(found, n_scans, n_attempts, n_repeats, seed):
    """This is the smallest share of each study: keep the largest."""
    other = shares(n_scans, n_attempts, n_repeats).min(axis=1).mean()
    return near(found, other, n_scans, n_attempts, n_repeats)


@symptom("best_by_chance")
def counted(found, n_scans, n_attempts, n_repeats, seed):
    """This is a number of scans: a share is divided by `n_scans`."""
    return found > 1


@symptom("best_by_chance")
def best_study(found, n_scans, n_attempts, n_repeats, seed):
    """The best was taken over all studies: take it over the attempts of each study, and the mean
    over the studies.
    """
    made = shares(n_scans, n_attempts, n_repeats)
    right, most = made.max(axis=1).mean(), made.max()
    return n_repeats >= 50 and 0.4 * right + 0.6 * most < found < most + 0.35 / np.sqrt(n_scans)


@symptom("best_by_chance")
def too_few_coins(found, n_scans, n_attempts, n_repeats, seed):
    """So much is possible for fewer scans only: toss `n_scans` coins in each attempt."""
    right = shares(n_scans, n_attempts, n_repeats).max(axis=1).mean()
    return n_scans >= 100 and found > right + 0.03


@symptom("best_by_chance")
def one_study(found, n_scans, n_attempts, n_repeats, seed):
    """This is the result of a single study, or the same one again and again (or their median):
    draw `n_repeats` studies from one generator, made once, and take their mean.
    """
    return n_repeats > 50 and abs(found * n_scans - round(found * n_scans)) < 1e-4


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
    assert_number(student, student.best_by_chance(20, 3, 10, 0), low=0, high=1, because=TASK)


def test_one_attempt(student):
    """A single attempt is right in half of the cases."""
    value = student.best_by_chance(40, 1, 400, 1)
    because = "One attempt has nothing to choose from: the mean over the studies is a half."
    assert_in_band(student, value, band(__file__, "one_attempt"), because=because)


@pytest.mark.points(2)
def test_best_of_twenty(student):
    """The best of twenty attempts does clearly better, though all of them guess."""
    for seed in range(2, 6):
        value = student.best_by_chance(40, 20, 200, seed)
        assert_in_band(student, value, band(__file__, "twenty_attempts"), because=TASK)
    found = [40 * student.best_by_chance(40, 20, 200, seed) for seed in range(4)]
    if np.allclose(found, np.round(found), atol=1e-4):
        said = "gives, with every seed, a share that 40 scans can have"
        fail(student, said, "the mean of 200 studies, which lies between them", TASK)


def test_more_scans(student):
    """With more scans there is less to gain from many attempts."""
    value = student.best_by_chance(400, 10, 100, 3)
    assert_in_band(student, value, band(__file__, "many_scans"), because=TASK)


def test_seed(student):
    """The seed decides."""
    assert_repeatable(student, lambda: student.best_by_chance(20, 4, 5, 7))
    assert_seed_is_used(student, lambda seed: student.best_by_chance(20, 4, 5, seed))
