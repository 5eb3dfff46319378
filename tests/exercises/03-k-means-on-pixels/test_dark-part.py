"""Checks of the exercise dark-part."""

import numpy as np
import pytest
from sklearn.cluster import KMeans

from octlessons.testing import (
    assert_close,
    assert_input_unchanged,
    assert_number,
    mistake,
    reference,
)

TASK = "The share of the pixels that are in the cluster with the smallest centre."


def clustered(image, k, seed):
    """The clusters of grey values, as a right answer has them."""
    return KMeans(k, n_init=10, random_state=seed).fit(image.reshape(-1, 1).astype(float))


def sizes(image, k, seed):
    """Share of each cluster, the darkest first."""
    model = clustered(image, k, seed)
    order = np.argsort(model.cluster_centers_[:, 0])
    return [np.mean(model.labels_ == number) for number in order]


@reference("dark_share")
def expected(image, k, seed):
    """The share of the darkest."""
    return sizes(image, k, seed)[0]


@mistake("dark_share")
def brightest(image, k, seed):
    """This is the brightest cluster: the dark one is the one whose centre is smallest."""
    return sizes(image, k, seed)[-1]


@mistake("dark_share")
def cluster_zero(image, k, seed):
    """This is the cluster with number 0, whichever that is: look for the smallest centre."""
    return np.mean(clustered(image, k, seed).labels_ == 0)


@mistake("dark_share")
def cluster_one(image, k, seed):
    """This is the cluster with number 1, whichever that is: look for the smallest centre."""
    return np.mean(clustered(image, k, seed).labels_ == 1)


@mistake("dark_share")
def last_cluster(image, k, seed):
    """This is the cluster with the last number, whichever that is: look for the smallest centre."""
    return np.mean(clustered(image, k, seed).labels_ == k - 1)


@mistake("dark_share")
def below_the_mean(image, k, seed):
    """These are the pixels darker than the mean: no clusters. Let K-means group the grey values."""
    return np.mean(image < image.mean())


@mistake("dark_share")
def below_the_middle(image, k, seed):
    """These are the pixels darker than 128: no clusters. Let K-means group the grey values."""
    return np.mean(image < 128)


@mistake("dark_share")
def largest(image, k, seed):
    """This is the largest cluster: the dark one is the one whose centre is smallest."""
    return max(sizes(image, k, seed))


@mistake("dark_share")
def smallest(image, k, seed):
    """This is the smallest cluster: the dark one is the one whose *centre* is smallest."""
    return min(sizes(image, k, seed))


@mistake("dark_share")
def number_of_pixels(image, k, seed):
    """This is a number of pixels: divide it by the number of all pixels."""
    return sizes(image, k, seed)[0] * image.size


@mistake("dark_share")
def percent(image, k, seed):
    """This is a percentage: a share lies between 0 and 1."""
    return 100 * sizes(image, k, seed)[0]


@mistake("dark_share")
def everything_else(image, k, seed):
    """This is the share of all that is *not* in the darkest cluster."""
    return 1 - sizes(image, k, seed)[0]


@mistake("dark_share")
def grey_value(image, k, seed):
    """This is the centre of the cluster, a grey value: count its pixels."""
    return clustered(image, k, seed).cluster_centers_.min()


@mistake("dark_share")
def rows_clustered(image, k, seed):
    """The rows of the image were clustered: K-means wants one row for each pixel."""
    model = KMeans(k, n_init=10, random_state=seed).fit(image.astype(float))
    return np.mean(model.labels_ == model.cluster_centers_.mean(axis=1).argmin())


@mistake("dark_share")
def two_clusters(image, k, seed):
    """This has two clusters, whatever `k` is."""
    return sizes(image, 2, seed)[0]


@mistake("dark_share")
def three_clusters(image, k, seed):
    """This has three clusters, whatever `k` is."""
    return sizes(image, 3, seed)[0]


@pytest.fixture
def image(rng):
    """Three grey levels at unequal distances; the darkest is neither the largest nor the
    smallest.
    """
    n_dark, n_bright = rng.integers(115, 135), rng.integers(85, 105)
    levels = np.repeat([20, 100, 220], [n_dark, 400 - n_dark - n_bright, n_bright])
    noisy = levels + rng.integers(-8, 9, size=400)
    return rng.permutation(noisy).reshape(20, 20).astype(np.uint8)


@pytest.fixture
def other(rng):
    """The same with a middle that is brighter than most, and rare."""
    n_dark, n_middle = rng.integers(115, 135), rng.integers(80, 95)
    levels = np.repeat([60, 140, 245], [n_dark, n_middle, 400 - n_dark - n_middle])
    return rng.permutation(levels + rng.integers(-8, 9, size=400)).reshape(16, 25).astype(np.uint8)


def agrees(student, image, k, seed, limit):
    """Compare with the share of pixels below a grey value between two levels."""
    found = student.dark_share(image, k, seed)
    assert_close(student, found, np.mean(image < limit), because=TASK)


def test_share(student, image):
    """The result is a share: one number from 0 to 1; the image stays as it was."""
    assert_number(student, student.dark_share(image, 3, 0), low=0, high=1, because=TASK)
    assert_input_unchanged(student)


@pytest.mark.points(2)
def test_darkest_of_three(student, image, other):
    """Of three grey levels it counts the darkest."""
    agrees(student, other, 3, 0, 100)
    agrees(student, image, 3, 0, 60)


def test_any_seed(student, image):
    """The result does not depend on how the clusters are numbered."""
    for seed in range(1, 9):
        agrees(student, image, 3, seed, 60)


def test_two_clusters(student, image, other):
    """With two clusters the darkest takes in what lies between."""
    agrees(student, other, 2, 0, 192)
    agrees(student, image, 2, 1, 160)
