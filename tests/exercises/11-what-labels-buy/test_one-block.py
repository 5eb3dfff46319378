"""Checks of the exercise one-block."""

import numpy as np
import pytest
from scipy.signal import convolve2d, correlate2d

from octlessons.testing import (
    assert_array,
    assert_close,
    assert_input_unchanged,
    mistake,
    reference,
)

TASK = "The kernel as it lies, where it fits; negative ones to 0; the largest of each 2 × 2."


def even(answer):
    """Without a last row or column that has no partner."""
    return answer[: len(answer) // 2 * 2, : answer.shape[1] // 2 * 2]


def block(image, kernel, slide=correlate2d, mode="valid", relu=True, pool=np.max, cut=even):
    """The block with other libraries."""
    answer = slide(image, kernel, mode)
    kept = cut(answer.clip(0) if relu else answer)
    high, wide = (-(-n // 2) for n in kept.shape)
    whole = np.pad(kept, [(0, 2 * high - kept.shape[0]), (0, 2 * wide - kept.shape[1])])
    return pool(whole.reshape(high, 2, wide, 2), axis=(1, 3))


@reference("one_block")
def expected(image, kernel):
    """Convolution, ReLU, pooling."""
    return block(image, kernel)


@mistake("one_block")
def turned_round(image, kernel):
    """The kernel is turned round (`convolve` does that): it lies on the image as it is."""
    return block(image, kernel, convolve2d)


@mistake("one_block")
def no_relu(image, kernel):
    """Negative answers are left: ReLU makes them 0."""
    return block(image, kernel, relu=False)


@mistake("one_block")
def absolute(image, kernel):
    """Negative answers became positive: ReLU makes them 0."""
    return block(np.asarray(image), kernel, lambda *a: np.abs(correlate2d(*a)))


@mistake("one_block")
def mean_pooling(image, kernel):
    """The mean of each square was taken: keep the largest of each 2 × 2."""
    return block(image, kernel, pool=np.mean)


@mistake("one_block")
def no_pooling(image, kernel):
    """The answer is not pooled: keep the largest of each 2 × 2."""
    return correlate2d(image, kernel, "valid").clip(0)


@mistake("one_block")
def every_second(image, kernel):
    """Every second row and column is kept: keep the *largest* of each 2 × 2."""
    return even(correlate2d(image, kernel, "valid").clip(0))[::2, ::2]


@mistake("one_block")
def overlapping(image, kernel):
    """The squares overlap: they stand side by side, each place in one of them."""
    answer = correlate2d(image, kernel, "valid").clip(0)
    return np.maximum.reduce([answer[:-1, :-1], answer[1:, :-1], answer[:-1, 1:], answer[1:, 1:]])


@mistake("one_block")
def padded(image, kernel):
    """The kernel was laid beyond the edge, too: no padding, only places where it fits."""
    return block(image, kernel, mode="same")


@mistake("one_block")
def rest_pooled(image, kernel):
    """A last row or column without a partner takes part here: cut the convolved image to even
    sides before pooling.
    """
    return block(image, kernel, cut=lambda answer: answer)


@mistake("one_block")
def image_cut(image, kernel):
    """The image was cut to even sides: cut the *convolved* one."""
    return block(even(image), kernel)


def agrees(student, image, kernel):
    """Compare with the reference."""
    found = student.one_block(image, kernel)
    assert_close(student, found, expected(image, kernel), because=TASK)


def test_shape(student, rng):
    """Half as high and wide as the convolved image; the image stays as it was."""
    found = student.one_block(rng.normal(size=(9, 12)), rng.normal(size=(3, 2)))
    because = "7 × 11 places where the kernel fits, and half of that, rounded down."
    assert_array(student, found, shape=(3, 5), low=0, because=because)
    assert_input_unchanged(student)


@pytest.mark.points(2)
def test_any(student, rng):
    """Any image, any kernel."""
    for shape, size in (((8, 8), (3, 3)), ((7, 10), (2, 3)), ((12, 6), (1, 1))):
        agrees(student, rng.normal(size=shape), rng.normal(size=size))


def test_relu(student):
    """Where the kernel sees the opposite, the answer is 0."""
    agrees(student, np.array([[3.0, 2, 1], [3, 2, 1]]), np.array([[-1.0, 1]]))


def test_odd_sides(student):
    """A last row or column without a partner takes no part."""
    image = np.zeros((5, 5))
    image[4, :] = image[:, 4] = 9
    agrees(student, image, np.ones((1, 1)))
