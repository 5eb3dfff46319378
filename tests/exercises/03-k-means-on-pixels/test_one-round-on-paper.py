"""Checks of the exercise one-round-on-paper."""

import numpy as np
import pytest

from octlessons.testing import (
    assert_close,
    assert_input_unchanged,
    assert_labels,
    fail,
    mistake,
    reference,
)

NEAREST = "The number of the centroid at the smallest Euclidean distance, among the given ones."
MEANS = (
    "Row j: the mean, coordinate by coordinate, of the points with label j; without any, as before."
)
INERTIA = "Squared distances of the points to the new centroid of their cluster, summed."


@reference("one_round")
def by_loops(points, centroids):
    """The round, one point at a time."""
    labels = [
        min(range(len(centroids)), key=lambda j, p=p: sum((p - centroids[j]) ** 2)) for p in points
    ]
    moved = means(points, centroids, labels)
    pairs = list(zip(points, labels, strict=True))
    return np.array(labels), moved, sum(sum((p - moved[label]) ** 2) for p, label in pairs)


def means(points, centroids, labels, middle=np.mean):
    """The centroids after they moved."""
    own = [
        [p for p, one in zip(points, labels, strict=True) if one == j]
        for j in range(len(centroids))
    ]
    return np.array(
        [middle(o, axis=0) if o else c for o, c in zip(own, centroids, strict=True)], float
    )


def distances(points, centroids):
    """A row for each point."""
    return np.array([[np.linalg.norm(p - c) for c in centroids] for p in points])


@mistake("one_round")
def first_coordinate(points, centroids):
    """Only the first coordinate was compared: all coordinates together make the distance."""
    return np.abs(points[:, :1] - centroids[:, 0]).argmin(axis=1), ..., ...


@mistake("one_round")
def sum_of_differences(points, centroids):
    """Absolute differences were summed: Euclidean distance squares them."""
    return np.abs(points[:, None] - centroids).sum(axis=2).argmin(axis=1), ..., ...


@mistake("one_round")
def without_signs(points, centroids):
    """Differences were added with their signs, so that they cancel: square them first."""
    return (points[:, None] - centroids).sum(axis=2).argmin(axis=1), ..., ...


@mistake("one_round")
def farthest(points, centroids):
    """These are the farthest centroids: take the nearest."""
    return distances(points, centroids).argmax(axis=1), ..., ...


@mistake("one_round")
def from_one(points, centroids):
    """The clusters are counted from 1: count from 0, as rows are."""
    return distances(points, centroids).argmin(axis=1) + 1, ..., ...


@mistake("one_round")
def until_the_end(points, centroids):
    """This goes on until nothing moves: do one round."""
    before, result = None, by_loops(points, centroids)
    while before is None or not np.allclose(before, result[1]):
        before, result = result[1], by_loops(points, result[1])
    return result[0], result[1], ...


@mistake("one_round")
def assigned_again(points, centroids):
    """The points were assigned again after the centroids moved: labels are of the given
    centroids.
    """
    return distances(points, by_loops(points, centroids)[1]).argmin(axis=1), ..., ...


@mistake("one_round")
def medians(points, centroids):
    """These are medians: K-means takes the mean of the points."""
    return ..., means(points, centroids, by_loops(points, centroids)[0], np.median), ...


@mistake("one_round")
def not_moved(points, centroids):
    """These are the old centroids: move each to the mean of its points."""
    return ..., np.asarray(centroids, float), ...


@mistake("one_round")
def half_way(points, centroids):
    """This averages the old centroid with the points: the points alone make the mean."""
    labels = by_loops(points, centroids)[0]
    own = [np.vstack([c[None], points[labels == j]]) for j, c in enumerate(centroids)]
    return ..., np.array([o.mean(axis=0) for o in own]), ...


@mistake("one_round")
def one_mean(points, centroids):
    """There is one number for all coordinates: one mean for each (`axis=0`)."""
    labels, moved, _ = by_loops(points, centroids)
    for j in np.unique(labels):
        moved[j] = points[labels == j].mean()
    return ..., moved, ...


@mistake("one_round")
def nan_for_empty(points, centroids):
    """The mean of no points is not a number: leave a centroid without points where it was."""
    labels, moved, _ = by_loops(points, centroids)
    moved[[j for j in range(len(moved)) if j not in labels]] = np.nan
    return ..., moved, ...


