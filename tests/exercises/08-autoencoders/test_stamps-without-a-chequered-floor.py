"""Checks of the exercise stamps-without-a-chequered-floor."""

import numpy as np
import pytest

from octlessons.testing import assert_close, assert_input_unchanged, assert_number


def stamped(kernel, stride, n):
    """The range, from the convolution of a code with holes."""
    code = np.zeros((n - 1) * stride + 1)
    code[::stride] = 1
    middle = np.convolve(code, kernel)[len(kernel) : -len(kernel)]
    return float(np.ptp(middle))


def test_kind(student):
    """The result is one number, not negative; the kernel stays as it was."""
    assert_number(student, student.unevenness(np.array([1.0, 2, 3]), 2, 20), low=0)
    assert_input_unchanged(student)


def test_known(student):
    """Kernels of three and four ones, and 1, 2, 1, with stride 2."""
    for kernel, expected in (([1, 1, 1], 1), ([1, 1, 1, 1], 0), ([1, 2, 1], 0)):
        assert_close(
            student,
            student.unevenness(np.array(kernel, float), 2, 20),
            float(expected),
            because="Where stamps overlap they add up; the ends, where few overlap, do not count.",
        )


@pytest.mark.points(2)
def test_any(student, rng):
    """Kernels of any length that are not whole numbers, with strides 1 to 4."""
    for length in (2, 3, 5, 6):
        for stride in (1, 2, 4):
            kernel = rng.uniform(0.1, 2, size=length)
            assert_close(
                student,
                student.unevenness(kernel, stride, 15),
                stamped(kernel, stride, 15),
                because="Weights are not whole numbers, and the stamps stand `stride` apart.",
            )


def test_holes(student):
    """A stride longer than the kernel leaves holes of 0."""
    because = "Between stamps that do not touch, the result is 0."
    assert_close(student, student.unevenness(np.array([2.0]), 3, 9), 2.0, because=because)
