"""Checks of the exercise one-block."""

import numpy as np
import pytest
from scipy.signal import correlate2d
from skimage.measure import block_reduce

from octlessons.testing import assert_array, assert_close, assert_input_unchanged


def other_way(image, kernel):
    """The same with other libraries."""
    answer = correlate2d(image, kernel, "valid").clip(0)
    even = answer[: len(answer) // 2 * 2, : answer.shape[1] // 2 * 2]
    return block_reduce(even, (2, 2), np.max)


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
        image, kernel = rng.normal(size=shape), rng.normal(size=size)
        assert_close(
            student,
            student.one_block(image, kernel),
            other_way(image, kernel),
            because="The kernel lies on the image as it is; no padding; the largest of each 2 × 2.",
        )


def test_relu(student):
    """Where the kernel sees the opposite, the answer is 0."""
    image = np.array([[3.0, 2, 1], [3, 2, 1]])
    found = student.one_block(image, np.array([[-1.0, 1]]))
    assert_close(student, found, np.zeros((1, 1)), because="ReLU makes negative answers 0.")


def test_odd_sides(student):
    """A last row or column without a partner takes no part."""
    image = np.zeros((5, 5))
    image[4, :] = image[:, 4] = 9
    because = "Cut the convolved image to even sides before pooling."
    assert_close(
        student, student.one_block(image, np.ones((1, 1))), np.zeros((2, 2)), because=because
    )
