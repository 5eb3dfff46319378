"""Checks of the exercise honest-neighbours."""

import numpy as np
import pytest

from octlessons.testing import assert_close, assert_input_unchanged, assert_number


@pytest.fixture
def study(rng):
    """Fourteen patients, whose scans lie close together, of three diagnoses."""
    patients = np.repeat([f"p{i}" for i in range(14)], rng.integers(1, 5, size=14))
    _, number = np.unique(patients, return_inverse=True)
    labels = number % 3
    features = 2 * rng.normal(size=(14, 3))[number] + 0.1 * rng.normal(size=(len(patients), 3))
    features[:, 0] += labels
    order = rng.permutation(len(patients))
    return features[order], labels[order], patients[order]


def one_by_one(features, labels, patients):
    """The share, scan by scan."""
    right = 0
    for i, row in enumerate(features):
        others = [j for j in range(len(labels)) if patients[j] != patients[i]]
        right += labels[min(others, key=lambda j: ((features[j] - row) ** 2).sum())] == labels[i]
    return right / len(labels)


def test_kind(student, study):
    """The result is a share; the features stay as they were."""
    assert_number(student, student.share_right(*study), low=0, high=1)
    assert_input_unchanged(student)


@pytest.mark.points(2)
def test_other_patients(student, study):
    """Only scans of other patients are asked."""
    assert_close(
        student,
        student.share_right(*study),
        one_by_one(*study),
        because="Scans of the same patient are nearest, and know the answer: leave out the whole "
        "patient, not only the scan itself.",
    )


def test_every_scan_a_patient(student, study):
    """With a patient for each scan, only the scan itself is left out."""
    features, labels, _ = study
    patients = np.array([str(i) for i in range(len(labels))])
    assert_close(
        student,
        student.share_right(features, labels, patients),
        one_by_one(features, labels, patients),
        because="Is a scan its own nearest neighbour?",
    )


def test_distance(student):
    """Nearest in Euclidean distance, all features together."""
    features = np.array([[0.0, 0], [3, 3], [0, 5], [9, 9]])
    found = student.share_right(features, np.array([0, 0, 1, 0]), np.array(list("abcd")))
    because = "The root of the summed squares of all features."
    assert_close(student, found, 0.5, because=because)
