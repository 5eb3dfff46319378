"""Checks of the exercise how-sure-how-right."""

import numpy as np
import pytest

from octlessons.testing import assert_close, assert_input_unchanged, assert_number


@pytest.fixture
def study(rng):
    """Probabilities of forty images for four classes, and labels that they predict in part."""
    raw = rng.uniform(size=(40, 4)) ** 3
    probabilities = raw / raw.sum(axis=1, keepdims=True)
    guess = probabilities.argmax(axis=1)
    return np.where(rng.random(40) < 0.5, guess, rng.integers(4, size=40)), probabilities


def by_edges(labels, probabilities, n_bins):
    """The same, bin by bin."""
    confidence, total = probabilities.max(axis=1), 0.0
    right = probabilities.argmax(axis=1) == labels
    for low in np.arange(n_bins) / n_bins:
        here = (confidence > low) & (confidence <= low + 1 / n_bins + 1e-12)
        if here.any():
            total += abs(confidence[here].sum() - right[here].sum())
    return total / len(labels)


def test_kind(student, study):
    """The result is one number from 0 to 1; the probabilities stay as they were."""
    assert_number(student, student.calibration_error(*study, 5), low=0, high=1)
    assert_input_unchanged(student)


def test_one_bin(student, study):
    """With one bin: the distance between mean confidence and accuracy."""
    labels, probabilities = study
    expected = abs(probabilities.max(1).mean() - np.mean(probabilities.argmax(1) == labels))
    assert_close(
        student,
        student.calibration_error(labels, probabilities, 1),
        expected,
        because="Confidence is the largest probability, not that of the true class; the distance "
        "has no sign.",
    )


@pytest.mark.points(2)
def test_bins(student, study):
    """With several bins, empty ones among them."""
    for n_bins in (2, 7, 30):
        assert_close(
            student,
            student.calibration_error(*study, n_bins),
            by_edges(*study, n_bins),
            because="Each bin counts by its number of images; empty bins count nothing.",
        )


def test_upper_ends(student):
    """A bin includes its upper end, and images that are quite sure have a bin too."""
    probabilities = np.array([[0.5, 0.5], [0.5, 0.5], [0.25, 0.75], [1.0, 0.0]])
    assert_close(
        student,
        student.calibration_error(np.array([0, 0, 0, 0]), probabilities, 2),
        (abs(1 - 2) + abs(1.75 - 1)) / 4,
        because="0.5 belongs to the lower of two bins, 1 to the upper one.",
    )
