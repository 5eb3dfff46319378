"""Checks of the exercise drop-the-first-components."""

import numpy as np
import pytest
from sklearn.cluster import KMeans

from octlessons.testing import (
    assert_input_unchanged,
    assert_labels,
    assert_repeatable,
    assert_same_partition,
    assert_seed_is_used,
    mistake,
    reference,
    same_partition,
)

TASK = "K-means with the scores of components `first`, …, `last` - 1, counted from 0, as they are."


def scores(rows):
    """Scores of all components, by the singular values."""
    centred = rows - rows.mean(axis=0)
    return centred @ np.linalg.svd(centred, full_matrices=False)[2].T


def clustered(columns, k, seed, n_init=10):
    """K-means."""
    return KMeans(k, n_init=n_init, random_state=seed).fit_predict(np.ascontiguousarray(columns))


@reference("cluster_components", same=same_partition)
def expected(rows, first, last, k, seed):
    """The clusters of the slice of scores."""
    return clustered(scores(rows)[:, first:last], k, seed)


@mistake("cluster_components")
def last_included(rows, first, last, k, seed):
    """Component `last` is used, or all from `first` on: as in a slice, the last one is
    `last` - 1.
    """
    return clustered(scores(rows)[:, first : last + 1], k, seed)


@mistake("cluster_components")
def first_ignored(rows, first, last, k, seed):
    """The components before `first` are used: leave them out."""
    return clustered(scores(rows)[:, :last], k, seed)


@mistake("cluster_components")
def counted_from_one(rows, first, last, k, seed):
    """Components are counted from 1, or one place further: the first component is number 0."""
    return clustered(scores(rows)[:, first + 1 : last + 1], k, seed)


@mistake("cluster_components")
def first_dropped_too(rows, first, last, k, seed):
    """Component `first` is left out: it is the first one used."""
    return clustered(scores(rows)[:, first + 1 : last], k, seed)


@mistake("cluster_components")
def one_less(rows, first, last, k, seed):
    """This is one component too early: the first component is number 0."""
    return clustered(scores(rows)[:, max(0, first - 1) : last - 1], k, seed)


@mistake("cluster_components")
def so_many_from_the_start(rows, first, last, k, seed):
    """These are the first `last` - `first` components: leave those before `first` out, then take
    them.
    """
    return clustered(scores(rows)[:, : last - first], k, seed)


@mistake("cluster_components")
def columns(rows, first, last, k, seed):
    """Columns of the rows are left out before PCA: leave out scores after it."""
    return clustered(scores(rows[:, first:])[:, : last - first], k, seed)


@mistake("cluster_components")
def no_components(rows, first, last, k, seed):
    """Columns of the rows are clustered: compute the scores of their principal components."""
    return clustered(rows[:, first:last], k, seed)


@mistake("cluster_components")
def whitened(rows, first, last, k, seed):
    """The scores were brought to one scale (whitened): cluster them as they are."""
    return clustered((scores(rows) / scores(rows).std(axis=0))[:, first:last], k, seed)


@mistake("cluster_components")
def standardised(rows, first, last, k, seed):
    """The columns were brought to one scale before PCA: take the rows as they are."""
    return clustered(scores(rows / rows.std(axis=0))[:, first:last], k, seed)


@mistake("cluster_components")
def one_start(rows, first, last, k, seed):
    """A bad local minimum, as one start sometimes finds: let K-means start ten times
    (`n_init=10`)."""
    return clustered(scores(rows)[:, first:last], k, seed, n_init=1)


@pytest.fixture
def data(rng):
    """Three crossed patterns in directions of falling variance: two levels, four steps, two
    levels."""
    tilt, steps, gap = (v.ravel() for v in np.meshgrid([0, 1], [0, 1, 2, 3], [0, 1]))
    order = rng.permutation(np.tile(np.arange(16), 4))
    tilt, steps, gap = tilt[order], steps[order], gap[order]
    inside = np.column_stack([60 * tilt, 4 * steps, 7.4 * gap, np.zeros((64, 3))])
    inside += 0.3 * rng.normal(size=inside.shape)
    turned = np.linalg.qr(rng.normal(size=(6, 6)))[0]
    return inside @ turned + 5, tilt, steps, gap


def agrees(student, data, first, last, k, groups, seed=0):
    """Compare with the groups that were put in."""
    found = student.cluster_components(data[0], first, last, k, seed)
    assert_same_partition(student, found, groups, because=TASK)


def test_labels(student, data):
    """A cluster for each row; the rows stay as they were."""
    assert_labels(student, student.cluster_components(data[0], 0, 4, 3, 0), 64, 3)
    assert_input_unchanged(student)


def test_with_the_first(student, data):
    """With the first component, its pattern decides before all others."""
    _, tilt, _, _ = data
    agrees(student, data, 0, 1, 2, tilt)
    agrees(student, data, 0, 2, 2, tilt)


@pytest.mark.points(2)
def test_without_the_first(student, data):
    """Without it, only the components asked for: one alone, another alone, both, from every
    seed.
    """
    _, _, steps, gap = data
    agrees(student, data, 1, 2, 4, steps)
    agrees(student, data, 2, 3, 2, gap)
    for seed in range(14):
        agrees(student, data, 1, 3, 2, steps > 1, seed)


def test_again(student, data):
    """The same seed gives the same again, and the seed is used."""
    assert_repeatable(student, lambda: student.cluster_components(data[0], 2, 6, 5, 4))
    assert_seed_is_used(student, lambda s: student.cluster_components(data[0], 2, 6, 5, s))
