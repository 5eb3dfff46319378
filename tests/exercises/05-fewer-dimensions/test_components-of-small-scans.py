"""Checks of the exercise components-of-small-scans."""

import numpy as np
import pytest

from octlessons.testing import (
    assert_close,
    assert_input_unchanged,
    assert_number,
    mistake,
    reference,
)

SHARES = 0.95, 0.3, 0.5, 0.6, 0.7, 0.8, 0.9, 0.99
TASK = "The smallest number of components whose variances add up to the share of all variance."


def first_to_reach(values, share):
    """How many values, the largest first, it takes to reach a share of their sum."""
    held, n = 0.0, 0
    for value in sorted(values, reverse=True):
        if held >= share * sum(values):
            break
        held, n = held + value, n + 1
    return n


def variances(rows):
    """Variance along each component."""
    return np.clip(np.linalg.eigvalsh(np.atleast_2d(np.cov(rows.T))), 0, None)


@reference("components_for")
def expected(rows, share):
    """From the eigenvalues of the covariance."""
    return first_to_reach(variances(rows), share)


@mistake("components_for")
def place_not_number(rows, share):
    """This is one fewer, as places count from 0: the number of components is one more."""
    return expected(rows, share) - 1


@mistake("components_for")
def one_more(rows, share):
    """This is one more than it takes: the component that reaches the share is the last one."""
    return expected(rows, share) + 1


@mistake("components_for")
def two_more(rows, share):
    """This is two more than it takes: is 1 added twice?"""
    return expected(rows, share) + 2


@mistake("components_for")
def each_alone(rows, share):
    """Each component is compared alone: add the shares up, the largest first."""
    values = variances(rows)
    return max(1, int(np.sum(values / values.sum() >= 1 - share)))


@mistake("components_for")
def none_alone(rows, share):
    """Each component is compared alone: add the shares up, the largest first."""
    values = variances(rows)
    return int(np.sum(values / values.sum() >= share))


@mistake("components_for")
def not_squared(rows, share):
    """Standard deviations (singular values) are added up: add up variances, their squares."""
    return first_to_reach(np.sqrt(variances(rows)), share)


@mistake("components_for")
def not_centred(rows, share):
    """The mean was not subtracted: variance is measured from the mean."""
    return first_to_reach(np.linalg.svd(rows, compute_uv=False) ** 2, share)


@mistake("components_for")
def standardised(rows, share):
    """The columns were brought to one scale first: take the variance of the data as they are."""
    return expected(rows / rows.std(axis=0), share)


@mistake("components_for")
def columns_not_components(rows, share):
    """These are variances of columns: add up those of principal components."""
    return first_to_reach(rows.var(axis=0), share)


@mistake("components_for")
def smallest_first(rows, share):
    """The smallest components are added first: begin with the largest."""
    total = np.cumsum(np.sort(variances(rows))) / variances(rows).sum()
    return int(np.argmax(total >= share)) + 1


@mistake("components_for")
def squared_again(rows, share):
    """Squared variances are added up: add up the variances."""
    return first_to_reach(variances(rows) ** 2, share)


@mistake("components_for")
def all_of_them(rows, share):
    """These are all components: stop when the share is reached."""
    return min(len(rows), rows.shape[1])


@mistake("components_for")
def always_95(rows, share):
    """This is the number for a share of 0.95, whatever `share` is."""
    return expected(rows, 0.95)


@mistake("components_for")
def share_of_the_number(rows, share):
    """This is a share of the *number* of components: add up their variances."""
    return int(np.ceil(share * rows.shape[1]))


@mistake("components_for")
def the_sum(rows, share):
    """This is the share that is reached: give the number of components."""
    values = np.sort(variances(rows))[::-1]
    return float(values[: expected(rows, share)].sum() / values.sum())


@pytest.fixture
def rows(rng):
    """Sixty rows of twelve numbers whose variance falls from direction to direction."""
    turned = np.linalg.qr(rng.normal(size=(12, 12)))[0]
    return rng.normal(size=(60, 12)) * 0.7 ** np.arange(12) @ turned + 0.6


def test_kind(student, rows):
    """The result is a whole number, at least 1; the data stay as they were."""
    found = student.components_for(rows, 0.5)
    assert_number(student, found, low=1, high=12, whole=True, because=TASK)
    assert_input_unchanged(student)


@pytest.mark.points(2)
def test_shares(student, rows):
    """The smallest number that reaches the share, for several shares."""
    for share in SHARES:  # all at first: together they tell mistakes apart
        student.components_for(rows, share)
    for share in SHARES:
        found = student.components_for(rows, share)
        assert_close(student, found, expected(rows, share), because=TASK)


def test_one_is_enough(student, rng):
    """Where one direction holds nearly everything, one component is enough."""
    rows = np.outer(rng.normal(size=40), [1.0, 2.0, 3.0]) + 0.001 * rng.normal(size=(40, 3))
    assert_close(student, student.components_for(rows, 0.95), 1, because=TASK)


def test_more_columns_than_rows(student, rng):
    """Ten scans of a hundred pixels need at most nine components."""
    rows = rng.normal(size=(10, 100)) + 5
    found = student.components_for(rows, 0.999)
    assert_close(student, found, expected(rows, 0.999), because=TASK)