@mistake("one_round")
def zero_for_empty(points, centroids):
    """A centroid without points went to 0: leave it where it was."""
    labels, moved, _ = by_loops(points, centroids)
    moved[[j for j in range(len(moved)) if j not in labels]] = 0
    return ..., moved, ...


@mistake("one_round")
def empty_left_out(points, centroids):
    """The centroid without points is missing: leave it where it was, so that the rows keep their
    order.
    """
    labels, moved, _ = by_loops(points, centroids)
    return ..., moved[np.unique(labels)], ...


@mistake("one_round")
def cut_to_whole_numbers(points, centroids):
    """The means were cut to whole numbers: an array of integers holds no others. Make it float."""
    return ..., by_loops(points, centroids)[1].astype(int), ...


@mistake("one_round")
def old_centroids(points, centroids):
    """The inertia is measured from the old centroids: measure after they moved."""
    return ..., ..., np.sum(distances(points, centroids).min(axis=1) ** 2)


@mistake("one_round")
def not_squared(points, centroids):
    """The inertia sums distances: sum squared distances."""
    labels, moved, _ = by_loops(points, centroids)
    return ..., ..., np.sum(np.linalg.norm(points - moved[labels], axis=1))


@mistake("one_round")
def mean_inertia(points, centroids):
    """The inertia is a mean: take the sum."""
    return ..., ..., by_loops(points, centroids)[2] / len(points)


@mistake("one_round")
def nearest_new(points, centroids):
    """The inertia takes the nearest new centroid: take the one of the point's cluster."""
    moved = by_loops(points, centroids)[1]
    return ..., ..., np.sum(distances(points, moved).min(axis=1) ** 2)


@mistake("one_round")
def rooted(points, centroids):
    """The inertia is the root of the sum: leave the squares."""
    return ..., ..., by_loops(points, centroids)[2] ** 0.5


@pytest.fixture
def data(rng):
    """Forty points in the plane, and four of them as centroids."""
    points = rng.normal(size=(40, 2)) * [1, 2] + [1, -2]
    points[:3] += 6  # points that no centroid is near to
    return points, points[rng.choice(np.arange(3, 40), 4, replace=False)] + 0.01


def three(student, result):
    """Labels, centroids, inertia."""
    if not isinstance(result, list | tuple) or len(result) != 3:
        fail(student, "does not give three results", "labels, centroids and inertia, in a tuple")
    return result


def test_labels(student, data):
    """Every point gets the number of its nearest centroid; the data stay as they were."""
    labels, _, _ = three(student, student.one_round(*data))
    assert_input_unchanged(student)
    labels = assert_labels(student, labels, 40)
    assert_close(student, labels, by_loops(*data)[0], because=NEAREST)


@pytest.mark.points(2)
def test_centroids(student, data):
    """Centroids move to the mean of their points, and keep their order."""
    _, moved, _ = three(student, student.one_round(*data))
    assert_close(student, moved, by_loops(*data)[1], because=MEANS)


def test_inertia(student, data):
    """The inertia: squared distances to the new centroids, summed."""
    _, _, inertia = three(student, student.one_round(*data))
    assert_close(student, inertia, by_loops(*data)[2], because=INERTIA)


def test_on_paper(student):
    """0, 2, 5, 6, 9 with centroids at 0 and 5, as on paper."""
    points = np.array([[0.0], [2], [5], [6], [9]])
    labels, moved, inertia = three(student, student.one_round(points, np.array([[0.0], [5]])))
    assert_close(student, labels, np.array([0, 0, 1, 1, 1]), because=NEAREST)
    assert_close(student, moved, np.array([[1], [20 / 3]]), because=MEANS)
    assert_close(student, inertia, 32 / 3, because=INERTIA)


def test_empty_cluster(student):
    """A centroid without points stays; whole numbers as centroids do not round the means."""
    points = np.array([[0.0], [1.0], [2.5]])
    for empty in (1, 0):
        given = np.array([[0], [2]])
        given = np.insert(given, empty, 100, axis=0)
        _, moved, _ = three(student, student.one_round(points, given))
        assert_close(student, moved, by_loops(points, given)[1], because=MEANS)
