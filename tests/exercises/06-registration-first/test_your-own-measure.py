"""Checks of the exercise your-own-measure."""

import numpy as np
import pytest

from octlessons.testing import assert_close, assert_input_unchanged, assert_number


@pytest.fixture
def scan(rng):
    """A scan of noise and a line through it."""
    image = rng.integers(0, 256, size=(30, 11)).astype(np.uint8)
    return image, rng.integers(8, 14, size=11)


def collected(image, rpe, first, last):
    """The mean, pixel by pixel."""
    values = [
        int(image[row, column])
        for column in range(image.shape[1])
        for row in range(rpe[column] + first, rpe[column] + last + 1)
        if row < image.shape[0]
    ]
    return sum(values) / len(values)


def test_kind(student, scan):
    """The result is one grey value; the scan stays as it was."""
    assert_number(student, student.brightness_below(*scan, 2, 6), low=0, high=255)
    assert_input_unchanged(student)


@pytest.mark.points(2)
def test_band(student, scan):
    """The mean over the band, which follows the line and includes both ends."""
    for first, last in ((1, 4), (0, 0), (3, 9)):
        assert_close(
            student,
            student.brightness_below(*scan, first, last),
            collected(*scan, first, last),
            because="The band begins `first` rows below the RPE of its own column, and `last` "
            "belongs to it: a slice would leave it out.",
        )


def test_lower_edge(student, scan):
    """Pixels below the picture are left out, not counted as black or as the last row."""
    image, rpe = scan
    rpe = rpe + np.arange(11)
    assert_close(
        student,
        student.brightness_below(image, rpe, 2, 15),
        collected(image, rpe, 2, 15),
        because="Every pixel that exists counts once: not the mean of the columns' means.",
    )


def test_bright_image(student):
    """In a white picture the band is white, wherever it lies."""
    image = np.full((12, 5), 255, np.uint8)
    rpe = np.array([3, 9, 4, 8, 6])
    because = "Pixels outside of the picture count as black here. uint8 sums overflow at 256."
    assert_close(student, student.brightness_below(image, rpe, 1, 5), 255.0, because=because)
