"""Checks of the exercise silhouette-on-paper."""

import numpy as np
import pytest
from sklearn.metrics import silhouette_samples

from octlessons.testing import (
    assert_close,
    assert_input_unchanged,
    assert_number,
    mistake,
    reference,
)

TASK = (
    "(b - a) / max(a, b): a over the other points of its cluster, b over the nearest other cluster."
)


def ab(points, labels, i):
    """a (over all of the cluster, itself included, and its size) and the means of the others."""
    distances = np.array([np.linalg.norm(p - points[i]) for p in points])
    own = labels == labels[i]
    others = [distances[labels == c].mean() for c in np.unique(labels[~own])]
    return distances[own].sum(), own.sum(), others


@reference("silhouette_of")
def expected(points, labels, i):
    """From the library."""
    return silhouette_samples(points, labels)[i]


def silhouette(a, b):
    """Their difference by the larger."""
    return (b - a) / max(a, b)


@mistake("silhouette_of")
def counts_itself(points, labels, i):
    """The point itself is counted among its neighbours: divide the sum by one point fewer."""
    total, n, others = ab(points, labels, i)
    return silhouette(total / n, min(others))


@mistake("silhouette_of")
def all_others(points, labels, i):
    """b is the mean over all other clusters together: one mean for each of them, and the
    smallest.
    """
    total, n, _ = ab(points, labels, i)
    distances = np.linalg.norm(points - points[i], axis=1)
    return silhouette(total / (n - 1), distances[labels != labels[i]].mean())


@mistake("silhouette_of")
def mean_of_means(points, labels, i):
    """b is the mean over the other clusters: it is the smallest of their means."""
    total, n, others = ab(points, labels, i)
    return silhouette(total / (n - 1), np.mean(others))


@mistake("silhouette_of")
def farthest_cluster(points, labels, i):
    """b is the largest of the means: it belongs to the nearest other cluster, the smallest mean."""
    total, n, others = ab(points, labels, i)
    return silhouette(total / (n - 1), max(others))


@mistake("silhouette_of")
def nearest_point(points, labels, i):
    """b is the distance to the nearest point of another cluster: take the mean over its points."""
    total, n, _ = ab(points, labels, i)
    distances = np.linalg.norm(points - points[i], axis=1)
    return silhouette(total / (n - 1), distances[labels != labels[i]].min())


@mistake("silhouette_of")
def by_b(points, labels, i):
    """The difference is divided by b, or by the smaller of the two: divide by the larger of a and
    b.
    """
    total, n, others = ab(points, labels, i)
    return (min(others) - total / (n - 1)) / min(others)


@mistake("silhouette_of")
def by_a(points, labels, i):
    """The difference is divided by a: divide by the larger of a and b."""
    total, n, others = ab(points, labels, i)
    return (min(others) - total / (n - 1)) / (total / (n - 1))


@mistake("silhouette_of")
def by_the_sum(points, labels, i):
    """The difference is divided by a + b: divide by the larger of the two."""
    total, n, others = ab(points, labels, i)
    return (min(others) - total / (n - 1)) / (min(others) + total / (n - 1))


@mistake("silhouette_of")
def not_divided(points, labels, i):
    """This is b - a: divide it by the larger of the two."""
    total, n, others = ab(points, labels, i)
    return min(others) - total / (n - 1)


@mistake("silhouette_of")
def other_sign(points, labels, i):
    """The sign is wrong: b - a, which is positive for a point that is near to its own cluster."""
    return -expected(points, labels, i)


@mistake("silhouette_of")
def squared(points, labels, i):
    """The distances are squared: take the root of the summed squares."""
    distances = ((points - points[i]) ** 2).sum(axis=1)
    own = labels == labels[i]
    others = [distances[labels == c].mean() for c in np.unique(labels[~own])]
    return silhouette(distances[own].sum() / (own.sum() - 1), min(others))


@mistake("silhouette_of")
def absolute(points, labels, i):
    """The distances are sums of absolute differences: take Euclidean ones."""
    distances = np.abs(points - points[i]).sum(axis=1)
    own = labels == labels[i]
    others = [distances[labels == c].mean() for c in np.unique(labels[~own])]
    return silhouette(distances[own].sum() / (own.sum() - 1), min(others))


@mistake("silhouette_of")
def to_the_centre(points, labels, i):
    """Distances to the centres of the clusters: take the mean distance to their points."""
    centres = {c: points[labels == c].mean(axis=0) for c in np.unique(labels)}
    away = {c: np.linalg.norm(points[i] - centre) for c, centre in centres.items()}
    return silhouette(away.pop(labels[i]), min(away.values()))


@mistake("silhouette_of")
def mean_of_all(points, labels, i):
    """This is the mean over all points: give the silhouette of point `i`."""
    return silhouette_samples(points, labels).mean()


@mistake("silhouette_of")
def alone_is_one(points, labels, i):
    """A point alone in its cluster has silhouette 0, although a would be 0 and b larger."""
    return 1.0 if np.sum(labels == labels[i]) == 1 else expected(points, labels, i)


@mistake("silhouette_of")
def alone_is_nothing(points, labels, i):
    """The mean of no distances is not a number: a point alone in its cluster has silhouette 0."""
    return np.nan if np.sum(labels == labels[i]) == 1 else expected(points, labels, i)


@pytest.fixture
def data(rng):
    """Sixteen points in three clusters that overlap."""
    labels = rng.permutation(np.repeat([4, 7, 9], [5, 8, 3]))
    return rng.normal(size=(16, 2)) + (labels == 7)[:, None], labels


def test_kind(student, data):
    """The result is one number from -1 to 1; the data stay as they were."""
    assert_number(student, student.silhouette_of(*data, 0), low=-1, high=1, because=TASK)
    assert_input_unchanged(student)


def test_on_paper(student):
    """The point 3 in the clusters 1, 2 and 3, 8, 10."""
    points = np.array([[1.0], [2], [3], [8], [10]])
    found = student.silhouette_of(points, np.array([0, 0, 1, 1, 1]), 2)
    because = "a is the mean of the distances 5 and 7, b the mean of 2 and 1."
    assert_close(student, found, -0.75, because=because)


@pytest.mark.points(2)
def test_three_clusters(student, data):
    """Every point among three clusters, in the plane."""
    for i, wanted in enumerate(silhouette_samples(*data)):
        assert_close(student, student.silhouette_of(*data, i), wanted, because=TASK)


def test_alone(student):
    """A point alone in its cluster has silhouette 0."""
    points = np.array([[0.0], [1.0], [5.0]])
    found = student.silhouette_of(points, np.array([0, 0, 1]), 2)
    assert_close(student, found, 0.0, because="Alone in its cluster: 0.")
