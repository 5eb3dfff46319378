"""Checks of the exercise the-odd-ones-out."""

import numpy as np
import pytest

from octlessons.testing import (
    assert_array,
    assert_close,
    assert_input_unchanged,
    mistake,
    reference,
)

FAR = "All scans of other patients, the k nearest of them, the mean of their distances."
ODD = "Numbers of the scans beyond `factor` times the median, the strangest first."


def sorted_distances(features, patients, asked=lambda i, j, p: p[i] != p[j]):
    """Distances to the scans that are asked, the nearest first, one list for each scan."""
    n = len(features)
    return [
        np.sort(
            [
                np.sqrt(((features[i] - features[j]) ** 2).sum())
                for j in range(n)
                if asked(i, j, patients)
            ]
        )
        for i in range(n)
    ]


@reference("strangeness")
def expected(features, patients, k):
    """Scan by scan."""
    return np.array([row[:k].mean() for row in sorted_distances(features, patients)])


@mistake("strangeness")
def itself(features, patients, k):
    """A scan is among its own neighbours here, at distance 0: leave out all scans of its
    patient.
    """
    rows = sorted_distances(features, patients, lambda i, j, p: True)
    return np.array([row[:k].mean() for row in rows])


@mistake("strangeness")
def same_patient(features, patients, k):
    """Scans of the same patient count here. A patient whose scans are all spoilt would look
    normal: leave out the whole patient.
    """
    rows = sorted_distances(features, patients, lambda i, j, p: i != j)
    return np.array([row[:k].mean() for row in rows])


@mistake("strangeness")
def the_last_of_them(features, patients, k):
    """This is the distance to the k-th neighbour alone: take the mean over the k nearest."""
    return np.array([row[k - 1] for row in sorted_distances(features, patients)])


@mistake("strangeness")
def the_nearest_alone(features, patients, k):
    """Only the nearest scan counts here, and two spoilt scans hide each other: take `k`."""
    return np.array([row[0] for row in sorted_distances(features, patients)])


@mistake("strangeness")
def everybody(features, patients, k):
    """The distances to all others are averaged: take the `k` nearest only."""
    return np.array([row.mean() for row in sorted_distances(features, patients)])


@mistake("strangeness")
def the_farthest(features, patients, k):
    """These are the k *farthest* scans: take the nearest."""
    return np.array([row[-k:].mean() for row in sorted_distances(features, patients)])


@mistake("strangeness")
def one_more(features, patients, k):
    """One neighbour is left out, or there is one too many: scans of the same patient are gone
    already, so the first `k` are the ones.
    """
    return np.array([row[1 : k + 1].mean() for row in sorted_distances(features, patients)])


@mistake("strangeness")
def squares(features, patients, k):
    """These are squared distances: take the root."""
    return np.array([(row[:k] ** 2).mean() for row in sorted_distances(features, patients)])


@mistake("strangeness")
def summed(features, patients, k):
    """This is the sum of the k distances: take their mean."""
    return k * expected(features, patients, k)


def beyond(features, patients, k, factor, middle=np.median):
    """Numbers of the odd ones in their order, and all values."""
    values = expected(features, patients, k)
    return [i for i in np.argsort(-values) if values[i] > factor * middle(values)], values


@reference("odd_ones")
def expected_odd(features, patients, k, factor):
    """The strangest first."""
    return np.array(beyond(features, patients, k, factor)[0], int)


@mistake("odd_ones")
def strangest_last(features, patients, k, factor):
    """The strangest scan is last: it comes first."""
    return expected_odd(features, patients, k, factor)[::-1]


@mistake("odd_ones")
def in_order(features, patients, k, factor):
    """The scans are in the order of their numbers: the strangest comes first."""
    return np.sort(expected_odd(features, patients, k, factor))


@mistake("odd_ones")
def beyond_the_mean(features, patients, k, factor):
    """This compares with the mean, which the odd scans themselves pull up: take the median."""
    return np.array(beyond(features, patients, k, factor, np.mean)[0], int)


@mistake("odd_ones")
def mask(features, patients, k, factor):
    """This is True or False for every scan: give the numbers of the odd ones."""
    values = expected(features, patients, k)
    return values > factor * np.median(values)


@mistake("odd_ones")
def the_ordinary(features, patients, k, factor):
    """These are the ordinary scans: give those that are *beyond* the limit."""
    values = expected(features, patients, k)
    return np.array([i for i in np.argsort(values) if values[i] <= factor * np.median(values)])


@mistake("odd_ones")
def the_values(features, patients, k, factor):
    """This is how strange they are: give their numbers."""
    return expected(features, patients, k)[expected_odd(features, patients, k, factor)]


@mistake("odd_ones")
def the_factor_alone(features, patients, k, factor):
    """The limit is `factor` itself here: it is `factor` times the median."""
    values = expected(features, patients, k)
    return np.array([i for i in np.argsort(-values) if values[i] > factor], int)


@pytest.fixture
def study(rng):
    """Scans of 17 patients: one is spoilt, one patient is spoilt whole, two are torn alike."""
    patients = np.repeat([f"p{i}" for i in range(17)], rng.integers(2, 5, size=17))
    _, number = np.unique(patients, return_inverse=True)
    features = rng.normal(size=(17, 3))[number] + 0.2 * rng.normal(size=(len(patients), 3))
    features[number == 3] += [14, 0, 0]
    features[[np.flatnonzero(number == 5)[0], np.flatnonzero(number == 9)[0]]] = [
        [0, 30, 0],
        [0, 30.5, 0],
    ]
    features[np.flatnonzero(number == 12)[0]] -= 30
    order = rng.permutation(len(patients))
    return 2.5 * features[order], patients[order]


def test_kind(student, study):
    """A distance for every scan; the features stay as they were."""
    found = student.strangeness(*study, 3)
    assert_array(student, found, shape=(len(study[1]),), low=0, because=FAR)
    assert_input_unchanged(student)


@pytest.mark.points(2)
def test_strangeness(student, study):
    """The mean distance to one, three and five scans of other patients."""
    for k in (3, 1, 5):
        assert_close(student, student.strangeness(*study, k), expected(*study, k), because=FAR)


@pytest.mark.points(2)
def test_odd(student, study):
    """The spoilt scans, the strangest first."""
    for k, factor in ((3, 2.5), (3, 4.0), (1, 3.0)):
        found = student.odd_ones(*study, k, factor)
        assert_close(student, found, expected_odd(*study, k, factor), because=ODD)


def test_nothing_odd(student, study):
    """Where nothing lies beyond the limit, nothing is odd."""
    found = student.odd_ones(*study, 2, 1000.0)
    because = "Give an empty array: a result need not have any scan in it."
    assert_array(student, found, shape=(0,), because=because)
