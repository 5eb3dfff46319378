"""Checks of the exercise a-line-that-bends-too-well."""

import numpy as np
import pytest

from octlessons.testing import (
    assert_close,
    assert_input_unchanged,
    assert_number,
    mistake,
    reference,
)

TASK = "The largest distance, up or down, between the line and the polynomial of degree `degree`."


def differences(line, degree):
    """Line minus fitted curve, by solving the least-squares problem."""
    table = np.vander(np.linspace(-1, 1, len(line)), degree + 1)
    return line - table @ np.linalg.lstsq(table, line, rcond=None)[0]


@reference("bump_left")
def expected(line, degree):
    """The largest of them."""
    return max(abs(float(d)) for d in differences(line, degree))


@mistake("bump_left")
def only_down(line, degree):
    """Only what lies below the curve is measured: distances count up and down, without sign."""
    return differences(line, degree).max()


@mistake("bump_left")
def only_up(line, degree):
    """Only what lies above the curve is measured: distances count up and down, without sign."""
    return -differences(line, degree).min()


@mistake("bump_left")
def mean_distance(line, degree):
    """This is the mean distance: take the largest."""
    return np.abs(differences(line, degree)).mean()


@mistake("bump_left")
def median_distance(line, degree):
    """This is the median distance: take the largest."""
    return np.median(np.abs(differences(line, degree)))


@mistake("bump_left")
def summed(line, degree):
    """This is the sum of the distances: take the largest."""
    return np.abs(differences(line, degree)).sum()


@mistake("bump_left")
def root_mean_square(line, degree):
    """This is the root of the mean square: take the largest distance."""
    return np.sqrt(np.mean(differences(line, degree) ** 2))


@mistake("bump_left")
def squared(line, degree):
    """This is squared: take the largest distance."""
    return expected(line, degree) ** 2


@mistake("bump_left")
def sum_of_squares(line, degree):
    """This is the sum of squares that the fit makes small: take the largest distance."""
    return np.sum(differences(line, degree) ** 2)


@mistake("bump_left")
def from_top_to_bottom(line, degree):
    """This is from the highest to the lowest difference: take the largest distance from the
    curve.
    """
    return np.ptp(differences(line, degree))


@mistake("bump_left")
def straight_line(line, degree):
    """A straight line was fitted, whatever `degree` is."""
    return expected(line, 1)


@mistake("bump_left")
def one_degree_less(line, degree):
    """The polynomial has one degree less: its degree is the highest power, not the number of
    terms."""
    return expected(line, degree - 1)


@mistake("bump_left")
def one_degree_more(line, degree):
    """The polynomial has one degree more: its degree is the highest power."""
    return expected(line, degree + 1)


@mistake("bump_left")
def not_fitted(line, degree):
    """This is the distance from the mean: fit a polynomial."""
    return np.abs(line - line.mean()).max()


@mistake("bump_left")
def bump_of_the_line(line, degree):
    """This is the extent of the line itself: take what the fitted curve leaves."""
    return np.ptp(line)


@mistake("bump_left")
def at_the_extreme(line, degree):
    """This is the distance where the line itself is highest: it can be largest elsewhere."""
    return abs(differences(line, degree)[np.argmin(line)])


@mistake("bump_left")
def rounded(line, degree):
    """The result is rounded: give it as it is."""
    return round(expected(line, degree))


@pytest.fixture
def line(rng):
    """A tilted line with a bump upwards and some noise."""
    columns = np.arange(40)
    bump = rng.uniform(6, 12) * np.exp(-(((columns - rng.uniform(12, 28)) / 4) ** 2))
    return 50 + rng.uniform(0.15, 0.4) * columns - bump + 0.1 * rng.normal(size=40)


def test_kind(student, line):
    """The result is one number, not negative; the line stays as it was."""
    assert_number(student, student.bump_left(line, 1), low=0, because=TASK)
    assert_input_unchanged(student)


@pytest.mark.points(2)
def test_degrees(student, line):
    """What is left after fits of degree 0 to 5."""
    for degree in (2, 0, 1, 3, 4, 5):
        found = student.bump_left(line, degree)
        assert_close(student, found, expected(line, degree), because=TASK)


def test_up_and_down(student, line):
    """A bump upwards counts like a dent downwards."""
    up = assert_number(student, student.bump_left(line, 1), low=0, because=TASK)
    assert_close(student, student.bump_left(100 - line, 1), up, because=TASK)


def test_points_enough(student):
    """A straight line of a tilted scan leaves nothing behind."""
    found = student.bump_left(np.linspace(10, 30, 25), 1)
    assert_close(student, found, 0.0, atol=1e-6, because=TASK)
