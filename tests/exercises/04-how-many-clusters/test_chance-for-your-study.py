"""Checks of the exercise chance-for-your-study."""

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment

from octlessons.testing import (
    assert_close,
    assert_in_band,
    assert_input_unchanged,
    assert_number,
    assert_repeatable,
    assert_seed_is_used,
    band,
    fail,
    symptom,
)

SMALL = np.repeat(np.arange(4), 15)
UNEVEN = np.repeat(np.arange(4), [33, 13, 9, 5])
LARGE = np.repeat(np.arange(3), 400)
MEAN = "The mean, over many draws, of what the best matching of clusters to classes gets right."
HIGH = "The 95th percentile of the draws: 5 % of them exceed it."


def mean_of_small(student, seed):
    """Mean for 60 scans of four classes."""
    return student.chance_level(SMALL, 4, 400, seed)[0]


def high_of_small(student, seed):
    """95th percentile for the same."""
    return student.chance_level(SMALL, 4, 400, seed)[1]


def mean_of_uneven(student, seed):
    """Mean for 60 scans, of which one class has 33."""
    return student.chance_level(UNEVEN, 4, 300, seed)[0]


def high_of_uneven(student, seed):
    """95th percentile for the same."""
    return student.chance_level(UNEVEN, 4, 300, seed)[1]


def mean_of_large(student, seed):
    """Mean for 1,200 scans of three classes."""
    return student.chance_level(LARGE, 3, 60, seed)[0]


CALIBRATED = [mean_of_small, high_of_small, mean_of_uneven, high_of_uneven, mean_of_large]


def simulated(labels, k, score, draw=None):
    """Scores of 300 random clusterings."""
    rng = np.random.default_rng(12345)
    draw = draw or (lambda: rng.integers(k, size=len(labels)))
    found = []
    for _ in range(300):
        table = np.zeros((k, k), int)
        np.add.at(table, (draw(), labels), 1)
        found.append(score(table) / len(labels))
    return np.array(found)


def matched(table):
    """Scans that the best matching gets right."""
    return table[linear_sum_assignment(-table)].sum()


def explains(found, labels, k, n_draws, other):
    """Whether the mean is that of other scores, and not the right one."""
    right = np.mean(simulated(labels, k, matched))
    far = abs(np.mean(other) - right) > 0.02
    return n_draws > 50 and far and abs(found - np.mean(other)) < abs(np.mean(other) - right) / 3


@symptom("chance_level")
def one_in_k(found, labels, k, n_draws, seed):
    """This is 1 / k: that would be the chance without matching. Draw random piles, and
    match them.
    """
    return bool(np.isclose(found[0], 1 / k, atol=1e-9))


@symptom("chance_level")
def a_large_class(found, labels, k, n_draws, seed):
    """This is the share of the largest class: draw random piles, and match them."""
    return bool(np.isclose(found[0], np.bincount(labels).max() / len(labels), atol=1e-9))


@symptom("chance_level")
def purity(found, labels, k, n_draws, seed):
    """Each cluster has its commonest class, so that one class serves twice: match each
    class once.
    """
    return explains(
        found[0], labels, k, n_draws, simulated(labels, k, lambda t: t.max(axis=1).sum())
    )


@symptom("chance_level")
def one_draw_again_and_again(found, labels, k, n_draws, seed):
    """All draws are the same: make the generator once, before the loop."""
    return n_draws > 5 and bool(np.isclose(found[0], found[1], atol=1e-9))


@symptom("chance_level")
def exchanged(found, labels, k, n_draws, seed):
    """The percentile is below the mean: the mean comes first, and `np.percentile` takes 95, not
    0.95 or 5."""
    return n_draws > 5 and found[1] < found[0] - 0.005


@symptom("chance_level")
def not_matched(found, labels, k, n_draws, seed):
    """Clusters are taken for classes by their number: match every draw anew (`matched_share`)."""
    return n_draws > 50 and abs(found[0] - 1 / k) < 0.01 < abs(0.36 - 1 / k)


@symptom("chance_level")
def sizes_of_classes(found, labels, k, n_draws, seed):
    """The piles have the sizes of the classes: every scan gets any of the k numbers with the same
    chance.
    """
    rng = np.random.default_rng(0)
    shuffled = simulated(labels, k, matched, lambda: rng.permutation(labels))
    return explains(found[0], labels, k, n_draws, shuffled)


@symptom("chance_level")
def largest(found, labels, k, n_draws, seed):
    """The second number is about the largest of the draws: take the value that 5 % of them
    exceed.
    """
    values = simulated(labels, k, matched)
    return n_draws > 50 and found[1] > np.percentile(values, 98.5)


@symptom("chance_level")
def standard_deviation(found, labels, k, n_draws, seed):
    """The second number is the spread: give the 95th percentile itself."""
    return n_draws > 50 and found[1] < found[0] / 2


def pair(student, result):
    """Two numbers between 0 and 1."""
    if not isinstance(result, list | tuple) or len(result) != 2:
        fail(student, "does not give two results", "mean and 95th percentile, in a tuple")
    return [assert_number(student, value, low=0, high=1) for value in result]


def test_kind(student):
    """Two shares, the second not below the first; the labels stay as they were."""
    mean, high = pair(student, student.chance_level(SMALL, 4, 50, 0))
    assert_input_unchanged(student)
    if high < mean:
        fail(student, f"gives {high:.3f} after {mean:.3f}", "the mean, then the 95th percentile")


@pytest.mark.points(2)
def test_small_study(student):
    """60 scans of four classes, and 60 of which one class has 33: mean and 95th percentile."""
    for labels, n_draws, name in ((SMALL, 400, "small"), (UNEVEN, 300, "uneven")):
        mean, high = pair(student, student.chance_level(labels, 4, n_draws, 1))
        assert_in_band(student, mean, band(__file__, f"mean_of_{name}"), because=MEAN)
        assert_in_band(student, high, band(__file__, f"high_of_{name}"), because=HIGH)


def test_large_study(student):
    """1,200 scans of three classes: nearer to a third."""
    mean, _ = pair(student, student.chance_level(LARGE, 3, 60, 2))
    because = MEAN + " `labels` and `k` are those of the call."
    assert_in_band(student, mean, band(__file__, "mean_of_large"), because=because)


def test_number_of_draws(student):
    """With a single draw, mean and percentile are that draw."""
    mean, high = pair(student, student.chance_level(SMALL, 4, 1, 3))
    because = "`n_draws` is the number of random clusterings: here there is one."
    assert_close(student, high, mean, because=because)


def test_seed(student):
    """The seed decides."""
    assert_repeatable(student, lambda: student.chance_level(SMALL, 4, 20, 5))
    assert_seed_is_used(student, lambda seed: student.chance_level(SMALL, 4, 20, seed))
