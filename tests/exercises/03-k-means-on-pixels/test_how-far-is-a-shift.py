"""Checks of the exercise how-far-is-a-shift."""

import numpy as np
import pytest

from octlessons.testing import assert_array, assert_close, assert_input_unchanged


@pytest.fixture
def images(rng):
    """Seven small scans of noise with a bright band."""
    noise = rng.integers(0, 60, size=(7, 12, 9))
    noise[:, 5:8] += rng.integers(60, 180, size=(7, 1, 1))
    return noise.astype(np.uint8)


def one_by_one(images, shift):
    """The distance of every scan to its shifted self, row by row."""
    distances = []
    for image in images.astype(int):
        moved = [image[max(0, row - shift)] for row in range(len(image))]
        distances.append(
            sum(((a - b) ** 2).sum() for a, b in zip(moved, image, strict=True)) ** 0.5
        )
    return distances


def test_kind(student, images):
    """One distance, not negative, for every shift; the images stay as they were."""
    assert_array(student, student.shift_distances(images, [0, 2, 5]), shape=(3,), low=0)
    assert_input_unchanged(student)


def test_no_shift(student, images):
    """A scan that was not moved is at distance 0."""
    found = student.shift_distances(images, [0])
    assert_close(student, found, np.zeros(1), because="What do your slices give for a shift of 0?")


@pytest.mark.points(2)
def test_distances(student, images):
    """The median of the Euclidean distances, for several shifts in any order."""
    shifts = [7, 1, 3, 11]
    assert_close(
        student,
        student.shift_distances(images, shifts),
        np.array([np.median(one_by_one(images, shift)) for shift in shifts]),
        because="uint8 values wrap around below 0: make floats first. Then the root of the summed "
        "squares of each scan, and the median over scans.",
    )


def test_top_and_bottom(student):
    """The first row is repeated at the top, and nothing comes round from the bottom."""
    image = np.array([[[10], [0], [0], [40]]], dtype=np.uint8)
    assert_close(
        student,
        student.shift_distances(image, [1]),
        np.array([np.sqrt(10**2 + 40**2)]),
        because="`np.roll` brings the lost rows back at the top; repeat the first row instead.",
    )


def test_median(student):
    """The middle scan counts, not the mean."""
    images = np.zeros((3, 4, 1), np.uint8)
    images[:, 2:] = np.array([3, 5, 250])[:, None, None]
    assert_close(
        student,
        student.shift_distances(images, [1]),
        np.array([5.0]),
        because="The median over the scans, which one odd scan cannot move.",
    )
