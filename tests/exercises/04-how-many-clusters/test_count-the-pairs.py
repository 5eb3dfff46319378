"""Checks of the exercise count-the-pairs."""

from itertools import combinations

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from octlessons.testing import (
    assert_close,
    assert_input_unchanged,
    assert_number,
    fail,
    mistake,
    reference,
)

ORDER = "Pairs together in both, only in `a`, only in `b`, in neither; each pair once."
FORMULA = "The four counts in the formula of the task, with all of its brackets."


@reference("pair_counts")
def counted(a, b):
    """The four counts, pair by pair."""
    kinds = [(a[i] == a[j], b[i] == b[j]) for i, j in combinations(range(len(a)), 2)]
    return tuple(kinds.count(kind) for kind in ((1, 1), (1, 0), (0, 1), (0, 0)))


@mistake("pair_counts")
def pairs_twice(a, b):
    """Every pair is counted twice: (i, j) and (j, i) are one pair."""
    return tuple(2 * n for n in counted(a, b))


@mistake("pair_counts")
def with_itself_twice(a, b):
    """Every pair is counted twice, and each image with itself: take each pair once."""
    both, *rest = (2 * n for n in counted(a, b))
    return (both + len(a), *rest)


@mistake("pair_counts")
def with_itself(a, b):
    """Each image is counted with itself: a pair is two images."""
    both, *rest = counted(a, b)
    return (both + len(a), *rest)


@mistake("pair_counts")
def neither_second(a, b):
    """The order is another one: both, only in `a`, only in `b`, neither."""
    both, first, second, neither = counted(a, b)
    return both, neither, first, second


@mistake("pair_counts")
def exchanged(a, b):
    """Only in `a` and only in `b` are exchanged."""
    both, first, second, neither = counted(a, b)
    return both, second, first, neither


@mistake("pair_counts")
def not_only(a, b):
    """The second and third count those together in `a`, and in `b`: only those not in the other."""
    both, first, second, neither = counted(a, b)
    return both, both + first, both + second, neither


@mistake("pair_counts")
def images(a, b):
    """Images were compared, not pairs: the numbers of clusters in `a` and `b` mean nothing."""
    same = int(np.sum(a == b))
    return same, ..., ..., ...


@reference("ari")
def expected(a, b):
    """From the library."""
    return adjusted_rand_score(a, b)


@mistake("ari")
def rand_index(a, b):
    """This is the Rand index, the share of pairs on which the two agree: the adjusted one takes
    chance off."""
    both, first, second, neither = counted(a, b)
    return (both + neither) / (both + first + second + neither)


@mistake("ari")
def jaccard(a, b):
    """This leaves the pairs out that are in neither: compare with the formula of the task."""
    both, first, second, _ = counted(a, b)
    return both / (both + first + second)


@mistake("ari")
def without_two(a, b):
    """This is half of it: the formula begins with a 2."""
    return expected(a, b) / 2


@mistake("ari")
def equal_numbers(a, b):
    """Cluster numbers were compared, which mean nothing: compare pairs."""
    return np.mean(a == b)


@mistake("ari")
def added(a, b):
    """The products are added: take first times second *off* both times neither."""
    both, first, second, neither = counted(a, b)
    below = (both + first) * (first + neither) + (both + second) * (second + neither)
    return 2 * (both * neither + first * second) / below


@mistake("ari")
def other_brackets(a, b):
    """Below the line, first and second are exchanged: compare with the formula of the task."""
    both, first, second, neither = counted(a, b)
    below = (both + first) * (second + neither) + (both + second) * (first + neither)
    return 2 * (both * neither - first * second) / below


@mistake("ari")
def half_below(a, b):
    """Only the first product is below the line: the whole sum belongs there."""
    both, first, second, neither = counted(a, b)
    above = 2 * (both * neither - first * second) / ((both + first) * (first + neither))
    return above + (both + second) * (second + neither)


@mistake("ari")
def from_wrong_counts(a, b):
    """The counts that go in are wrong: see to `pair_counts` first."""
    both, first, second, neither = with_itself_twice(a, b)
    below = (both + first) * (first + neither) + (both + second) * (second + neither)
    return 2 * (both * neither - first * second) / below


@pytest.fixture
def clusterings(rng):
    """Two clusterings of 25 images that agree in part."""
    a = rng.integers(4, size=25)
    b = np.where(rng.random(25) < 0.6, a + 10, rng.integers(3, size=25))
    return a, b


def test_four_counts(student, clusterings):
    """Four whole numbers that add up to the number of pairs."""
    found = student.pair_counts(*clusterings)
    assert_input_unchanged(student)
    if not isinstance(found, list | tuple) or len(found) != 4:
        fail(student, "does not give four results", "four counts, in a tuple")
    total = sum(assert_number(student, value, low=0, whole=True) for value in found)
    if total != 300:
        fail(student, f"counts {total} pairs", "300 pairs of 25 images, n (n - 1) / 2", ORDER)


@pytest.mark.points(2)
def test_counts(student, clusterings):
    """Together in both, only in the first, only in the second, in neither."""
    for a, b in (clusterings, clusterings[::-1]):
        assert_close(student, student.pair_counts(a, b), counted(a, b), because=ORDER)


def test_five_images(student):
    """Equal partitions with other numbers: 1."""
    a = np.array([0, 0, 1, 1, 1])
    for b in (1 - a, a + 7):
        assert_close(student, student.ari(a, b), 1.0, because=FORMULA)


@pytest.mark.points(2)
def test_ari(student, clusterings, rng):
    """The adjusted Rand index, on clusterings that agree more or less."""
    a, b = clusterings
    for other in (b, rng.permutation(b), np.arange(25) % 2):
        assert_close(student, student.ari(a, other), expected(a, other), because=FORMULA)
