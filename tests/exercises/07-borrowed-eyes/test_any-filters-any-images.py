"""Checks of the exercise any-filters-any-images."""

import numpy as np
import pytest
from scipy.signal import correlate2d

from octlessons.testing import assert_array, assert_close, assert_input_unchanged


@pytest.fixture
def images(rng):
    """Five images that are wider than high."""
    return rng.normal(size=(5, 8, 11))


def one_by_one(images, filters):
    """The same with another library, an image and a filter at a time."""
    return np.array([[correlate2d(i, f, "valid").clip(0).mean() for f in filters] for i in images])


def test_shape(student, images, rng):
    """One row for each image, one column for each filter; the images stay as they were."""
    found = student.pooled_features(images, rng.normal(size=(3, 2, 2)))
    assert_array(student, found, shape=(5, 3), low=0, because="After ReLU nothing is negative.")
    assert_input_unchanged(student)


def test_edge_of_one_row(student):
    """A rise is seen by the filter for rises, and not by the one for falls."""
    images, filters = np.array([[[1.0, 2, 4]]]), np.array([[[-1.0, 1]], [[1.0, -1]]])
    assert_close(
        student,
        student.pooled_features(images, filters),
        np.array([[1.5, 0.0]]),
        because="The filter is laid on as it is, not turned round. ReLU comes before the mean.",
    )


@pytest.mark.points(2)
def test_any_size(student, images, rng):
    """Filters of any size, square or not."""
    for a, b in ((3, 3), (1, 4), (5, 2), (8, 11)):
        filters = rng.normal(size=(4, a, b))
        assert_close(
            student,
            student.pooled_features(images, filters),
            one_by_one(images, filters),
            because="Only places where the filter fits completely; ReLU at every place, then the "
            "mean over all of them, also those that are 0.",
        )
