"""Checks of the exercise two-numbers-instead."""

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

TASK = "Each measurement divided by its own standard deviation, then K-means with the pairs."


def clustered(rows, k, seed, n_init=10):
    """K-means."""
    return KMeans(k, n_init=n_init, random_state=seed).fit_predict(rows)


def scaled(first, second):
    """Both on one scale."""
    return np.transpose([np.asarray(m) / np.std(m) for m in (first, second)])


@reference("cluster_measures", same=same_partition)
def expected(first, second, k, seed):
    """The clusters of the scaled pairs."""
    return clustered(scaled(first, second), k, seed)


@mistake("cluster_measures")
def no_scale(first, second, k, seed):
    """Not on one scale, so the larger numbers decide: divide each by its own standard deviation."""
    return clustered(np.column_stack([first, second]), k, seed)


@mistake("cluster_measures")
def by_the_mean(first, second, k, seed):
    """Each is divided by its size: divide by its standard deviation, which says how far it
    spreads."""
    return clustered(np.column_stack([first / np.mean(first), second / np.mean(second)]), k, seed)


@mistake("cluster_measures")
def by_the_variance(first, second, k, seed):
    """Each is divided by its variance, which has the squared unit: take the standard deviation."""
    return clustered(np.column_stack([first / np.var(first), second / np.var(second)]), k, seed)


@mistake("cluster_measures")
def first_alone(first, second, k, seed):
    """Only `first` is used."""
    return clustered(np.reshape(first, (-1, 1)), k, seed)


@mistake("cluster_measures")
def second_alone(first, second, k, seed):
    """Only `second` is used."""
    return clustered(np.reshape(second, (-1, 1)), k, seed)


@mistake("cluster_measures")
def added(first, second, k, seed):
    """The two are added, so that one number is left of each scan: keep them as two columns."""
    return clustered(scaled(first, second).sum(axis=1).reshape(-1, 1), k, seed)


@mistake("cluster_measures")
def ranks(first, second, k, seed):
    """The measurements are ranked, which loses how far they lie apart: divide them."""
    return clustered(np.argsort(np.argsort([first, second])).T, k, seed)


@mistake("cluster_measures")
def always_four(first, second, k, seed):
    """These are four clusters, whatever `k` is."""
    return clustered(scaled(first, second), 4, seed)


@mistake("cluster_measures")
def one_start(first, second, k, seed):
    """A bad local minimum, as one start sometimes finds: let K-means start ten times
    (`n_init=10`)."""
    return clustered(scaled(first, second), k, seed, n_init=1)


@mistake("cluster_measures")
def images_and_measures_exchanged(first, second, k, seed):
    """The two measurements are clustered, not the scans: each scan is a row, with two columns."""
    return clustered(np.array([first, second]), min(k, 2), seed)


@pytest.fixture
def groups(rng):
    """Four groups at the corners of a square, in measurements of very different size."""
    group = rng.permutation(np.repeat(np.arange(4), 15))
    first = 3 + (group % 2) + rng.uniform(-0.15, 0.15, 60)
    second = 1 + (group // 2) + rng.uniform(-0.15, 0.15, 60)
    return group, first, second


def test_labels(student, groups):
    """The result is a cluster for each scan; the measurements stay as they were."""
    _, first, second = groups
    assert_labels(student, student.cluster_measures(first, second, 3, 0), 60, 3)
    assert_input_unchanged(student)


@pytest.mark.points(2)
def test_units_do_not_matter(student, groups):
    """The four groups are found whatever the units of either measurement."""
    group, first, second = groups
    for a, b in ((1, 1), (1, 1000), (1000, 1)):
        found = student.cluster_measures(a * first, b * second, 4, 0)
        assert_same_partition(student, found, group, because=TASK)


def test_k(student, groups, rng):
    """With two clusters, the measurement with the wider gap decides, and every seed finds it."""
    _, first, second = groups
    near = first > 3.5
    found = student.cluster_measures(first + 20 * near, 0.1 * np.sin(100 * second), 2, 0)
    assert_same_partition(student, found, near, because=TASK)
    gap, steps = np.tile([0, 1], 32), np.repeat(np.arange(4), 16)
    noise = rng.uniform(-0.05, 0.05, size=(2, 64))
    for seed in range(14):
        found = student.cluster_measures(2 + gap + noise[0], 50 + 20 * (steps + noise[1]), 2, seed)
        assert_same_partition(student, found, gap, because=TASK + " Ten starts of it.")


def test_again(student, groups):
    """The same seed gives the same again, and the seed is used."""
    _, first, second = groups
    rough = first + np.sin(40 * second)
    assert_repeatable(student, lambda: student.cluster_measures(rough, second, 7, 3))
    assert_seed_is_used(student, lambda seed: student.cluster_measures(rough, second, 7, seed))
