"""Checks of the exercise what-is-the-error-spent-on."""

import numpy as np
import pytest

from octlessons.testing import (
    assert_close,
    assert_input_unchanged,
    assert_number,
    mistake,
    reference,
)

TASK = "Differences in floats, smoothed within each image; 1 minus mean square after by before."


def smoothed(difference, size, mode="symmetric"):
    """A moving mean within each image, by cutting out every window."""
    half = size // 2
    wide = np.pad(difference, ((0, 0), (half, half), (half, half)), mode=mode)
    rows, columns = difference.shape[1:]
    return np.array(
        [
            [wide[:, y : y + size, x : x + size].mean(axis=(1, 2)) for x in range(columns)]
            for y in range(rows)
        ]
    ).transpose(2, 0, 1)


def gone(difference, smooth, axis=None):
    """The share that is gone."""
    return 1 - np.mean(smooth**2, axis=axis) / np.mean(difference**2, axis=axis)


def differences(images, rebuilt):
    """In floats."""
    return np.asarray(rebuilt, float) - np.asarray(images, float)


@reference("grain_share")
def expected(images, rebuilt, size):
    """Mirrored edges, the edge pixel repeated."""
    difference = differences(images, rebuilt)
    return float(gone(difference, smoothed(difference, size)))


@mistake("grain_share")
def wraps_around(images, rebuilt, size):
    """uint8 values wrap around, below 0 it begins again at 255: make floats before you
    subtract.
    """
    if images.dtype != np.uint8:
        return expected(images, rebuilt, size)
    difference = (rebuilt - images).astype(float)
    return gone(difference, smoothed(difference, size))


@mistake("grain_share")
def wraps_around_the_other_way(images, rebuilt, size):
    """uint8 values wrap around (3 - 5 gives 254): make floats before you subtract."""
    if images.dtype != np.uint8:
        return expected(images, rebuilt, size)
    difference = (images - rebuilt).astype(float)
    return gone(difference, smoothed(difference, size))


@mistake("grain_share")
def edge_pixel_once(images, rebuilt, size):
    """The edges are mirrored without repeating the edge pixel (scipy calls that `mirror`):
    `mode="reflect"` of scipy is the one wanted.
    """
    difference = differences(images, rebuilt)
    return gone(difference, smoothed(difference, size, "reflect"))


@mistake("grain_share")
def edge_pixel_for_ever(images, rebuilt, size):
    """Beyond the edges the last pixel goes on (`nearest`): mirror there, with `mode="reflect"`
    of scipy.
    """
    difference = differences(images, rebuilt)
    return gone(difference, smoothed(difference, size, "edge"))


@mistake("grain_share")
def black_edges(images, rebuilt, size):
    """What lies beyond the edges is taken as black (0): mirror there, with `mode="reflect"`."""
    difference = differences(images, rebuilt)
    return gone(difference, smoothed(difference, size, "constant"))


@mistake("grain_share")
def between_images(images, rebuilt, size):
    """Neighbouring images are mixed: smooth within each image, with `size=(1, size, size)`."""
    difference = differences(images, rebuilt)
    smooth = smoothed(difference, size)
    half = size // 2
    wide = np.pad(smooth, ((half, half), (0, 0), (0, 0)), mode="symmetric")
    return gone(difference, np.array([wide[i : i + size].mean(axis=0) for i in range(len(smooth))]))


@mistake("grain_share")
def what_stays(images, rebuilt, size):
    """This is the share that stays: take 1 minus it, what smoothing removes."""
    return 1 - expected(images, rebuilt, size)


@mistake("grain_share")
def images_alike(images, rebuilt, size):
    """This is the mean of the images' shares: mean squares over all images first, one share."""
    difference = differences(images, rebuilt)
    return gone(difference, smoothed(difference, size), (1, 2)).mean()


@mistake("grain_share")
def absolute(images, rebuilt, size):
    """These are absolute differences: take their squares."""
    difference = differences(images, rebuilt)
    return 1 - np.abs(smoothed(difference, size)).mean() / np.abs(difference).mean()


@mistake("grain_share")
def roots(images, rebuilt, size):
    """These are roots of mean squares: compare the mean squares themselves."""
    return 1 - np.sqrt(1 - expected(images, rebuilt, size))


@mistake("grain_share")
def grain_squared(images, rebuilt, size):
    """This is the mean square of what smoothing takes away: compare the mean squares before and
    after.
    """
    difference = differences(images, rebuilt)
    return np.mean((difference - smoothed(difference, size)) ** 2) / np.mean(difference**2)


@mistake("grain_share")
def squares_smoothed(images, rebuilt, size):
    """The squared differences were smoothed: smooth the differences, then square."""
    squares = differences(images, rebuilt) ** 2
    return 1 - smoothed(squares, size).mean() / squares.mean()


@mistake("grain_share")
def only_rebuilt(images, rebuilt, size):
    """Only the rebuilt images were smoothed: smooth the differences."""
    rebuilt, images = np.asarray(rebuilt, float), np.asarray(images, float)
    return gone(rebuilt - images, smoothed(rebuilt, size) - images)


@pytest.fixture
def pair(rng):
    """Images and rebuilt ones that differ in shape and in grain, not all alike."""
    images = rng.uniform(size=(3, 10, 12))
    shape = np.sin(np.arange(12) / 3) * np.arange(1, 4)[:, None, None]
    return images, images + 0.2 * shape + 0.2 * rng.normal(size=images.shape)


def agrees(student, images, rebuilt, size):
    """Compare with the reference."""
    found = student.grain_share(images, rebuilt, size)
    assert_close(student, found, expected(images, rebuilt, size), because=TASK)


def test_kind(student, pair):
    """The result is one number, at most 1; the images stay as they were."""
    assert_number(student, student.grain_share(*pair, 3), high=1, because=TASK)
    assert_input_unchanged(student)


def test_even_difference(student, pair):
    """A difference that is the same everywhere is no grain."""
    agrees(student, pair[0], pair[0] - 0.3, 5)


@pytest.mark.points(2)
def test_mixed(student, pair):
    """Shape and grain together, with windows of 3 and 5."""
    for size in (3, 5):
        agrees(student, *pair, size)


def test_grey_values(student, rng):
    """Grey values of type uint8."""
    images = rng.integers(0, 256, size=(2, 2, 9, 9)).astype(np.uint8)
    agrees(student, images[0], images[1], 3)
