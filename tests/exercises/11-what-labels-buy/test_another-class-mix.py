"""Checks of the exercise another-class-mix."""

import numpy as np
import pytest

from octlessons.testing import assert_close, assert_input_unchanged, assert_number


@pytest.fixture
def matrix(rng):
    """A confusion matrix of four classes of very different size."""
    return rng.integers(1, 10, size=(4, 4)) + np.diag(rng.integers(5, 400, size=4))


def test_kind(student, matrix):
    """The result is a share; the matrix stays as it was."""
    assert_number(student, student.accuracy_at(matrix, np.ones(4)), low=0, high=1)
    assert_input_unchanged(student)


def test_same_mix(student, matrix):
    """On the mix that the matrix has, it is the accuracy of the matrix."""
    assert_close(
        student,
        student.accuracy_at(matrix, matrix.sum(axis=1)),
        np.trace(matrix) / matrix.sum(),
        because="Shares may be counts: divide by their sum.",
    )


@pytest.mark.points(2)
def test_other_mixes(student, matrix, rng):
    """Balanced, one class alone, and any other mix."""
    for shares in (np.ones(4), np.eye(4)[2], rng.uniform(size=4)):
        images = matrix / matrix.sum(axis=1, keepdims=True) * shares[:, None]
        assert_close(
            student,
            student.accuracy_at(matrix, shares),
            np.trace(images) / images.sum(),
            because="Only the recalls matter: each class's right answers by the images *of that "
            "class*, which is a row. Their mean is weighted by the shares.",
        )
