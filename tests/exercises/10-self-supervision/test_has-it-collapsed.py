"""Checks of the exercise has-it-collapsed."""

import numpy as np
import pytest
from scipy.spatial.distance import pdist

from octlessons.testing import (
    assert_close,
    assert_input_unchanged,
    assert_number,
    mistake,
    reference,
)

TASK = "Rows of length 1, all pairs of different rows, the mean of 1 - cosine."


@reference("spread")
def expected(embeddings):
    """The mean over the pairs."""
    return float(pdist(embeddings, "cosine").mean())


@mistake("spread")
def with_itself(embeddings):
    """The pairs of a row with itself count here, whose cosine is 1: take pairs of different
    rows.
    """
    n = len(embeddings)
    return expected(embeddings) * (n - 1) / n


@mistake("spread")
def half_of_it(embeddings):
    """Each pair is counted once and divided by all n (n - 1): there are half as many pairs."""
    return expected(embeddings) / 2


@mistake("spread")
def cosine(embeddings):
    """This is the mean cosine: take the mean of 1 - cosine."""
    return 1 - expected(embeddings)


@mistake("spread")
def any_length(embeddings):
    """These are dot products of rows as they are: bring every row to length 1 first."""
    n = len(embeddings)
    products = embeddings @ embeddings.T
    return 1 - (products.sum() - np.trace(products)) / (n * (n - 1))


@mistake("spread")
def summed(embeddings):
    """This is a sum over the pairs: take the mean."""
    return float(pdist(embeddings, "cosine").sum())


@mistake("spread")
def standard_deviation(embeddings):
    """This is the standard deviation of the columns: compare directions of rows, in pairs."""
    return embeddings.std(axis=0).mean()


@mistake("spread")
def distances(embeddings):
    """These are Euclidean distances of the rows: take 1 - cosine."""
    return float(pdist(embeddings).mean())


@mistake("spread")
def correlations(embeddings):
    """The mean of each row was subtracted (a correlation does that): the cosine takes rows as
    they are.
    """
    return float(pdist(embeddings, "correlation").mean())


@mistake("spread")
def to_the_mean(embeddings):
    """Each row is compared with the mean row: compare it with every other row."""
    mean = embeddings.mean(axis=0)
    length = np.linalg.norm(embeddings, axis=1) * np.linalg.norm(mean)
    return float((1 - embeddings @ mean / length).mean())


@reference("has_collapsed")
def expected_verdict(embeddings, limit=0.02):
    """Below the limit."""
    return expected(embeddings) < limit


@mistake("has_collapsed")
def fixed_limit(embeddings, limit=0.02):
    """The limit is always 0.02 here: use the one that is given."""
    return expected(embeddings) < 0.02


@mistake("has_collapsed")
def above(embeddings, limit=0.02):
    """True and False are the wrong way round: it has collapsed where the spread is *below* the
    limit.
    """
    return expected(embeddings) > limit


@mistake("has_collapsed")
def spread_itself(embeddings, limit=0.02):
    """This is the spread: say True or False, whether it is below the limit."""
    return expected(embeddings)


@pytest.fixture
def embeddings(rng):
    """Twelve rows of different length."""
    return rng.normal(size=(12, 5)) * rng.uniform(0.5, 4, size=(12, 1)) + 0.5


def test_kind(student, embeddings):
    """The spread is one number; the embeddings stay as they were."""
    assert_number(student, student.spread(embeddings), because=TASK)
    assert_input_unchanged(student)


@pytest.mark.points(2)
def test_spread(student, embeddings):
    """The mean over all pairs of different rows."""
    assert_close(student, student.spread(embeddings), expected(embeddings), because=TASK)


def test_two_ends(student):
    """Equal rows have a spread of 0, rows at right angles 1, opposite ones 2."""
    for rows in (np.ones((10, 4)), 3 * np.eye(6), np.array([[1.0, 2], [-2, -4]])):
        found = student.spread(rows)
        assert_close(student, found, expected(rows), because=TASK)


def test_collapsed(student, rng):
    """Collapsed below the limit, which is 0.02 if not given."""
    near = np.ones((8, 3)) + 0.02 * rng.normal(size=(8, 3))
    because = "True where the spread is *below* the limit; `limit` may be given."
    apart = expected(near) / 2
    for case in ((near,), (np.eye(3),), (np.eye(3), 1.5), (near, apart)):
        found = student.has_collapsed(*case)
        assert_close(student, found, expected_verdict(*case), because=because)
