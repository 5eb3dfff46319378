"""Checks of the exercise scores-from-a-matrix."""

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, balanced_accuracy_score, f1_score

from octlessons.testing import (
    assert_close,
    assert_input_unchanged,
    assert_number,
    fail,
    mistake,
    reference,
    symptom,
)

PUBLISHED = np.array(
    [[5290, 66, 176, 87], [134, 1409, 41, 155], [238, 19, 588, 485], [86, 67, 195, 7361]]
)
TASK = "All right ones by all images; the mean of the recalls; the mean of the classes' F1."


def images_of(matrix):
    """True and called class of every image."""
    indices = np.indices(matrix.shape)
    return [np.repeat(part.ravel(), np.asarray(matrix).ravel()) for part in indices]


@reference("scores_from_matrix")
def expected(matrix):
    """With the library, image by image."""
    true, called = images_of(matrix)
    f1 = f1_score(true, called, average="macro", zero_division=0)
    return accuracy_score(true, called), balanced_accuracy_score(true, called), f1


@symptom("scores_from_matrix")
def not_a_number(found, matrix):
    """0 divided by 0 is NaN in NumPy, for a class that is never called: F1 from counts never
    divides by zero here.
    """
    return bool(np.isnan(np.asarray(found, float)).any())


@mistake("scores_from_matrix")
def columns(matrix):
    """The second is the mean of the precisions: recall divides by the sum of a row, the images
    that there are.
    """
    right = np.diag(matrix)
    return ..., np.mean(right / np.maximum(matrix.sum(axis=0), 1)), ...


@mistake("scores_from_matrix")
def f1_of_means(matrix):
    """This is the F1 of mean precision and mean recall: macro-F1 is the mean of the classes'
    F1.
    """
    right = np.diag(matrix)
    r = np.mean(right / matrix.sum(axis=1))
    p = np.mean(right / np.maximum(matrix.sum(axis=0), 1))
    return ..., ..., 2 * p * r / (p + r)


@mistake("scores_from_matrix")
def weighted(matrix):
    """The classes' F1 are weighted by their images: macro-F1 counts every class the same."""
    f1 = f1_score(*images_of(matrix), average="weighted", zero_division=0)
    return ..., ..., f1


@mistake("scores_from_matrix")
def micro(matrix):
    """The third is the accuracy once more (F1 over all images): take an F1 of each class, then
    their mean.
    """
    return ..., ..., expected(matrix)[0]


@mistake("scores_from_matrix")
def without_the_two(matrix):
    """The F1 are half as large as they should be: there is a 2 in the numerator."""
    return ..., ..., expected(matrix)[2] / 2


@mistake("scores_from_matrix")
def accuracy_twice(matrix):
    """The balanced accuracy is the plain one here: one recall of each class, then their mean."""
    return ..., expected(matrix)[0], ...


@mistake("scores_from_matrix")
def balanced_first(matrix):
    """Accuracy and balanced accuracy changed places, or classes count alike in the first: it is
    all right ones by all images.
    """
    return expected(matrix)[1], ..., ...


@mistake("scores_from_matrix")
def another_order(matrix):
    """The order is another: accuracy, balanced accuracy, macro-F1."""
    accuracy, balanced, f1 = expected(matrix)
    return accuracy, f1, balanced


@mistake("scores_from_matrix")
def never_called_left_out(matrix):
    """A class that is never called is left out of the mean: its F1 is 0, and counts."""
    called = matrix.sum(axis=0)
    f1 = 2 * np.diag(matrix) / (matrix.sum(axis=1) + called)
    return ..., ..., f1[called > 0].mean()


def agrees(student, matrix):
    """Compare with the reference."""
    result = student.scores_from_matrix(matrix)
    if not isinstance(result, list | tuple | np.ndarray) or len(result) != 3:
        fail(student, "does not give three results", "accuracy, balanced accuracy, macro-F1", TASK)
    found = tuple(assert_number(student, value, because=TASK) for value in list(result))
    assert_close(student, found, expected(matrix), because=TASK)


def test_kind(student):
    """Three shares; the matrix stays as it was."""
    agrees(student, np.array([[3, 1], [2, 5]]))
    assert_input_unchanged(student)


def test_published(student):
    """The published matrix: 0.8933, 0.7872, 0.8053."""
    agrees(student, PUBLISHED)


@pytest.mark.points(2)
def test_any(student, rng):
    """Any number of classes, equal or not."""
    for k in (3, 2, 6):
        agrees(student, rng.integers(1, 30, size=(k, k)) + np.diag(rng.integers(0, 90, size=k)))


def test_never_called(student):
    """A class that is never called has precision and F1 0, not NaN."""
    agrees(student, np.array([[8, 0, 1], [2, 0, 0], [1, 0, 3]]))
