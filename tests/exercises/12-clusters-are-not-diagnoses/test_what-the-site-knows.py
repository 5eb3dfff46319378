"""Checks of the exercise what-the-site-knows."""

import numpy as np
import pytest

from octlessons.testing import assert_close, assert_input_unchanged, assert_number


@pytest.fixture
def study(rng):
    """Three sites of different size, each with a diagnosis that is common there."""
    sites = rng.permutation(np.repeat(["x", "y", "z"], [30, 8, 15]))
    usual = np.searchsorted(["x", "y", "z"], sites)
    return np.where(rng.random(53) < 0.6, usual, rng.integers(4, size=53)), sites


def counted(labels, sites):
    """The share, by lists."""
    of = {site: [d for d, s in zip(labels, sites, strict=True) if s == site] for site in set(sites)}
    return sum(max(map(found.count, found)) for found in of.values()) / len(labels)


def test_kind(student, study):
    """The result is a share; the labels stay as they were."""
    assert_number(student, student.site_share(*study), low=0, high=1)
    assert_input_unchanged(student)


@pytest.mark.points(2)
def test_sites_of_different_size(student, study, rng):
    """The share of scans, in sites of different size."""
    labels, sites = study
    for found in (labels, rng.permutation(labels)):
        assert_close(
            student,
            student.site_share(found, sites),
            counted(found.tolist(), sites.tolist()),
            because="Every scan counts the same: add up the right ones of all sites, then divide "
            "once. The mean of the sites' shares gives a small site too much.",
        )


def test_one_site(student):
    """With a single site it is the share of the commonest diagnosis."""
    labels = np.array([2, 2, 2, 0, 1])
    because = "The commonest diagnosis of each site, not of the whole study."
    assert_close(student, student.site_share(labels, np.full(5, "a")), 0.6, because=because)


def test_site_is_diagnosis(student):
    """Where every site has one diagnosis, the site gives everything away."""
    labels, sites = np.array([3, 3, 1, 1, 1]), np.array(["a", "a", "b", "b", "c"])
    because = "The commonest diagnosis of each site, not of the whole study."
    assert_close(student, student.site_share(labels, sites), 1.0, because=because)
