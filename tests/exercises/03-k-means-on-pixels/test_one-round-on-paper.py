"""Checks of the exercise one-round-on-paper."""

import numpy as np
import pytest

from octlessons.testing import assert_close, assert_input_unchanged, assert_labels, fail


@pytest.fixture
def data(rng):
    """Thirty points in the plane, and four of them as centroids."""
    points = rng.normal(size=(30, 2)) * [1, 3]
    return points, points[rng.choice(30, 4, replace=False)] + 0.01


def three(student, result):
    """Labels, centroids, inertia."""
    if not isinstance(result, list | tuple) or len(result) != 3:
        fail(student, "does not give three results", "labels, centroids and inertia, in a tuple")
    return result


def by_loops(points, centroids):
    """The round, one point at a time."""
    labels = [
        min(range(len(centroids)), key=lambda j, p=p: sum((p - centroids[j]) ** 2)) for p in points
    ]
    moved = [
        np.mean([p for p, label in zip(points, labels, strict=True) if label == j], axis=0)
        if j in labels
        else centroids[j]
        for j in range(len(centroids))
    ]
    pairs = zip(points, labels, strict=True)
    return labels, np.array(moved), sum(sum((p - moved[label]) ** 2) for p, label in pairs)


def test_labels(student, data):
    """Every point gets the number of its nearest centroid; the data stay as they were."""
    labels, _, _ = three(student, student.one_round(*data))
    assert_input_unchanged(student)
    labels = assert_labels(student, labels, 30)
    because = "Nearest in Euclidean distance, all coordinates together."
    assert_close(student, labels, np.array(by_loops(*data)[0]), because=because)


@pytest.mark.points(2)
def test_centroids(student, data):
    """Centroids move to the mean of their points, and keep their order."""
    _, moved, _ = three(student, student.one_round(*data))
    because = "The mean of the points of cluster j goes into row j: one mean for each coordinate."
    assert_close(student, moved, by_loops(*data)[1], because=because)


def test_inertia(student, data):
    """The inertia: squared distances to the new centroids, summed."""
    _, _, inertia = three(student, student.one_round(*data))
    because = "Squared distances, summed, measured from the centroids after they moved."
    assert_close(student, inertia, by_loops(*data)[2], because=because)


def test_on_paper(student):
    """The example of the page: 0, 2, 5, 6, 9 with centroids at 0 and 5."""
    points = np.array([[0.0], [2], [5], [6], [9]])
    labels, moved, inertia = three(student, student.one_round(points, np.array([[0.0], [5]])))
    assert_close(student, labels, np.array([0, 0, 1, 1, 1]))
    assert_close(student, moved, np.array([[1], [20 / 3]]))
    assert_close(student, inertia, 32 / 3)


def test_empty_cluster(student):
    """A centroid without points stays; whole numbers as centroids do not round the means."""
    points = np.array([[0.0], [1.0], [2.5]])
    _, moved, _ = three(student, student.one_round(points, np.array([[0], [100], [2]])))
    because = "The mean of no points is not a number: leave such a centroid. Means are floats."
    assert_close(student, moved, np.array([[0.5], [100], [2.5]]), because=because)
