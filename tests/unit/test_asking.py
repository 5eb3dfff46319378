"""Choosing which images to have labelled."""

import numpy as np
import pytest

from octlessons.evaluation import mean_recall, most_uncertain, one_per_cluster


@pytest.fixture
def crowds():
    """Three groups of rows, 90, 8 and 6 of them."""
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1, 2], [90, 8, 6])
    centres = np.array([[0, 0], [6, 0], [0, 6]])
    return centres[labels] + rng.normal(size=(104, 2)), labels


def test_clusters_ask_about_rare_kinds(crowds):
    rows, labels = crowds
    chosen = one_per_cluster(rows, 6)
    assert len(set(chosen)) == len(chosen) <= 6
    assert set(labels[chosen]) == {0, 1, 2}


def test_doubt_asks_at_the_border():
    rows = np.linspace(-1, 1, 201)[:, None]
    labels = (rows[:, 0] > 0).astype(int)
    chosen = most_uncertain(rows, labels, 20)
    assert len(set(chosen)) == 20
    first, last = np.abs(rows[chosen[:8], 0]).mean(), np.abs(rows[chosen[-4:], 0]).mean()
    assert last < 0.2 < first
    assert np.array_equal(chosen, most_uncertain(rows, labels, 20))


def test_every_image_can_be_asked_for(crowds):
    rows, labels = crowds
    assert sorted(most_uncertain(rows[:9], labels[:9], 9)) == list(range(9))  # one class only
    assert mean_recall(labels, labels) == 1


@pytest.mark.parametrize("n", [0, 105])
def test_numbers_that_cannot_be_are_refused(crowds, n):
    rows, labels = crowds
    for choose in (lambda: one_per_cluster(rows, n), lambda: most_uncertain(rows, labels, n)):
        with pytest.raises(ValueError, match="Of 104 images 1 to 104"):
            choose()
    with pytest.raises(ValueError, match="labels"):
        most_uncertain(rows, labels[:5], 3)
