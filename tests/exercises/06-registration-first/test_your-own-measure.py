"""Checks of the exercise your-own-measure."""

import numpy as np
import pytest

from octlessons.testing import (
    assert_close,
    assert_input_unchanged,
    assert_number,
    mistake,
    reference,
)

TASK = (
    "All pixels from `first` to `last` rows below the RPE of their own column, if they exist: "
    "their mean."
)


def collected(image, rpe, first, last):
    """Grey values of the band, one list for each column."""
    return [
        [int(image[row, c]) for row in range(rpe[c] + first, rpe[c] + last + 1) if row < len(image)]
        for c in range(image.shape[1])
    ]


def mean_of(columns):
    """Mean of all values in the lists."""
    values = [value for column in columns for value in column]
    return sum(values) / len(values)


@reference("brightness_below")
def expected(image, rpe, first, last):
    """Pixel by pixel."""
    return mean_of(collected(image, rpe, first, last))


@mistake("brightness_below")
def end_left_out(image, rpe, first, last):
    """The row `last` below the RPE is missing: it belongs to the band, and a slice leaves its end
    out.
    """
    return mean_of(collected(image, rpe, first, last - 1))


@mistake("brightness_below")
def end_left_out_but_one(image, rpe, first, last):
    """The row `last` below the RPE is missing: it belongs to the band, and a slice leaves its end
    out.
    """
    return mean_of(collected(image, rpe, first, max(first, last - 1)))


@mistake("brightness_below")
def one_too_many(image, rpe, first, last):
    """There is one row too many: the band ends `last` rows below the RPE."""
    return mean_of(collected(image, rpe, first, last + 1))


@mistake("brightness_below")
def one_lower(image, rpe, first, last):
    """This band lies one row too low: the row of the RPE itself is 0 rows below it."""
    return mean_of(collected(image, rpe, first + 1, last + 1))


@mistake("brightness_below")
def starts_late(image, rpe, first, last):
    """The row `first` below the RPE is missing: both ends belong to the band."""
    return mean_of(collected(image, rpe, first + 1, last))


@mistake("brightness_below")
def mean_of_means(image, rpe, first, last):
    """This is the mean of the columns' means: every pixel counts once, so take the mean of all."""
    return np.mean([np.mean(column) for column in collected(image, rpe, first, last) if column])


@mistake("brightness_below")
def black_outside(image, rpe, first, last):
    """Pixels outside of the picture count as black: leave them out."""
    columns = collected(image, rpe, first, last)
    return sum(map(sum, columns)) / ((last - first + 1) * image.shape[1])


@mistake("brightness_below")
def last_row_repeated(image, rpe, first, last):
    """Below the picture the last row is repeated: leave out what does not exist."""
    rows = np.minimum(np.asarray(rpe) + np.arange(first, last + 1)[:, None], len(image) - 1)
    return image[rows, np.arange(image.shape[1])].mean()


@mistake("brightness_below")
def from_the_top(image, rpe, first, last):
    """What is pushed out at the bottom is taken from the top: leave it out."""
    rows = (np.asarray(rpe) + np.arange(first, last + 1)[:, None]) % len(image)
    return image[rows, np.arange(image.shape[1])].mean()


@mistake("brightness_below")
def whole_columns_only(image, rpe, first, last):
    """Columns whose band is cut by the edge are left out: take their pixels that exist."""
    full = [c for c in collected(image, rpe, first, last) if len(c) == last - first + 1]
    return mean_of(full)


@mistake("brightness_below")
def one_row_for_all(image, rpe, first, last):
    """The band is straight, at the median of the line: it begins below the RPE of its own
    column.
    """
    row = int(np.median(rpe))
    return image[row + first : row + last + 1].mean()


@mistake("brightness_below")
def mean_row_for_all(image, rpe, first, last):
    """The band is straight, at the mean of the line: it begins below the RPE of its own column."""
    row = int(np.mean(rpe))
    return image[row + first : row + last + 1].mean()


@mistake("brightness_below")
def above(image, rpe, first, last):
    """This band lies above the RPE: rows count downwards, so below means larger row numbers."""
    row = np.arange(len(image))[:, None]
    return image[(row <= rpe - first) & (row >= rpe - last)].mean()


@mistake("brightness_below")
def rows_of_the_picture(image, rpe, first, last):
    """These are rows of the picture: count them from the RPE of each column."""
    return image[first : last + 1].mean()


@mistake("brightness_below")
def everything_below(image, rpe, first, last):
    """This has no end: stop `last` rows below the RPE."""
    return mean_of(collected(image, rpe, first, len(image)))


@mistake("brightness_below")
def from_the_line_on(image, rpe, first, last):
    """This begins at the RPE itself: begin `first` rows below it."""
    return mean_of(collected(image, rpe, 0, last))


@mistake("brightness_below")
def overflow(image, rpe, first, last):
    """A sum of uint8 values starts again at 0 after 255: add them up as `int` or `float`."""
    columns = collected(image, rpe, first, last)
    return sum(map(sum, columns)) % 256 / sum(map(len, columns))


@mistake("brightness_below")
def overflow_in_columns(image, rpe, first, last):
    """A sum of uint8 values starts again at 0 after 255: add them up as `int` or `float`."""
    columns = collected(image, rpe, first, last)
    return sum(sum(column) % 256 for column in columns) / sum(map(len, columns))


@mistake("brightness_below")
def median(image, rpe, first, last):
    """This is the median: take the mean."""
    return np.median([value for column in collected(image, rpe, first, last) for value in column])


@mistake("brightness_below")
def summed(image, rpe, first, last):
    """This is the sum: take the mean."""
    return sum(map(sum, collected(image, rpe, first, last)))


@mistake("brightness_below")
def others_are_zero(image, rpe, first, last):
    """The pixels outside of the band count as 0: divide by the number of pixels in the band."""
    return sum(map(sum, collected(image, rpe, first, last))) / image.size


@pytest.fixture
def scan(rng):
    """A scan of noise and a line through it."""
    image = rng.integers(0, 256, size=(30, 11)).astype(np.uint8)
    return image, rng.integers(8, 14, size=11)


def agrees(student, *given):
    """Compare with the reference."""
    assert_close(student, student.brightness_below(*given), expected(*given), because=TASK)


def test_kind(student, scan):
    """The result is one grey value; the scan stays as it was."""
    found = student.brightness_below(*scan, 2, 6)
    assert_number(student, found, low=0, high=255, because=TASK)
    assert_input_unchanged(student)


@pytest.mark.points(2)
def test_band(student, scan):
    """The mean over the band, which follows the line and includes both ends."""
    for first, last in ((1, 4), (3, 9), (0, 0)):
        agrees(student, *scan, first, last)


def test_lower_edge(student, scan):
    """Pixels below the picture are left out, not counted as black or as the last row."""
    image, rpe = scan
    agrees(student, image, rpe + np.arange(11), 2, 15)


def test_bright_image(student):
    """In a white picture the band is white, wherever it lies."""
    rpe = np.array([3, 9, 4, 8, 6])
    agrees(student, np.full((12, 5), 255, np.uint8), rpe, 1, 5)
