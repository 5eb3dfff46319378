"""Checks of the exercise what-is-the-error-spent-on."""

import numpy as np
import pytest

from octlessons.testing import assert_close, assert_input_unchanged, assert_number


@pytest.fixture
def pair(rng):
    """Images and rebuilt ones that differ in shape and in grain."""
    images = rng.uniform(size=(3, 10, 12))
    shape = np.sin(np.arange(12) / 3) * np.arange(1, 4)[:, None, None]
    return images, images + 0.2 * shape + 0.2 * rng.normal(size=images.shape)


def windows(images, rebuilt, size):
    """The share, by cutting out every window."""
    half, smooth = size // 2, []
    difference = rebuilt - images
    wide = np.pad(difference, ((0, 0), (half, half), (half, half)), mode="symmetric")
    for y in range(difference.shape[1]):
        for x in range(difference.shape[2]):
            smooth.append(wide[:, y : y + size, x : x + size].mean(axis=(1, 2)))
    return 1 - np.mean(np.square(smooth)) / np.mean(difference**2)


def test_kind(student, pair):
    """The result is one number, at most 1; the images stay as they were."""
    assert_number(student, student.grain_share(*pair, 3), high=1)
    assert_input_unchanged(student)


def test_even_difference(student, pair):
    """A difference that is the same everywhere is no grain."""
    images = pair[0]
    because = "The share that smoothing *removes*: 0 if nothing is lost. Are edges mirrored?"
    assert_close(student, student.grain_share(images, images - 0.3, 5), 0.0, because=because)


@pytest.mark.points(2)
def test_mixed(student, pair):
    """Shape and grain together, with windows of 3 and 5."""
    for size in (3, 5):
        assert_close(
            student,
            student.grain_share(*pair, size),
            windows(*pair, size),
            because="Smooth the *differences*, within each image and not between them; squares, "
            "then the mean of all.",
        )


def test_whole_numbers(student, rng):
    """Grey values of type uint8 do not wrap around."""
    images = rng.integers(0, 256, size=(2, 9, 9)).astype(np.uint8)
    rebuilt = rng.integers(0, 256, size=(2, 9, 9)).astype(np.uint8)
    assert_close(
        student,
        student.grain_share(images, rebuilt, 3),
        windows(images.astype(float), rebuilt.astype(float), 3),
        because="Turn uint8 into floats before you subtract: below 0 it begins again at 255.",
    )
