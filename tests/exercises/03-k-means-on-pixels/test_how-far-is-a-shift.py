"""Checks of the exercise how-far-is-a-shift."""

import numpy as np
import pytest

from octlessons.testing import (
    assert_array,
    assert_close,
    assert_input_unchanged,
    mistake,
    reference,
)

TASK = "Of each scan, the root of the summed squares; then the median over the scans, in floats."


def moved_down(images, shift):
    """All scans moved, as floats."""
    return np.array([[image[max(0, row - shift)] for row in range(len(image))] for image in images])


def norms(images, shifts, move=moved_down):
    """The distance of every scan to its moved self, one row for each shift."""
    scans = np.asarray(images, float)
    return (
        np.array([[np.sum((move(scans, s) - scans) ** 2, axis=(1, 2)) for s in shifts]])[0] ** 0.5
    )


@reference("shift_distances")
def expected(images, shifts):
    """The medians."""
    return np.median(norms(images, shifts), axis=1)


@mistake("shift_distances")
def wraps_around(images, shifts):
    """uint8 values wrap around below 0 (3 - 5 gives 254): make floats before you subtract."""
    difference = np.array([moved_down(images, s) - images for s in shifts]).astype(float)
    return np.median(np.sqrt((difference**2).sum(axis=(2, 3))), axis=1)


@mistake("shift_distances")
def squares_wrap_around(images, shifts):
    """The squares do not fit into uint8: make floats before you subtract and square."""
    squares = np.array([(moved_down(images, s) - images) ** 2 for s in shifts])
    return np.median(np.sqrt(squares.sum(axis=(2, 3), dtype=float)), axis=1)


@mistake("shift_distances")
def mean(images, shifts):
    """This is the mean: take the median over the scans, which one odd scan cannot move."""
    return norms(images, shifts).mean(axis=1)


@mistake("shift_distances")
def rolled(images, shifts):
    """What is pushed out at the bottom comes back at the top (`np.roll` does): repeat the first
    row."""
    return np.median(norms(images, shifts, lambda x, s: np.roll(x, s, axis=1)), axis=1)


@mistake("shift_distances")
def upwards(images, shifts):
    """The scans were moved up: rows count downwards, so what was in row r comes to row r +
    shift.
    """

    def up(scans, shift):
        return scans[:, np.minimum(np.arange(scans.shape[1]) + shift, scans.shape[1] - 1)]

    return np.median(norms(images, shifts, up), axis=1)


@mistake("shift_distances")
def sideways(images, shifts):
    """The scans were moved sideways: the rows are the second axis of the stack of images."""

    def across(scans, shift):
        return scans[:, :, np.maximum(np.arange(scans.shape[2]) - shift, 0)]

    return np.median(norms(images, shifts, across), axis=1)


@mistake("shift_distances")
def black_on_top(images, shifts):
    """The rows that become free are black: repeat the old first row there."""

    def black(scans, shift):
        moved = moved_down(scans, shift)
        moved[:, :shift] = 0
        return moved

    return np.median(norms(images, shifts, black), axis=1)


@mistake("shift_distances")
def top_left_as_it_was(images, shifts):
    """The rows that become free do not count, or keep what was there: they repeat the old first
    row."""

    def kept(scans, shift):
        moved = moved_down(scans, shift)
        moved[:, :shift] = scans[:, :shift]
        return moved

    return np.median(norms(images, shifts, kept), axis=1)


@mistake("shift_distances")
def squared(images, shifts):
    """These are squared distances: take the root."""
    return np.median(norms(images, shifts) ** 2, axis=1)


@mistake("shift_distances")
def per_pixel(images, shifts):
    """The squares are averaged: a Euclidean distance is the root of their *sum*."""
    return expected(images, shifts) / np.sqrt(images[0].size)


@mistake("shift_distances")
def absolute(images, shifts):
    """These are sums of absolute differences: the Euclidean distance squares them."""
    scans = images.astype(float)
    found = [np.abs(moved_down(scans, s) - scans).sum(axis=(1, 2)) for s in shifts]
    return np.median(found, axis=1)


@mistake("shift_distances")
def all_in_one(images, shifts):
    """This is one distance for all scans together: one of each scan, then the median."""
    return np.sqrt((norms(images, shifts) ** 2).sum(axis=1))


@mistake("shift_distances")
def of_the_medians(images, shifts):
    """The median is over pixels: sum over the pixels of each scan, the median is over scans."""
    scans = images.astype(float)
    return np.array([np.median(np.abs(moved_down(scans, s) - scans)) for s in shifts])


@mistake("shift_distances")
def in_order(images, shifts):
    """The distances are in another order: one for each shift, in the order of `shifts`."""
    return expected(images, sorted(shifts))


@mistake("shift_distances")
def zero_is_one(images, shifts):
    """A shift of 0 must give 0: what do your slices give there?"""
    return expected(images, [max(1, s) for s in shifts])


@pytest.fixture
def images(rng):
    """Seven small scans of noise with a bright band, one of them with a much brighter one."""
    noise = rng.integers(0, 60, size=(7, 12, 9))
    noise[:, 5:8] += rng.integers(60, 120, size=(7, 1, 1))
    noise[3, 5:8] += 75
    return noise.astype(np.uint8)


def agrees(student, images, shifts):
    """Compare with the reference."""
    found = student.shift_distances(images, shifts)
    assert_close(student, found, expected(images, shifts), because=TASK)


def test_kind(student, images):
    """One distance, not negative, for every shift; the images stay as they were."""
    found = student.shift_distances(images, [0, 2, 5])
    assert_array(student, found, shape=(3,), low=0, because=TASK)
    assert_input_unchanged(student)


def test_no_shift(student, images):
    """A scan that was not moved is at distance 0."""
    agrees(student, images, [0])


@pytest.mark.points(2)
def test_distances(student, images):
    """The median of the Euclidean distances, for several shifts in any order."""
    agrees(student, images, [7, 1, 3, 11])


def test_top_and_bottom(student):
    """The first row is repeated at the top, and nothing comes round from the bottom."""
    agrees(student, np.array([[[10], [0], [0], [40]]], dtype=np.uint8), [1])
    agrees(student, np.array([[[10], [90], [0], [0], [40]]], dtype=np.uint8), [2])


def test_median(student):
    """The middle scan counts, not the mean."""
    images = np.zeros((3, 4, 1), np.uint8)
    images[:, 2:] = np.array([3, 5, 250])[:, None, None]
    agrees(student, images, [1])
