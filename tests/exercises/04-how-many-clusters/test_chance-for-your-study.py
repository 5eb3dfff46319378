"""Checks of the exercise chance-for-your-study."""

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

SMALL = np.repeat(np.arange(4), 15)
LARGE = np.repeat(np.arange(3), 400)


def mean_of_small(student, seed):
    """Mean for 60 scans of four classes."""
    return student.chance_level(SMALL, 4, 400, seed)[0]


def high_of_small(student, seed):
    """95th percentile for the same."""
    return student.chance_level(SMALL, 4, 400, seed)[1]


def mean_of_large(student, seed):
    """Mean for 1,200 scans of three classes."""
    return student.chance_level(LARGE, 3, 60, seed)[0]


CALIBRATED = [mean_of_small, high_of_small, mean_of_large]


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
    """60 scans of four classes: the mean and the value exceeded by 5 %."""
    mean, high = pair(student, student.chance_level(SMALL, 4, 400, 1))
    assert_in_band(
        student,
        mean,
        band(__file__, "mean_of_small"),
        because="The mean over many draws, each scan in any of the k piles with the same chance, "
        "every draw matched anew. Without matching it would be 0.25.",
    )
    assert_in_band(
        student,
        high,
        band(__file__, "high_of_small"),
        because="Exceeded by 5 % of the draws: the 95th percentile, not the largest.",
    )


def test_large_study(student):
    """1,200 scans of three classes: nearer to a third."""
    mean, _ = pair(student, student.chance_level(LARGE, 3, 60, 2))
    because = "Are `labels` and `k` used, or the numbers of the first study?"
    assert_in_band(student, mean, band(__file__, "mean_of_large"), because=because)


def test_number_of_draws(student):
    """With a single draw, mean and percentile are that draw."""
    mean, high = pair(student, student.chance_level(SMALL, 4, 1, 3))
    assert_close(student, high, mean, because="Is `n_draws` the number of random clusterings?")


def test_seed(student):
    """The seed decides."""
    assert_repeatable(student, lambda: student.chance_level(SMALL, 4, 20, 5))
    assert_seed_is_used(student, lambda seed: student.chance_level(SMALL, 4, 20, seed))
