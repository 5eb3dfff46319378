"""Checks of the exercise silhouette-on-paper."""

import numpy as np
import pytest
from sklearn.metrics import silhouette_samples

from octlessons.testing import assert_close, assert_input_unchanged, assert_number


@pytest.fixture
def data(rng):
    """Sixteen points in three clusters that overlap."""
    labels = rng.permutation(np.repeat([4, 7, 9], [5, 8, 3]))
    return rng.normal(size=(16, 2)) + (labels == 7)[:, None], labels


def test_kind(student, data):
    """The result is one number from -1 to 1; the data stay as they were."""
    assert_number(student, student.silhouette_of(*data, 0), low=-1, high=1)
    assert_input_unchanged(student)


def test_on_paper(student):
    """The point 3 in the clusters 1, 2 and 3, 8, 10."""
    points = np.array([[1.0], [2], [3], [8], [10]])
    assert_close(
        student,
        student.silhouette_of(points, np.array([0, 0, 1, 1, 1]), 2),
        -0.75,
        because="a is the mean of the distances 5 and 7, b the mean of 2 and 1: the point itself "
        "is not one of its neighbours.",
    )


@pytest.mark.points(2)
def test_three_clusters(student, data):
    """Every point among three clusters, in the plane."""
    expected = silhouette_samples(*data)
    for i in range(16):
        assert_close(
            student,
            student.silhouette_of(*data, i),
            expected[i],
            because="b belongs to the nearest other cluster, not to all others together; the "
            "difference is divided by the larger of a and b.",
        )


def test_alone(student):
    """A point alone in its cluster has silhouette 0."""
    points = np.array([[0.0], [1.0], [5.0]])
    assert_close(student, student.silhouette_of(points, np.array([0, 0, 1]), 2), 0.0)
