"""Checks of the exercise what-the-site-knows."""

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment

from octlessons.testing import (
    assert_close,
    assert_input_unchanged,
    assert_number,
    mistake,
    reference,
)

TASK = "The commonest diagnosis of each site is right so often; added up, divided by all scans."


def table(labels, sites):
    """Scans of each site (row) and diagnosis."""
    _, number = np.unique(sites, return_inverse=True)
    counts = np.zeros((number.max() + 1, labels.max() + 1), int)
    np.add.at(counts, (number, labels), 1)
    return counts


@reference("site_share")
def expected(labels, sites):
    """The largest count of every row of the table."""
    return table(labels, sites).max(axis=1).sum() / len(labels)


@mistake("site_share")
def mean_of_sites(labels, sites):
    """This is the mean of the sites' shares, which gives a small site too much: every scan
    counts the same.
    """
    counts = table(labels, sites)
    return np.mean(counts.max(axis=1) / counts.sum(axis=1))


@mistake("site_share")
def of_the_study(labels, sites):
    """The commonest diagnosis is that of all scans: take that of each site, not of the whole
    study.
    """
    return np.bincount(labels).max() / len(labels)


@mistake("site_share")
def site_of_a_diagnosis(labels, sites):
    """This is the commonest *site* of each diagnosis: take the commonest diagnosis of each
    site.
    """
    return table(labels, sites).max(axis=0).sum() / len(labels)


@mistake("site_share")
def matched_once(labels, sites):
    """Each diagnosis was given to one site only: two sites may have the same commonest one."""
    counts = table(labels, sites)
    return counts[linear_sum_assignment(-counts)].sum() / len(labels)


@mistake("site_share")
def best_site(labels, sites):
    """This is the share of one site: add up the right ones of all sites, then divide once."""
    counts = table(labels, sites)
    return (counts.max(axis=1) / counts.sum(axis=1)).max()


@mistake("site_share")
def largest_site(labels, sites):
    """This is the share of scans in the largest site: count diagnoses inside each site."""
    return table(labels, sites).sum(axis=1).max() / len(labels)


@mistake("site_share")
def count(labels, sites):
    """This is how many are right: divide by the number of scans."""
    return table(labels, sites).max(axis=1).sum()


@mistake("site_share")
def largest_number(labels, sites):
    """The largest *number* of a diagnosis in a site was taken for the commonest: count them."""
    return np.mean([d == labels[sites == s].max() for d, s in zip(labels, sites, strict=True)])


@pytest.fixture
def study(rng):
    """Four sites of different size, two with the same common diagnosis."""
    sites = rng.permutation(np.repeat(["w", "x", "y", "z"], [12, 31, 8, 19]))
    usual = np.array([1, 0, 2, 1])[np.searchsorted(["w", "x", "y", "z"], sites)]
    return np.where(rng.random(70) < 0.6, usual, rng.integers(4, size=70)), sites


def agrees(student, labels, sites):
    """Compare with the reference."""
    found = student.site_share(labels, sites)
    assert_close(student, found, expected(labels, sites), because=TASK)


def test_kind(student, study):
    """The result is a share; the labels stay as they were."""
    assert_number(student, student.site_share(*study), low=0, high=1, because=TASK)
    assert_input_unchanged(student)


@pytest.mark.points(2)
def test_sites_of_different_size(student, study, rng):
    """The share of scans, in sites of different size."""
    labels, sites = study
    for found in (labels, rng.permutation(labels)):
        agrees(student, found, sites)


def test_one_site(student):
    """With a single site it is the share of the commonest diagnosis."""
    agrees(student, np.array([2, 2, 2, 0, 1]), np.full(5, "a"))


def test_site_is_diagnosis(student):
    """Where every site has one diagnosis, the site gives everything away."""
    agrees(student, np.array([3, 3, 1, 1, 1]), np.array(["a", "a", "b", "b", "c"]))
