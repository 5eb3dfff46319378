"""Checks of the exercise the-other-direction."""

import numpy as np
import pytest
from sklearn.decomposition import PCA

from octlessons.testing import (
    assert_array,
    assert_close,
    assert_input_unchanged,
    mistake,
    reference,
)

TASK = "From the mean of the points, the part along the direction, and the mean added again."


@reference("rebuild")
def expected(points, direction):
    """Point by point."""
    mean = points.sum(axis=0) / len(points)
    return np.array([mean + sum((p - mean) * direction) * direction for p in points])


@mistake("rebuild")
def no_mean(points, direction):
    """This is seen from the origin: subtract the mean before you project, and add it afterwards."""
    return np.outer(points @ direction, direction)


@mistake("rebuild")
def not_added(points, direction):
    """The mean was subtracted, and not added again."""
    return expected(points, direction) - points.mean(axis=0)


@mistake("rebuild")
def not_subtracted(points, direction):
    """The mean was added, but not subtracted before the projection."""
    return np.outer(points @ direction, direction) + points.mean(axis=0)


@mistake("rebuild")
def one_mean(points, direction):
    """One number was subtracted from all coordinates: each has its own mean (`axis=0`)."""
    mean = points.mean()
    return mean + np.outer((points - mean) @ direction, direction)


@mistake("rebuild")
def means_of_points(points, direction):
    """The mean of each point was taken: the mean is over the points, one for each coordinate."""
    mean = points.mean(axis=1, keepdims=True)
    return mean + np.outer((points - mean) @ direction, direction)


@mistake("rebuild")
def medians(points, direction):
    """The median was subtracted: take the mean."""
    middle = np.median(points, axis=0)
    return middle + np.outer((points - middle) @ direction, direction)


@mistake("rebuild")
def scores_only(points, direction):
    """These are the scores, one number for each point: turn them back into vectors and add the
    mean."""
    return (points - points.mean(axis=0)) @ direction


@mistake("rebuild")
def scores_in_a_column(points, direction):
    """These are the scores, one number for each point: turn them back into vectors and add the
    mean."""
    return ((points - points.mean(axis=0)) @ direction)[:, None]


@mistake("rebuild")
def what_is_left(points, direction):
    """This is what the direction does *not* hold: keep what lies along it."""
    return points - expected(points, direction) + points.mean(axis=0)


@mistake("rebuild")
def each_coordinate(points, direction):
    """Each coordinate was multiplied with the direction's own: sum the products first, one score
    a point.
    """
    mean = points.mean(axis=0)
    return mean + (points - mean) * direction * direction


@mistake("rebuild")
def once(points, direction):
    """Each coordinate was multiplied with the direction's own: sum the products first, one score
    a point.
    """
    mean = points.mean(axis=0)
    return mean + (points - mean) * direction


@mistake("rebuild")
def standardised(points, direction):
    """The coordinates were divided by their standard deviations: subtract the mean, no more."""
    mean, spread = points.mean(axis=0), points.std(axis=0)
    return mean + np.outer((points - mean) / spread @ direction, direction)


@pytest.fixture
def points(rng):
    """Twelve points in four dimensions, away from the origin."""
    return rng.normal(size=(12, 4)) @ np.diag([3, 2, 1, 0.5]) + rng.uniform(2, 5, 4)


def test_shape(student, points):
    """As many points, in as many dimensions; the data stay as they were."""
    direction = np.array([0.6, 0.8, 0, 0])
    found = student.rebuild(points, direction)
    assert_array(student, found, shape=points.shape, because=TASK)
    assert_input_unchanged(student)


@pytest.mark.points(2)
def test_first_component(student, points):
    """Along the first component it is what PCA with one component gives back."""
    pca = PCA(1).fit(points)
    wanted = pca.inverse_transform(pca.transform(points))
    assert_close(student, student.rebuild(points, pca.components_[0]), wanted, because=TASK)


def test_sum_of_directions(student, points):
    """Two directions at right angles in the plane together give the points back."""
    plane = points[:, :2]
    total = -plane.mean(axis=0)
    for direction in (np.array([0.6, 0.8]), np.array([-0.8, 0.6])):
        found = student.rebuild(plane, direction)
        total = total + assert_array(student, found, shape=plane.shape, because=TASK)
    assert_close(student, total, plane, because=TASK)


def test_twice(student, points):
    """Rebuilding what was rebuilt changes nothing."""
    direction = np.array([0, 0.6, 0, -0.8])
    once = assert_array(student, student.rebuild(points, direction), shape=points.shape)
    assert_close(student, student.rebuild(once, direction), once, because=TASK)
