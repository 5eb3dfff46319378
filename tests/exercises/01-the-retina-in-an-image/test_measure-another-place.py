"""Checks of the exercise measure-another-place."""

import numpy as np
import pytest

from octlessons.testing import assert_close, assert_input_unchanged, assert_number


@pytest.fixture
def boundaries(rng):
    """Upper and lower boundary of a made-up retina, rough enough that columns differ."""
    ilm = 20 + rng.uniform(0, 8, 64)
    return ilm, ilm + 40 + rng.uniform(0, 15, 64)


def expected(ilm, rpe, columns, axial):
    """The mean thickness of these columns, one by one."""
    return sum((rpe[c] - ilm[c]) * axial for c in columns) / len(columns)


def test_kind(student, boundaries):
    """The result is one number above 0; the boundaries stay as they were."""
    found = student.thickness_at(*boundaries, 30, 3.9)
    assert_number(
        student, found, low=0, because="Lower boundary minus upper: rows count downwards."
    )
    assert_input_unchanged(student)


def test_micrometres(student, boundaries):
    """The unit is µm: a pixel is `axial` high."""
    ilm, rpe = np.full(64, 5.0), np.full(64, 55.0)
    for axial in (1.0, 3.9):
        assert_close(
            student,
            student.thickness_at(ilm, rpe, 30, axial),
            50 * axial,
            because="50 rows, each `axial` µm high: multiply.",
        )


@pytest.mark.points(2)
def test_nine_columns(student, boundaries):
    """It is the mean over nine columns, four on each side."""
    for column in (20, 41):
        assert_close(
            student,
            student.thickness_at(*boundaries, column, 3.9),
            expected(*boundaries, range(column - 4, column + 5), 3.9),
            because="Are there nine columns? The end of a slice is not part of it.",
        )


def test_edges(student, boundaries):
    """Near the edges it takes the columns that exist."""
    for column, columns in ((0, range(5)), (2, range(7)), (63, range(59, 64))):
        assert_close(
            student,
            student.thickness_at(*boundaries, column, 2.0),
            expected(*boundaries, columns, 2.0),
            because="A slice that begins with a negative number counts from the other end.",
        )
