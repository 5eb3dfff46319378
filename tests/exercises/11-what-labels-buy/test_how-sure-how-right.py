"""Checks of the exercise how-sure-how-right."""

from itertools import pairwise

import numpy as np
import pytest

from octlessons.testing import (
    assert_close,
    assert_input_unchanged,
    assert_number,
    mistake,
    reference,
)

TASK = "In each bin mean confidence and share right; their distance; weighted by its images."


def gaps(confidence, right, n_bins, upper=True):
    """Signed sum of confidence minus right answers, and images, of every bin."""
    edge = np.arange(n_bins + 1) / n_bins
    found = []
    for low, high in pairwise(edge):
        if upper:
            here = (confidence > low) & (confidence <= high + 1e-12)
        else:
            here = (confidence >= low - 1e-12) & (confidence < high - 1e-12 + (high == 1))
        found.append(((confidence[here] - right[here]).sum(), here.sum()))
    return np.array(found)


def sure_and_right(labels, probabilities):
    """Confidence, and right or not."""
    return probabilities.max(axis=1), probabilities.argmax(axis=1) == labels


@reference("calibration_error")
def expected(labels, probabilities, n_bins):
    """The same, bin by bin."""
    found = gaps(*sure_and_right(labels, probabilities), n_bins)
    return float(np.abs(found[:, 0]).sum() / len(labels))


@mistake("calibration_error")
def true_class(labels, probabilities, n_bins):
    """The probability of the true class was taken: confidence is the largest probability."""
    right = probabilities.argmax(axis=1) == labels
    confidence = probabilities[np.arange(len(labels)), labels]
    return np.abs(gaps(confidence, right, n_bins)[:, 0]).sum() / len(labels)


@mistake("calibration_error")
def with_sign(labels, probabilities, n_bins):
    """Bins that are too sure and bins that are not sure enough cancel out: the distance has no
    sign.
    """
    confidence, right = sure_and_right(labels, probabilities)
    return (confidence - right).mean()


@mistake("calibration_error")
def with_the_other_sign(labels, probabilities, n_bins):
    """Bins that are too sure cancel out others: a distance has no sign."""
    confidence, right = sure_and_right(labels, probabilities)
    return (right - confidence).mean()


@mistake("calibration_error")
def one_bin(labels, probabilities, n_bins):
    """This is one bin for all: take a distance in each of the `n_bins`."""
    confidence, right = sure_and_right(labels, probabilities)
    return abs((confidence - right).mean())


@mistake("calibration_error")
def bins_alike(labels, probabilities, n_bins):
    """Every bin that has images counts the same: each bin counts by its number of images."""
    found = gaps(*sure_and_right(labels, probabilities), n_bins)
    found = found[found[:, 1] > 0]
    return np.mean(np.abs(found[:, 0]) / found[:, 1])


@mistake("calibration_error")
def all_bins_alike(labels, probabilities, n_bins):
    """All bins count the same, empty ones too: each bin counts by its number of images."""
    found = gaps(*sure_and_right(labels, probabilities), n_bins)
    return np.sum(np.abs(found[:, 0]) / np.maximum(found[:, 1], 1)) / n_bins


@mistake("calibration_error")
def largest(labels, probabilities, n_bins):
    """This is the largest distance: take their weighted mean."""
    found = gaps(*sure_and_right(labels, probabilities), n_bins)
    return np.max(np.abs(found[:, 0]) / np.maximum(found[:, 1], 1))


@mistake("calibration_error")
def image_by_image(labels, probabilities, n_bins):
    """The distance was taken image by image: first the two means of a bin, then their
    distance.
    """
    confidence, right = sure_and_right(labels, probabilities)
    return np.abs(confidence - right).mean()


@mistake("calibration_error")
def lower_ends(labels, probabilities, n_bins):
    """A bin has its lower end here, but a bin includes its upper end: 0.5 belongs to the lower of
    two bins, 1 to the upper one.
    """
    found = gaps(*sure_and_right(labels, probabilities), n_bins, upper=False)
    return np.abs(found[:, 0]).sum() / len(labels)


@mistake("calibration_error")
def summed(labels, probabilities, n_bins):
    """The weights do not sum to 1: divide by the number of images."""
    return expected(labels, probabilities, n_bins) * len(labels)


@pytest.fixture
def study(rng):
    """Probabilities of ninety images for four classes, and labels that they predict in part."""
    raw = rng.uniform(size=(90, 4)) ** 3
    probabilities = raw / raw.sum(axis=1, keepdims=True)
    guess, sure = probabilities.argmax(axis=1), probabilities.max(axis=1)
    right = rng.random(90) < np.where(sure < 0.55, 0.85, 0.45)
    return np.where(right, guess, (guess + rng.integers(1, 4, size=90)) % 4), probabilities


def agrees(student, labels, probabilities, n_bins):
    """Compare with the reference."""
    found = student.calibration_error(labels, probabilities, n_bins)
    assert_close(student, found, expected(labels, probabilities, n_bins), because=TASK)


@pytest.mark.points(2)
def test_bins(student, study):
    """With several bins, empty ones among them."""
    for n_bins in (7, 2, 30):
        agrees(student, *study, n_bins)


def test_kind(student, study):
    """The result is one number from 0 to 1; the probabilities stay as they were."""
    found = student.calibration_error(*study, 5)
    assert_number(student, found, low=0, high=1, because=TASK)
    assert_input_unchanged(student)


def test_one_bin(student, study):
    """With one bin: the distance between mean confidence and accuracy."""
    agrees(student, *study, 1)


def test_upper_ends(student):
    """A bin includes its upper end, and images that are quite sure have a bin too."""
    probabilities = np.array([[0.5, 0.5], [0.5, 0.5], [0.25, 0.75], [1.0, 0.0]])
    agrees(student, np.array([0, 0, 0, 0]), probabilities, 2)
