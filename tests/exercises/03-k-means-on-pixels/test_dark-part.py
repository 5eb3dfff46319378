"""Checks of the exercise dark-part."""

import numpy as np
import pytest

from octlessons.testing import assert_close, assert_input_unchanged, assert_number


@pytest.fixture
def image(rng):
    """Three grey levels, well apart, in shares that differ from student to student."""
    n_dark, n_middle = rng.integers(100, 200), rng.integers(60, 90)
    levels = np.repeat([20, 120, 220], [n_dark, n_middle, 400 - n_dark - n_middle])
    noisy = levels + rng.integers(-8, 9, size=400)
    return rng.permutation(noisy).reshape(20, 20).astype(np.uint8)


def test_share(student, image):
    """The result is a share: one number from 0 to 1; the image stays as it was."""
    assert_number(student, student.dark_share(image, 3, 0), low=0, high=1)
    assert_input_unchanged(student)


@pytest.mark.points(2)
def test_darkest_of_three(student, image):
    """Of three grey levels it counts the darkest."""
    expected = np.mean(image < 60)
    assert_close(
        student,
        student.dark_share(image, 3, 0),
        expected,
        because="Does the number of the cluster decide? The dark cluster is the one whose centre "
        "is smallest.",
    )


def test_any_seed(student, image):
    """The result does not depend on how the clusters are numbered."""
    expected = np.mean(image < 60)
    for seed in range(12):
        assert_close(
            student,
            student.dark_share(image, 3, seed),
            expected,
            because="With another seed the dark cluster has another number: look for the smallest "
            "centre.",
        )


def test_two_clusters(student, image):
    """With two clusters the darkest takes in part of what lies between."""
    bright = np.where(image > 150, image, 20).astype(np.uint8)
    assert_close(
        student,
        student.dark_share(bright, 2, 0),
        np.mean(bright < 100),
        because="Is `k` used as the number of clusters?",
    )
