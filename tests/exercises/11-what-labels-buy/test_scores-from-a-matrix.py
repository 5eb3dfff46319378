"""Checks of the exercise scores-from-a-matrix."""

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, balanced_accuracy_score, f1_score

from octlessons.testing import assert_close, assert_input_unchanged, assert_number, fail

PUBLISHED = np.array(
    [[5290, 66, 176, 87], [134, 1409, 41, 155], [238, 19, 588, 485], [86, 67, 195, 7361]]
)


def three(student, result):
    """Three shares."""
    if not isinstance(result, list | tuple | np.ndarray) or len(result) != 3:
        fail(student, "does not give three results", "accuracy, balanced accuracy, macro-F1")
    return [assert_number(student, value, low=0, high=1) for value in list(result)]


def test_kind(student):
    """Three shares; the matrix stays as it was."""
    three(student, student.scores_from_matrix(np.array([[3, 1], [2, 5]])))
    assert_input_unchanged(student)


def test_published(student):
    """The published matrix: 0.8933, 0.7872, 0.8053."""
    assert_close(
        student,
        tuple(three(student, student.scores_from_matrix(PUBLISHED))),
        (0.89333, 0.78716, 0.80534),
        rtol=0,
        atol=2e-5,
        because="In this order: all right answers by all images; the mean recall (row by row); the "
        "mean of the classes' F1.",
    )


@pytest.mark.points(2)
def test_any(student, rng):
    """Any number of classes, equal or not."""
    for k in (2, 3, 6):
        matrix = rng.integers(1, 30, size=(k, k)) + np.diag(rng.integers(0, 90, size=k))
        true, called = (np.repeat(part.ravel(), matrix.ravel()) for part in np.indices((k, k)))
        expected = (
            accuracy_score(true, called),
            balanced_accuracy_score(true, called),
            f1_score(true, called, average="macro"),
        )
        assert_close(
            student,
            tuple(three(student, student.scores_from_matrix(matrix))),
            expected,
            because="Rows are true classes: recall divides by the sum of a row. Macro-F1 is the "
            "mean of the F1 scores, not the F1 of mean precision and mean recall.",
        )


def test_never_called(student):
    """A class that is never called has precision and F1 0, not NaN."""
    found = three(student, student.scores_from_matrix(np.array([[8, 0], [2, 0]])))
    because = "0 divided by 0 is NaN in NumPy: F1 from counts never divides by zero here."
    assert_close(student, tuple(found), (0.8, 0.5, 4 / 9), because=because)
