"""Checks of the exercise has-it-collapsed."""

import numpy as np
import pytest
from scipy.spatial.distance import pdist

from octlessons.testing import assert_close, assert_input_unchanged, assert_number


@pytest.fixture
def embeddings(rng):
    """Twelve rows of different length."""
    return rng.normal(size=(12, 5)) * rng.uniform(0.5, 4, size=(12, 1)) + 0.5


def test_kind(student, embeddings):
    """The spread is one number; the embeddings stay as they were."""
    assert_number(student, student.spread(embeddings), low=0, high=2)
    assert_input_unchanged(student)


@pytest.mark.points(2)
def test_spread(student, embeddings):
    """The mean over all pairs of different rows."""
    assert_close(
        student,
        student.spread(embeddings),
        pdist(embeddings, "cosine").mean(),
        because="Pairs of *different* rows: a row with itself has a cosine of 1 and does not "
        "count. Rows may have any length.",
    )


def test_two_ends(student):
    """Equal rows have a spread of 0, rows at right angles 1, opposite ones 2."""
    cases = ((np.ones((10, 4)), 0.0), (3 * np.eye(6), 1.0), (np.array([[1.0, 2], [-2, -4]]), 2.0))
    for rows, expected in cases:
        assert_close(student, student.spread(rows), expected, because="1 - cosine, not the cosine.")


def test_collapsed(student, rng):
    """Collapsed below the limit, which is 0.02 if not given."""
    near = np.ones((8, 3)) + 0.02 * rng.normal(size=(8, 3))
    because = "True where the spread is *below* the limit; `limit` may be given."
    assert_close(student, student.has_collapsed(near), True, because=because)
    assert_close(student, student.has_collapsed(np.eye(3)), False, because=because)
    assert_close(student, student.has_collapsed(np.eye(3), 1.5), True, because=because)
    apart = pdist(near, "cosine").mean()
    assert_close(student, student.has_collapsed(near, float(apart) / 2), False, because=because)
