"""Checks of the exercise a-contrastive-loss."""

import math

import numpy as np
import pytest

from octlessons.testing import assert_close, assert_input_unchanged, assert_number


@pytest.fixture
def views(rng):
    """Two views of six scans: like each other in part, of any length."""
    first = rng.normal(size=(6, 4))
    return first * rng.uniform(1, 3), first + 0.7 * rng.normal(size=(6, 4))


def one_by_one(first, second, temperature):
    """The loss, a view at a time."""
    rows = [row / math.sqrt(sum(row**2)) for row in (*first, *second)]
    total, n = 0.0, len(first)
    for i, row in enumerate(rows):
        powers = [math.exp(float(row @ other) / temperature) for other in rows]
        total -= math.log(powers[i + n if i < n else i - n] / (sum(powers) - powers[i]))
    return total / len(rows)


def test_kind(student, views):
    """The result is one number, 0 or more; the views stay as they were."""
    assert_number(student, student.contrastive_loss(*views, 0.5), low=0)
    assert_input_unchanged(student)


@pytest.mark.points(2)
def test_loss(student, views):
    """The mean price, at several temperatures."""
    for temperature in (0.2, 0.5, 2.0):
        assert_close(
            student,
            student.contrastive_loss(*views, temperature),
            one_by_one(*views, temperature),
            because="Each of the 2n views against all others, those of the same array too, but "
            "never against itself; scores are divided by the temperature.",
        )


def test_length(student, views):
    """The length of a row does not matter."""
    first, second = views
    expected = assert_number(student, student.contrastive_loss(first, second, 0.5), low=0)
    assert_close(
        student,
        student.contrastive_loss(7 * first, second / 3, 0.5),
        expected,
        because="Bring every row to length 1.",
    )


def test_all_alike(student):
    """When all views are alike, every other one is as good: ln(2n - 1)."""
    for n in (2, 5):
        alike = np.ones((n, 3))
        assert_close(
            student,
            student.contrastive_loss(alike, alike, 0.5),
            math.log(2 * n - 1),
            because="There are 2n - 1 others: a view does not compete with itself.",
        )


def test_low_temperature(student):
    """At a low temperature nothing overflows."""
    found = student.contrastive_loss(np.eye(4), np.roll(np.eye(4), 1, axis=0), 0.001)
    because = "`np.exp` of a large number is infinite: subtract the largest score of a row first."
    assert_number(student, found, low=0, because=because)
    assert_close(student, found, 1000.0, because=because)  # the partner is at 0, another at 1000
