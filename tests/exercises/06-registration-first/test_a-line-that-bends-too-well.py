"""Checks of the exercise a-line-that-bends-too-well."""

import numpy as np
import pytest

from octlessons.testing import assert_close, assert_input_unchanged, assert_number


@pytest.fixture
def line(rng):
    """A tilted line with a bump upwards and some noise."""
    columns = np.arange(40)
    bump = rng.uniform(6, 12) * np.exp(-(((columns - rng.uniform(12, 28)) / 4) ** 2))
    return 50 + rng.uniform(-0.3, 0.3) * columns - bump + 0.1 * rng.normal(size=40)


def left(line, degree):
    """The same by solving the least-squares problem."""
    table = np.vander(np.linspace(-1, 1, len(line)), degree + 1)
    curve = table @ np.linalg.lstsq(table, line, rcond=None)[0]
    return max(abs(float(a - b)) for a, b in zip(line, curve, strict=True))


def test_kind(student, line):
    """The result is one number, not negative; the line stays as it was."""
    assert_number(student, student.bump_left(line, 1), low=0)
    assert_input_unchanged(student)


@pytest.mark.points(2)
def test_degrees(student, line):
    """What is left after fits of degree 0 to 5."""
    for degree in range(6):
        assert_close(
            student,
            student.bump_left(line, degree),
            left(line, degree),
            because="The largest distance, up or down, between the line and the fitted curve. Is "
            "`degree` the degree of the polynomial?",
        )


def test_up_and_down(student, line):
    """A bump upwards counts like a dent downwards."""
    up = assert_number(student, student.bump_left(line, 1), low=0)
    assert_close(
        student,
        student.bump_left(100 - line, 1),
        up,
        because="A bump upwards has smaller row numbers: take absolute distances.",
    )


def test_points_enough(student):
    """A straight line of a tilted scan leaves nothing behind."""
    assert_close(student, student.bump_left(np.linspace(10, 30, 25), 1), 0.0, atol=1e-6)
