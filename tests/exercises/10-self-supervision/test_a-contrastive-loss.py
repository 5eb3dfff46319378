"""Checks of the exercise a-contrastive-loss."""

import math

import numpy as np
import pytest

from octlessons.testing import (
    assert_close,
    assert_input_unchanged,
    assert_number,
    mistake,
    reference,
    symptom,
)

TASK = "Each of the 2n views against all others; minus the logarithm of its partner's share; mean."


def unit(rows):
    """Rows of length 1."""
    return [row / math.sqrt(sum(row**2)) for row in rows]


def partner(i, n):
    """The other view of the same scan."""
    return i + n if i < n else i - n


def prices(rows, temperature, asked=lambda i, j, n: i != j, partner=partner):
    """What the partner of each view costs."""
    n, found = len(rows) // 2, []
    for i, row in enumerate(rows):
        scores = {j: float(row @ other) / temperature for j, other in enumerate(rows)}
        most = max(scores.values())
        total = sum(math.exp(s - most) for j, s in scores.items() if asked(i, j, n))
        found.append(most + math.log(total) - scores[partner(i, n)])
    return np.array(found)


@reference("contrastive_loss")
def expected(first, second, temperature):
    """The loss, a view at a time."""
    return prices(unit([*first, *second]), temperature).mean()


@symptom("contrastive_loss")
def overflow(found, first, second, temperature):
    """`np.exp` of a large number is infinite: subtract the largest score of a row before it. The
    shares stay the same.
    """
    return not np.isfinite(found)


@mistake("contrastive_loss")
def any_length(first, second, temperature):
    """The views are not of length 1: `stacked` gives them so."""
    return prices([*first, *second], temperature).mean()


@mistake("contrastive_loss")
def with_itself(first, second, temperature):
    """Each view competes with itself here: leave its score with itself out."""
    return prices(unit([*first, *second]), temperature, lambda i, j, n: True).mean()


@mistake("contrastive_loss")
def other_array_only(first, second, temperature):
    """Each view competes with the views of the other array only: those of its own array too are
    among the others.
    """
    rows = unit([*first, *second])
    return prices(rows, temperature, lambda i, j, n: (i < n) != (j < n)).mean()


@mistake("contrastive_loss")
def first_half(first, second, temperature):
    """Only the views of the first array are asked: take the mean over all 2n."""
    return prices(unit([*first, *second]), temperature)[: len(first)].mean()


@mistake("contrastive_loss")
def without_the_partner(first, second, temperature):
    """The partner is missing among the others: its share is that of *all* other views."""
    rows = unit([*first, *second])
    return prices(rows, temperature, lambda i, j, n: i != j and j != partner(i, n)).mean()


@mistake("contrastive_loss")
def neighbours(first, second, temperature):
    """Rows 0 and 1, 2 and 3, … count as partners: on top of each other, row i's partner is n
    rows further.
    """
    return prices(unit([*first, *second]), temperature, partner=lambda i, n: i ^ 1).mean()


@mistake("contrastive_loss")
def multiplied(first, second, temperature):
    """The scores were multiplied by the temperature: divide them by it."""
    return expected(first, second, 1 / temperature)


@mistake("contrastive_loss")
def no_temperature(first, second, temperature):
    """The temperature has no effect: divide the scores by it."""
    return expected(first, second, 1.0)


@mistake("contrastive_loss")
def summed(first, second, temperature):
    """This is the sum of the prices: take their mean."""
    return prices(unit([*first, *second]), temperature).sum()


@mistake("contrastive_loss")
def negative(first, second, temperature):
    """The sign is wrong: a price is *minus* the logarithm of a share."""
    return -expected(first, second, temperature)


@mistake("contrastive_loss")
def two_as_base(first, second, temperature):
    """This is the logarithm to the base 2: take the natural one."""
    return expected(first, second, temperature) / math.log(2)


@mistake("contrastive_loss")
def mean_of_shares(first, second, temperature):
    """The shares were averaged before the logarithm: first the logarithm of each, then the
    mean.
    """
    return -math.log(np.exp(-prices(unit([*first, *second]), temperature)).mean())


@mistake("contrastive_loss")
def no_logarithm(first, second, temperature):
    """A price is minus the logarithm of the share, not what is missing to 1."""
    return 1 - np.exp(-prices(unit([*first, *second]), temperature)).mean()


@pytest.fixture
def views(rng):
    """Two views of six scans: like each other in part, of any length."""
    first = rng.normal(size=(6, 4))
    return first * rng.uniform(1, 3), first + 0.7 * rng.normal(size=(6, 4))


def agrees(student, first, second, temperature):
    """Compare with the reference."""
    found = student.contrastive_loss(first, second, temperature)
    assert_close(student, found, expected(first, second, temperature), because=TASK)


def test_kind(student, views):
    """The result is one number, 0 or more; the views stay as they were."""
    assert_number(student, student.contrastive_loss(*views, 0.5), low=0, because=TASK)
    assert_input_unchanged(student)


@pytest.mark.points(2)
def test_loss(student, views):
    """The mean price, at several temperatures."""
    for temperature in (0.5, 0.2, 2.0):
        agrees(student, *views, temperature)


def test_length(student, views):
    """The length of a row does not matter."""
    agrees(student, 7 * views[0], views[1] / 3, 0.5)


def test_all_alike(student):
    """When all views are alike, every other one is as good: ln(2n - 1)."""
    for n in (2, 5):
        agrees(student, np.ones((n, 3)), np.ones((n, 3)), 0.5)


def test_low_temperature(student):
    """At a low temperature nothing overflows."""
    agrees(student, np.eye(4), np.roll(np.eye(4), 1, axis=0), 0.001)
