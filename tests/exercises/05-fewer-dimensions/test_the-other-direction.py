"""Checks of the exercise the-other-direction."""

import numpy as np
import pytest
from sklearn.decomposition import PCA

from octlessons.testing import assert_array, assert_close, assert_input_unchanged


@pytest.fixture
def points(rng):
    """Twelve points in four dimensions, away from the origin."""
    return rng.normal(size=(12, 4)) @ np.diag([3, 2, 1, 0.5]) + rng.uniform(2, 5, 4)


def test_shape(student, points):
    """As many points, in as many dimensions; the data stay as they were."""
    direction = np.array([0.6, 0.8, 0, 0])
    assert_array(student, student.rebuild(points, direction), shape=points.shape)
    assert_input_unchanged(student)


@pytest.mark.points(2)
def test_first_component(student, points):
    """Along the first component it is what PCA with one component gives back."""
    pca = PCA(1).fit(points)
    assert_close(
        student,
        student.rebuild(points, pca.components_[0]),
        pca.inverse_transform(pca.transform(points)),
        because="Subtract the mean before you project, and add it afterwards.",
    )


def test_sum_of_directions(student, points):
    """Two directions at right angles in the plane together give the points back."""
    plane = points[:, :2]
    mean = plane.mean(axis=0)
    first, second = np.array([0.6, 0.8]), np.array([-0.8, 0.6])
    along, across = (
        assert_array(student, student.rebuild(plane, direction), shape=plane.shape)
        for direction in (first, second)
    )
    total = along + across - mean
    assert_close(
        student,
        total,
        plane,
        because="Each rebuilt point is the mean plus its score times the direction.",
    )


def test_twice(student, points):
    """Rebuilding what was rebuilt changes nothing."""
    direction = np.array([0, 0.6, 0, -0.8])
    once = assert_array(student, student.rebuild(points, direction), shape=points.shape)
    assert_close(student, student.rebuild(once, direction), once)
