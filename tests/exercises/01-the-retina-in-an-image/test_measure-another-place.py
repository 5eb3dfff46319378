"""Checks of the exercise measure-another-place."""

import numpy as np
import pytest

from octlessons.testing import (
    assert_close,
    assert_input_unchanged,
    assert_number,
    mistake,
    reference,
)

TASK = "The mean of `rpe - ilm` over the nine columns, or those of them that exist, times `axial`."


@reference("thickness_at")
def expected(ilm, rpe, column, axial):
    """The mean thickness, one column after the other."""
    columns = [c for c in range(column - 4, column + 5) if 0 <= c < len(ilm)]
    return sum((rpe[c] - ilm[c]) * axial for c in columns) / len(columns)


@mistake("thickness_at")
def upside_down(ilm, rpe, column, axial):
    """Upper minus lower boundary: rows count downwards, so the lower one has the larger number."""
    return -expected(ilm, rpe, column, axial)


@mistake("thickness_at")
def in_rows(ilm, rpe, column, axial):
    """This is in rows of pixels: each is `axial` µm high, so multiply."""
    return expected(ilm, rpe, column, 1.0)


@mistake("thickness_at")
def divided(ilm, rpe, column, axial):
    """Divided by `axial`: a row is `axial` µm high, so multiply."""
    return expected(ilm, rpe, column, 1.0) / axial


@mistake("thickness_at")
def eight_columns(ilm, rpe, column, axial):
    """The last column is missing: the end of a slice is not part of it."""
    return np.mean((rpe - ilm)[max(0, column - 4) : column + 4]) * axial


@mistake("thickness_at")
def negative_slice(ilm, rpe, column, axial):
    """Near the left edge the slice begins with a negative number, which counts from the
    other end.
    """
    return np.mean((rpe - ilm)[column - 4 : column + 5]) * axial


@mistake("thickness_at")
def negative_places(ilm, rpe, column, axial):
    """Near the left edge, columns from the other end are in it: negative numbers count from
    there.
    """
    return np.mean([(rpe - ilm)[c] for c in range(column - 4, min(column + 5, len(ilm)))]) * axial


@mistake("thickness_at")
def always_nine(ilm, rpe, column, axial):
    """The sum was divided by nine: near an edge there are fewer columns, so divide by their
    number."""
    part = (rpe - ilm)[max(0, column - 4) : column + 5]
    return part.sum() / 9 * axial


@mistake("thickness_at")
def edge_repeated(ilm, rpe, column, axial):
    """Near an edge the outermost column counts more than once: take each that exists once."""
    places = np.clip(np.arange(column - 4, column + 5), 0, len(ilm) - 1)
    return np.mean((rpe - ilm)[places]) * axial


@mistake("thickness_at")
def half_there(ilm, rpe, column, axial):
    """Near the left edge, columns that exist are left out: begin at column 0 there."""
    first = column - 4 if column >= 4 else column
    return np.mean((rpe - ilm)[first : column + 5]) * axial


@mistake("thickness_at")
def one_column(ilm, rpe, column, axial):
    """This is the one column alone: take the mean over it and four on each side."""
    return (rpe - ilm)[column] * axial


@mistake("thickness_at")
def to_the_right(ilm, rpe, column, axial):
    """These are nine columns from `column` on: four of them lie to its left."""
    return np.mean((rpe - ilm)[column : column + 9]) * axial


@mistake("thickness_at")
def everywhere(ilm, rpe, column, axial):
    """This is the mean of all columns: take the nine around `column`."""
    return np.mean(rpe - ilm) * axial


@mistake("thickness_at")
def median(ilm, rpe, column, axial):
    """This is the median of the columns: take the mean."""
    return np.median((rpe - ilm)[max(0, column - 4) : column + 5]) * axial


@mistake("thickness_at")
def summed(ilm, rpe, column, axial):
    """This is the sum over the columns: take the mean."""
    return np.sum((rpe - ilm)[max(0, column - 4) : column + 5]) * axial


@pytest.fixture
def boundaries(rng):
    """Upper and lower boundary of a made-up retina, rough enough that columns differ."""
    ilm = 20 + rng.uniform(0, 8, 64)
    return ilm, ilm + 40 + rng.uniform(0, 15, 64)


def agrees(student, *given):
    """Compare with the reference."""
    assert_close(student, student.thickness_at(*given), expected(*given), because=TASK)


def test_kind(student, boundaries):
    """The result is one number above 0; the boundaries stay as they were."""
    assert_number(student, student.thickness_at(*boundaries, 30, 3.9), low=0, because=TASK)
    assert_input_unchanged(student)


def test_micrometres(student, boundaries):
    """The unit is µm: a pixel is `axial` high."""
    for axial in (1.0, 3.9):
        agrees(student, np.full(64, 5.0), np.full(64, 55.0), 30, axial)


@pytest.mark.points(2)
def test_nine_columns(student, boundaries):
    """It is the mean over nine columns, four on each side."""
    for column in (20, 41):
        agrees(student, *boundaries, column, 3.9)


def test_edges(student, boundaries):
    """Near the edges it takes the columns that exist."""
    for column in (0, 2, 63, 61):
        agrees(student, *boundaries, column, 2.0)
