"""Checks of the exercise two-numbers-instead."""

import numpy as np
import pytest

from octlessons.testing import (
    assert_input_unchanged,
    assert_labels,
    assert_repeatable,
    assert_same_partition,
)


@pytest.fixture
def groups(rng):
    """Four groups at the corners of a square, in measurements of very different size."""
    group = rng.permutation(np.repeat(np.arange(4), 15))
    first = (group % 2) + rng.uniform(-0.15, 0.15, 60)
    second = (group // 2) + rng.uniform(-0.15, 0.15, 60)
    return group, first, second


def test_labels(student, groups):
    """The result is a cluster for each scan; the measurements stay as they were."""
    _, first, second = groups
    assert_labels(student, student.cluster_measures(first, second, 3, 0), 60, 3)
    assert_input_unchanged(student)


@pytest.mark.points(2)
def test_units_do_not_matter(student, groups):
    """The four groups are found whatever the units of either measurement."""
    group, first, second = groups
    for a, b in ((1, 1), (1000, 1), (1, 1000)):
        assert_same_partition(
            student,
            student.cluster_measures(a * first, b * second, 4, 0),
            group,
            because="The measurement with the larger numbers decides everything unless each is "
            "divided by its own standard deviation.",
        )


def test_k(student, groups):
    """With two clusters and one measurement that says nothing, the other one decides."""
    _, first, second = groups
    near = first > 0.5
    assert_same_partition(
        student,
        student.cluster_measures(first + 20 * near, 0.1 * np.sin(100 * second), 2, 0),
        near,
        because="Is `k` used, and are the measurements not ranked or cut?",
    )


def test_again(student, groups):
    """The same seed gives the same again."""
    _, first, second = groups
    rough = first + np.sin(40 * second)
    assert_repeatable(student, lambda: student.cluster_measures(rough, second, 7, 3))
