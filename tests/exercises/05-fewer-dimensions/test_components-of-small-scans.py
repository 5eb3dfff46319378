"""Checks of the exercise components-of-small-scans."""

import numpy as np
import pytest

from octlessons.testing import assert_close, assert_input_unchanged, assert_number


@pytest.fixture
def rows(rng):
    """Sixty rows of twelve numbers whose variance falls from direction to direction."""
    turned = np.linalg.qr(rng.normal(size=(12, 12)))[0]
    return rng.normal(size=(60, 12)) * 0.7 ** np.arange(12) @ turned + 3


def counted(rows, share):
    """The number, from the eigenvalues of the covariance."""
    values = np.sort(np.linalg.eigvalsh(np.cov(rows.T)))[::-1]
    held, n = 0.0, 0
    while held < share * values.sum():
        held += values[n]
        n += 1
    return n


def test_kind(student, rows):
    """The result is a whole number, at least 1; the data stay as they were."""
    assert_number(student, student.components_for(rows, 0.5), low=1, high=12, whole=True)
    assert_input_unchanged(student)


@pytest.mark.points(2)
def test_shares(student, rows):
    """The smallest number that reaches the share, for several shares."""
    for share in (0.3, 0.6, 0.8, 0.9, 0.95, 0.99):
        assert_close(
            student,
            student.components_for(rows, share),
            counted(rows, share),
            because="Places count from 0, components from 1; and the components must reach the "
            "share, together, as variances.",
        )


def test_one_is_enough(student, rng):
    """Where one direction holds nearly everything, one component is enough."""
    rows = np.outer(rng.normal(size=40), [1.0, 2.0, 3.0]) + 0.001 * rng.normal(size=(40, 3))
    assert_close(student, student.components_for(rows, 0.95), 1)


def test_more_columns_than_rows(student, rng):
    """Ten scans of a hundred pixels need at most nine components."""
    rows = rng.normal(size=(10, 100))
    assert_close(student, student.components_for(rows, 0.999), counted(rows, 0.999))
