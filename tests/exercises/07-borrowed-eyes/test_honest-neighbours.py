"""Checks of the exercise honest-neighbours."""

import numpy as np
import pytest

from octlessons.testing import (
    assert_close,
    assert_input_unchanged,
    assert_number,
    mistake,
    reference,
)

TASK = "Of each scan: the nearest among all scans of other patients; the share with its label."


def euclid(a, b):
    """Distance of two rows."""
    return np.sqrt(((a - b) ** 2).sum())


def nearest(features, patients, distance=euclid, asked=lambda i, j, p: p[i] != p[j]):
    """Number of the nearest scan of those that are asked, for each scan."""
    n = len(features)
    others = [[j for j in range(n) if asked(i, j, patients)] for i in range(n)]
    return np.array(
        [
            min(js, key=lambda j: distance(features[i], features[j])) if js else i
            for i, js in enumerate(others)
        ]
    )


def right(features, labels, patients, *how, **more):
    """Which scans have a nearest one of the same label."""
    return labels[nearest(features, patients, *how, **more)] == labels


@reference("share_right")
def expected(features, labels, patients):
    """The share, scan by scan."""
    return right(features, labels, patients).mean()


@mistake("share_right")
def itself(features, labels, patients):
    """Every scan is right here, as if it asked itself, or only its own patient: leave out all
    scans of its patient, and so itself.
    """
    return 1.0


@mistake("share_right")
def same_patient(features, labels, patients):
    """Other scans of the same patient are asked, which know the answer: leave out the whole
    patient, not only the scan itself.
    """
    return right(features, labels, patients, asked=lambda i, j, p: i != j).mean()


@mistake("share_right")
def city_blocks(features, labels, patients):
    """These are sums of absolute differences: Euclidean is the root of the summed squares."""
    return right(features, labels, patients, lambda a, b: np.abs(a - b).sum()).mean()


@mistake("share_right")
def largest_difference(features, labels, patients):
    """This is the largest difference of two rows: Euclidean is the root of the summed squares."""
    return right(features, labels, patients, lambda a, b: np.abs(a - b).max()).mean()


@mistake("share_right")
def angles(features, labels, patients):
    """These are angles (cosines): Euclidean is the root of the summed squares of differences."""
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    return right(unit, labels, patients).mean()


@mistake("share_right")
def first_feature(features, labels, patients):
    """Only the first feature decides: take all of them together."""
    return right(features[:, :1], labels, patients).mean()


@mistake("share_right")
def farthest(features, labels, patients):
    """This asks the *farthest* scan: ask the nearest."""
    return right(features, labels, patients, lambda a, b: -euclid(a, b)).mean()


@mistake("share_right")
def classes_alike(features, labels, patients):
    """This is the mean of the classes' shares: every scan counts the same."""
    found = right(features, labels, patients)
    return np.mean([found[labels == one].mean() for one in np.unique(labels)])


@mistake("share_right")
def patients_alike(features, labels, patients):
    """This is the mean of the patients' shares: every scan counts the same."""
    found = right(features, labels, patients)
    return np.mean([found[patients == one].mean() for one in np.unique(patients)])


@mistake("share_right")
def wrong_ones(features, labels, patients):
    """This is the share that are wrong: 1 minus it are right."""
    return 1 - expected(features, labels, patients)


@mistake("share_right")
def count(features, labels, patients):
    """This is how many are right: divide by the number of scans."""
    return right(features, labels, patients).sum()


@pytest.fixture
def studies(rng):
    """Three times 24 patients, whose scans lie close together, of classes of unequal size."""
    made = []
    for _ in range(3):
        patients = np.repeat([f"p{i}" for i in range(24)], rng.integers(1, 5, size=24))
        _, number = np.unique(patients, return_inverse=True)
        labels = np.array([0, 0, 1, 0, 2, 1, 0, 2])[number % 8]
        features = rng.normal(size=(24, 4))[number] + 0.1 * rng.normal(size=(len(patients), 4))
        features[:, 1] += 1.2 * labels
        order = rng.permutation(len(patients))
        made.append((features[order], labels[order], patients[order]))
    return made


def test_kind(student, studies):
    """The result is a share; the features stay as they were."""
    assert_number(student, student.share_right(*studies[0]), low=0, high=1, because=TASK)
    assert_input_unchanged(student)


@pytest.mark.points(2)
def test_other_patients(student, studies):
    """Only scans of other patients are asked."""
    for study in studies:
        assert_close(student, student.share_right(*study), expected(*study), because=TASK)


def test_every_scan_a_patient(student, studies):
    """With a patient for each scan, only the scan itself is left out."""
    features, labels, _ = studies[1]
    study = features, labels, np.array([str(i) for i in range(len(labels))])
    assert_close(student, student.share_right(*study), expected(*study), because=TASK)


def test_distance(student):
    """Nearest in Euclidean distance, all features together."""
    features = np.array([[0.0, 0], [3, 3], [0, 5], [9, 9]])
    study = features, np.array([0, 0, 1, 0]), np.array(list("abcd"))
    assert_close(student, student.share_right(*study), expected(*study), because=TASK)
