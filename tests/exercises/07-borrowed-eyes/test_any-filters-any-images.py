"""Checks of the exercise any-filters-any-images."""

import numpy as np
import pytest
from scipy.signal import convolve2d, correlate2d

from octlessons.testing import (
    assert_array,
    assert_close,
    assert_input_unchanged,
    mistake,
    reference,
)

TASK = "Products and sum at every place where the filter fits, ReLU there, the mean of all places."


def answers(images, filters, pool, slide=correlate2d, mode="valid"):
    """One number for each image and filter."""
    return np.array([[pool(slide(i, f, mode)) for f in filters] for i in images])


def mean_after_relu(answer):
    """The mean of what is not negative, zeros included."""
    return answer.clip(0).mean()


@reference("pooled_features")
def expected(images, filters):
    """An image and a filter at a time."""
    return answers(images, filters, mean_after_relu)


@mistake("pooled_features")
def turned_round(images, filters):
    """The filter is turned round (`convolve` does that): it is laid on as it is."""
    return answers(images, filters, mean_after_relu, convolve2d)


@mistake("pooled_features")
def relu_after_mean(images, filters):
    """Places of both signs were averaged: ReLU comes before the mean, at every place."""
    return answers(images, filters, lambda a: max(0.0, a.mean()))


@mistake("pooled_features")
def no_relu(images, filters):
    """Negative answers count here: ReLU sets them to 0."""
    return answers(images, filters, np.mean)


@mistake("pooled_features")
def absolute(images, filters):
    """Negative answers became positive: ReLU sets them to 0."""
    return answers(images, filters, lambda a: np.abs(a).mean())


@mistake("pooled_features")
def padded(images, filters):
    """Places beyond the edge count here: only those where the filter fits completely do."""
    return answers(images, filters, mean_after_relu, mode="same")


@mistake("pooled_features")
def of_the_positive(images, filters):
    """The mean is over the positive places only: take it over all, also those that are 0."""
    return answers(images, filters, lambda a: a.clip(0).sum() / max(1, (a > 0).sum()))


@mistake("pooled_features")
def largest(images, filters):
    """This is the largest answer: take the mean over all places."""
    return answers(images, filters, lambda a: a.clip(0).max())


@mistake("pooled_features")
def summed(images, filters):
    """This is the sum over the places: take their mean."""
    return answers(images, filters, lambda a: a.clip(0).sum())


@mistake("pooled_features")
def mean_product(images, filters):
    """The products under the filter were averaged: add them up."""
    return expected(images, filters) / filters[0].size


@mistake("pooled_features")
def filters_first(images, filters):
    """Rows are filters and columns are images: it is the other way round."""
    return expected(images, filters).T


@pytest.fixture
def images(rng):
    """Five images that are wider than high."""
    return rng.normal(size=(5, 8, 11))


def agrees(student, images, filters):
    """Compare with the reference."""
    found = student.pooled_features(images, filters)
    assert_close(student, found, expected(images, filters), because=TASK)


def test_shape(student, images, rng):
    """One row for each image, one column for each filter; the images stay as they were."""
    found = student.pooled_features(images, rng.normal(size=(3, 2, 2)))
    assert_array(student, found, shape=(5, 3), low=0, because=TASK)
    assert_input_unchanged(student)


def test_edge_of_one_row(student):
    """A rise is seen by the filter for rises, and not by the one for falls."""
    agrees(student, np.array([[[1.0, 2, 4]]]), np.array([[[-1.0, 1]], [[1.0, -1]]]))


@pytest.mark.points(2)
def test_any_size(student, images, rng):
    """Filters of any size, square or not."""
    for a, b in ((3, 3), (1, 4), (5, 2), (8, 11)):
        agrees(student, images, rng.normal(size=(4, a, b)))
