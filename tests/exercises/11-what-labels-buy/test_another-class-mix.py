"""Checks of the exercise another-class-mix."""

import numpy as np
import pytest

from octlessons.testing import (
    assert_close,
    assert_input_unchanged,
    assert_number,
    mistake,
    reference,
)

TASK = "The recall of each class, and their mean, weighted by the shares of the new mix."


@reference("accuracy_at")
def expected(matrix, shares):
    """Images of the new mix, and how many of them are right."""
    images = matrix / matrix.sum(axis=1, keepdims=True) * np.asarray(shares)[:, None]
    return float(np.trace(images) / images.sum())


@mistake("accuracy_at")
def as_it_is(matrix, shares):
    """This is the accuracy on the mix that the matrix has: weight the recalls by the shares."""
    return np.trace(matrix) / matrix.sum()


@mistake("accuracy_at")
def not_divided(matrix, shares):
    """The shares may be counts: divide by their sum."""
    return np.diag(matrix) / matrix.sum(axis=1) @ shares


@mistake("accuracy_at")
def divided_by_classes(matrix, shares):
    """This is divided by the number of classes: divide by the sum of the shares."""
    return np.diag(matrix) / matrix.sum(axis=1) @ shares / len(matrix)


@mistake("accuracy_at")
def counts_weighted(matrix, shares):
    """The counts of the matrix are weighted, so its own mix still counts: only the recalls
    matter.
    """
    return np.diag(matrix) @ shares / (matrix.sum(axis=1) @ shares)


@mistake("accuracy_at")
def precision(matrix, shares):
    """Columns were used: the recall divides by the images *of that class*, which is a row."""
    return np.average(np.diag(matrix) / matrix.sum(axis=0), weights=shares)


@mistake("accuracy_at")
def balanced(matrix, shares):
    """The shares have no effect: this is the plain mean of the recalls."""
    return np.mean(np.diag(matrix) / matrix.sum(axis=1))


@mistake("accuracy_at")
def shares_of_all(matrix, shares):
    """Right answers were divided by *all* images: divide each class's by the images of that
    class.
    """
    return np.diag(matrix) @ shares / np.sum(shares) / matrix.sum()


@pytest.fixture
def matrix(rng):
    """A confusion matrix of four classes of very different size."""
    return rng.integers(1, 40, size=(4, 4)) + np.diag(rng.permutation([5, 30, 100, 400]))


def agrees(student, matrix, shares):
    """Compare with the reference."""
    found = student.accuracy_at(matrix, shares)
    assert_close(student, found, expected(matrix, shares), because=TASK)


@pytest.mark.points(2)
def test_other_mixes(student, matrix, rng):
    """Any mix, balanced, and one class alone."""
    for shares in (rng.uniform(size=4), np.ones(4), np.eye(4)[2]):
        agrees(student, matrix, shares)


def test_kind(student, matrix):
    """The result is a share; the matrix stays as it was."""
    assert_number(student, student.accuracy_at(matrix, np.ones(4)), low=0, high=1, because=TASK)
    assert_input_unchanged(student)


def test_same_mix(student, matrix):
    """On the mix that the matrix has, it is the accuracy of the matrix."""
    agrees(student, matrix, matrix.sum(axis=1))
