"""Checks of the exercise odd-ones-out."""

import numpy as np
import pytest

from octlessons.testing import (
    assert_array,
    assert_close,
    assert_equal,
    assert_input_unchanged,
    mistake,
    reference,
)

TASK = (
    "For each scan: distances to the scans of other patients, the mean of the smallest "
    "`n_nearest`; at the end divide all by their median."
)


def means(rows, patients, n_nearest, theirs=True, squared=False, pick=np.sort):
    """Mean distance to the nearest, scan by scan, before the division."""
    found = []
    for i, row in enumerate(rows):
        others = patients != patients[i] if theirs else np.arange(len(rows)) != i
        distances = np.sqrt(((rows[others] - row) ** 2).sum(axis=1))
        distances = distances**2 if squared else distances
        found.append(np.mean(pick(distances)[:n_nearest]))
    return np.array(found)


@reference("oddness")
def expected(rows, patients, n_nearest):
    """Multiples of the median."""
    found = means(rows, patients, n_nearest)
    return found / np.median(found)


@mistake("oddness")
def own_patient_too(rows, patients, n_nearest):
    """Scans of the same patient were counted: leave them out, they are always near."""
    found = means(rows, patients, n_nearest, theirs=False)
    return found / np.median(found)


@mistake("oddness")
def itself(rows, patients, n_nearest):
    """Each scan was counted as its own neighbour, at distance 0: leave it out."""
    distances = np.linalg.norm(rows[:, None] - rows[None], axis=2)
    found = np.sort(distances, axis=1)[:, :n_nearest].mean(axis=1)
    middle = np.median(found)
    return found / middle if middle else found


@mistake("oddness")
def not_divided(rows, patients, n_nearest):
    """These are distances: divide them by their median, so that 1 is the usual."""
    return means(rows, patients, n_nearest)


@mistake("oddness")
def divided_by_the_mean(rows, patients, n_nearest):
    """Divided by the mean, which one outlier moves: take the median."""
    found = means(rows, patients, n_nearest)
    return found / found.mean()


@mistake("oddness")
def squared(rows, patients, n_nearest):
    """These distances are squared: take the root."""
    found = means(rows, patients, n_nearest, squared=True)
    return found / np.median(found)


@mistake("oddness")
def all_others(rows, patients, n_nearest):
    """All scans of other patients were counted: take the nearest `n_nearest`."""
    found = means(rows, patients, len(rows))
    return found / np.median(found)


@mistake("oddness")
def farthest(rows, patients, n_nearest):
    """The farthest scans were counted: take the nearest."""
    found = means(rows, patients, n_nearest, pick=lambda d: np.sort(d)[::-1])
    return found / np.median(found)


@mistake("oddness")
def last_of_them(rows, patients, n_nearest):
    """This is the distance to the last of the nearest: take the mean of all `n_nearest`."""
    found = means(rows, patients, n_nearest, pick=lambda d: np.sort(d)[n_nearest - 1 :][:1])
    return found / np.median(found)


@pytest.fixture
def scans(rng):
    """A crowd of 30 scans, two or three of each patient; patient 4 is far from all others."""
    patients = np.repeat(np.arange(12), [2, 3, 3, 2, 3, 2, 3, 2, 3, 2, 3, 2])
    rows = rng.normal(size=(12, 3))[patients] + 0.2 * rng.normal(size=(30, 3))
    rows[patients == 4] += 9
    order = rng.permutation(30)
    return rows[order], patients[order]


def test_kind(student, scans):
    """One number for each scan; the rows stay as they were."""
    assert_array(student, student.oddness(*scans, 3), shape=(30,))
    assert_input_unchanged(student)


@pytest.mark.points(2)
def test_values(student, scans):
    """The multiples are right, for one neighbour and for several."""
    for n_nearest in (1, 3, 6):
        found = student.oddness(*scans, n_nearest)
        assert_close(student, found, expected(*scans, n_nearest), because=TASK)


def test_odd_patient(student, scans):
    """The three scans of the odd patient come first, though they have each other."""
    rows, patients = scans
    first = np.argsort(np.asarray(student.oddness(rows, patients, 2), float))[::-1][:3]
    found = sorted(patients[first].tolist())
    assert_equal(student, found, [4, 4, 4], because="Only scans of other patients count.")


def test_usual(student, scans):
    """Whatever the unit of the rows, the usual is 1."""
    rows, patients = scans
    for factor in (0.01, 100.0):
        middle = np.median(student.oddness(rows * factor, patients, 3))
        assert_close(student, middle, 1.0, because="Divide by the median over all scans.")
