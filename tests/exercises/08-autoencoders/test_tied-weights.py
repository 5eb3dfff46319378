"""Checks of the exercise tied-weights."""

import numpy as np
import pytest

from octlessons.testing import assert_array, assert_close, assert_input_unchanged


@pytest.fixture
def images(rng):
    """Twenty images of three pixels with mean 0, longest in one direction."""
    made = rng.normal(size=(20, 3)) * [2, 0.7, 0.4] @ np.linalg.qr(rng.normal(size=(3, 3)))[0]
    return made - made.mean(axis=0)


def stepped(images, weights, rate, n_steps):
    """The same, one image at a time."""
    for _ in range(n_steps):
        slope = np.zeros(len(weights))
        for x in images:
            z = sum(weights * x)
            e = z * weights - x
            slope += z * e + sum(e * weights) * x
        weights = weights - rate * 2 / len(images) * slope
    return weights


def test_shape(student, images):
    """One weight for each pixel; images and first weights stay as they were."""
    found = student.train_tied(images, np.array([1.0, 0, 0]), 0.01, 3)
    assert_array(student, found, shape=(3,))
    assert_input_unchanged(student)


@pytest.mark.points(2)
def test_first_steps(student, images):
    """The weights after 0, 1 and 4 steps."""
    start = np.array([0.6, -0.3, 0.9])
    for n_steps in (0, 1, 4):
        assert_close(
            student,
            student.train_tied(images, start, 0.02, n_steps),
            stepped(images, start, 0.02, n_steps),
            because="Both parts of the slope, divided by the number of images, times 2; errors and "
            "codes are computed anew in every step.",
        )


def test_direction_of_pca(student, images):
    """After many steps it is the direction of PCA, with length 1."""
    found = student.train_tied(images, np.array([0.5, 0.4, 0.6]), 0.02, 1500)
    found = assert_array(student, found, shape=(3,))
    first = np.linalg.svd(images)[2][0]
    assert_close(
        student,
        found * np.sign(found @ first),
        first,
        rtol=1e-2,
        atol=1e-2,
        because="Is the slope subtracted, and not added?",
    )


def test_whole_numbers_to_begin_with(student, images):
    """First weights that are whole numbers do not make the result whole."""
    found = student.train_tied(images, np.array([1, 0, 0]), 0.02, 3)
    assert_close(student, found, stepped(images, np.array([1.0, 0, 0]), 0.02, 3))
