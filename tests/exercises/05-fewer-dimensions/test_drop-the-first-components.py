"""Checks of the exercise drop-the-first-components."""

import numpy as np
import pytest

from octlessons.testing import (
    assert_input_unchanged,
    assert_labels,
    assert_repeatable,
    assert_same_partition,
)


@pytest.fixture
def data(rng):
    """A nuisance with two levels in the largest direction, three groups in the next two."""
    group = rng.permutation(np.repeat(np.arange(3), 20))
    tilt = rng.permutation(np.repeat([0, 1], 30))
    corners = np.array([[0, 0], [10, 0], [5, 9]])[group]
    inside = np.column_stack([60 * tilt, corners, 0.1 * rng.normal(size=(60, 3))])
    inside += 0.3 * rng.normal(size=inside.shape)
    turned = np.linalg.qr(rng.normal(size=(6, 6)))[0]
    return inside @ turned + 5, group, tilt


def test_labels(student, data):
    """A cluster for each row; the rows stay as they were."""
    assert_labels(student, student.cluster_components(data[0], 0, 4, 3, 0), 60, 3)
    assert_input_unchanged(student)


def test_with_the_first(student, data):
    """With the first component, two clusters are the two levels of the nuisance."""
    rows, _, tilt = data
    for last in (1, 3):
        assert_same_partition(
            student,
            student.cluster_components(rows, 0, last, 2, 0),
            tilt,
            because="The first component is number 0. Scores are not to be whitened.",
        )


@pytest.mark.points(2)
def test_without_the_first(student, data):
    """Without it, three clusters are the three groups."""
    rows, group, _ = data
    assert_same_partition(
        student,
        student.cluster_components(rows, 1, 3, 3, 0),
        group,
        because="Leave out the scores of the first component, not the first column of the rows.",
    )


def test_again(student, data):
    """The same seed gives the same again."""
    assert_repeatable(student, lambda: student.cluster_components(data[0], 2, 6, 5, 4))
