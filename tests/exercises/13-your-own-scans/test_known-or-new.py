"""Checks of the exercise known-or-new."""

import numpy as np
import pytest

from octlessons.testing import (
    assert_array,
    assert_equal,
    assert_input_unchanged,
    mistake,
    reference,
)

TASK = (
    "The limit is the quantile 1 − `share` of the distances of the run's scans to their nearest "
    "other scan; a new scan is known if its nearest scan of the run is no further away."
)


def placed(new, rows, clusters, share, *, limit=None, far=None, by_mean=True):
    """The groups, with another limit, another distance, or by the nearest scan."""
    between = np.linalg.norm(new[:, None] - rows, axis=2)
    if limit is None:
        limit = np.quantile(nearest_other(rows), 1 - share)
    far = between.min(axis=1) if far is None else far
    groups = clusters[between.argmin(axis=1)]
    if by_mean:
        groups = to_means(new, rows, clusters).argmin(axis=1)
    return np.where(far <= limit, groups, -1)


def nearest_other(rows):
    """Distance of each scan of the run to its nearest other scan."""
    within = np.linalg.norm(rows[:, None] - rows, axis=2)
    np.fill_diagonal(within, np.inf)
    return within.min(axis=1)


def to_means(new, rows, clusters):
    """Distances of the new scans to the means of the groups."""
    means = [rows[clusters == c].mean(axis=0) for c in range(clusters.max() + 1)]
    return np.linalg.norm(new[:, None] - np.array(means), axis=2)


@reference("place")
def expected(new, rows, clusters, share):
    """Groups by their means, strangers beyond the limit."""
    return placed(new, rows, clusters, share)


@mistake("place")
def everybody_known(new, rows, clusters, share):
    """No scan is refused: those beyond the limit are −1."""
    return placed(new, rows, clusters, share, limit=np.inf)


@mistake("place")
def nearest_scan(new, rows, clusters, share):
    """A scan gets the group of the nearest scan here: take the group with the nearest mean."""
    return placed(new, rows, clusters, share, by_mean=False)


@mistake("place")
def itself(new, rows, clusters, share):
    """In the limit each scan of the run was its own nearest, at distance 0: leave it out."""
    return placed(new, rows, clusters, share, limit=0.0)


@mistake("place")
def other_end(new, rows, clusters, share):
    """The limit is at the wrong end: the *furthest* `share` is left aside, so take 1 − `share`."""
    return placed(new, rows, clusters, share, limit=np.quantile(nearest_other(rows), share))


@mistake("place")
def largest(new, rows, clusters, share):
    """The limit is the largest distance, whatever the share: one odd scan of the run decides."""
    return placed(new, rows, clusters, share, limit=nearest_other(rows).max())


@mistake("place")
def from_the_mean(new, rows, clusters, share):
    """The distance to the mean of a group is compared: take that to the nearest scan of the run."""
    return placed(new, rows, clusters, share, far=to_means(new, rows, clusters).min(axis=1))


@pytest.fixture
def run(rng):
    """A wide group and a narrow one beside it, and one scan far from both."""
    wide = rng.normal(0, 2.0, (40, 3))
    narrow = rng.normal([6, 0, 0], 0.4, (25, 3))
    rows = np.concatenate([wide, narrow, [[0, 30, 0]]])
    order = rng.permutation(len(rows))
    return rows[order], np.repeat([0, 1, 0], [40, 25, 1])[order]


@pytest.fixture
def new(rng):
    """Scans among the groups, between them, and far away."""
    between = rng.normal([4, 0, 0], 0.8, (25, 3))
    return np.concatenate([rng.normal(0, 2, (20, 3)), between, rng.normal(0, 9, (20, 3))])


def test_kind(student, new, run):
    """One whole number for each new scan; the rows stay as they were."""
    found = student.place(new, *run, 0.05)
    assert_array(student, found, shape=(65,), kind="integer", low=-1, high=1)
    assert_input_unchanged(student)


@pytest.mark.points(2)
def test_strangers(student, new, run):
    """Scans beyond the limit are −1, for several shares."""
    for share in (0.05, 0.3, 0.8):
        found = np.asarray(student.place(new, *run, share)) < 0
        wanted = expected(new, *run, share) < 0
        assert_equal(student, found.tolist(), wanted.tolist(), because=TASK)


@pytest.mark.points(2)
def test_groups(student, new, run):
    """Those within the limit join the group with the nearest mean."""
    for share in (0.0, 0.2):
        found = student.place(new, *run, share)
        assert_equal(student, np.asarray(found).tolist(), expected(new, *run, share).tolist())
