"""Checks of the exercise count-the-pairs."""

from itertools import combinations

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from octlessons.testing import assert_close, assert_input_unchanged, assert_number, fail


@pytest.fixture
def clusterings(rng):
    """Two clusterings of 25 images that agree in part."""
    a = rng.integers(4, size=25)
    b = np.where(rng.random(25) < 0.6, a + 10, rng.integers(3, size=25))
    return a, b


def counted(a, b):
    """The four counts, pair by pair."""
    kinds = [(a[i] == a[j], b[i] == b[j]) for i, j in combinations(range(len(a)), 2)]
    return tuple(kinds.count(kind) for kind in ((1, 1), (1, 0), (0, 1), (0, 0)))


def test_four_counts(student, clusterings):
    """Four whole numbers that add up to the number of pairs."""
    found = student.pair_counts(*clusterings)
    assert_input_unchanged(student)
    if not isinstance(found, list | tuple) or len(found) != 4:
        fail(student, "does not give four results", "four counts, in a tuple")
    total = sum(assert_number(student, value, low=0, whole=True) for value in found)
    if total != 300:
        fail(
            student,
            f"counts {total} pairs",
            "300 pairs of 25 images",
            "Every pair once, and no image with itself: n (n - 1) / 2.",
        )


@pytest.mark.points(2)
def test_counts(student, clusterings):
    """Together in both, only in the first, only in the second, in neither."""
    for a, b in (clusterings, clusterings[::-1]):
        assert_close(
            student,
            student.pair_counts(a, b),
            counted(a, b),
            because="The order is: both, only in `a`, only in `b`, neither.",
        )


def test_five_images(student):
    """The example of the chapter's formula: numbers of clusters do not matter."""
    a = np.array([0, 0, 1, 1, 1])
    for b in (1 - a, a + 7):
        assert_close(student, student.ari(a, b), 1.0, because="Compare pairs, not cluster numbers.")


@pytest.mark.points(2)
def test_ari(student, clusterings, rng):
    """The adjusted Rand index, on clusterings that agree more or less."""
    a, b = clusterings
    for other in (b, rng.permutation(b), np.arange(25) % 2):
        assert_close(
            student,
            student.ari(a, other),
            adjusted_rand_score(a, other),
            because="The share of pairs on which the two agree is the Rand index; the adjusted one "
            "takes chance off. Compare your formula with the one in the task.",
        )
