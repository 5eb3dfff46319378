"""Checks of the exercise stamps-without-a-chequered-floor."""

import numpy as np
import pytest

from octlessons.testing import (
    assert_close,
    assert_input_unchanged,
    assert_number,
    mistake,
    reference,
)

TASK = "Stamps `stride` apart, added up; both ends cut off; largest minus smallest of the rest."


def stamped(kernel, stride, n):
    """What the stamps give, from the convolution of a code with holes."""
    code = np.zeros((n - 1) * stride + 1)
    code[::stride] = 1
    return np.convolve(code, kernel)


def middle(kernel, stride, n):
    """The same without its ends."""
    return stamped(kernel, stride, n)[len(kernel) : -len(kernel)]


@reference("unevenness")
def expected(kernel, stride, n):
    """The range of the middle."""
    return float(np.ptp(middle(kernel, stride, n)))


@mistake("unevenness")
def overwritten(kernel, stride, n):
    """Later stamps replace earlier ones: where stamps overlap they add up."""
    result = np.zeros((n - 1) * stride + len(kernel))
    for i in range(n):
        result[i * stride : i * stride + len(kernel)] = kernel
    return float(np.ptp(result[len(kernel) : -len(kernel)]))


@mistake("unevenness")
def whole_numbers(kernel, stride, n):
    """The weights became whole numbers: make the empty result with floats (`np.zeros(...)`
    without `int`).
    """
    return expected(kernel.astype(int), stride, n)


@mistake("unevenness")
def refuses_floats(kernel, stride, n):
    """The empty result holds whole numbers and cannot take the weights: make it with floats."""
    result = np.zeros((n - 1) * stride + len(kernel), int)
    result[: len(kernel)] += kernel
    return expected(kernel, stride, n)


@mistake("unevenness")
def with_the_ends(kernel, stride, n):
    """The ends count here, where few stamps overlap: leave out `len(kernel)` numbers at each."""
    return float(np.ptp(stamped(kernel, stride, n)))


@mistake("unevenness")
def largest(kernel, stride, n):
    """This is the largest number: subtract the smallest."""
    return float(middle(kernel, stride, n).max())


@mistake("unevenness")
def spread(kernel, stride, n):
    """This is the standard deviation: take the largest minus the smallest."""
    return float(middle(kernel, stride, n).std())


@mistake("unevenness")
def touching(kernel, stride, n):
    """The stamps stand side by side: they stand `stride` apart, and may overlap."""
    return expected(kernel, len(kernel), n)


@mistake("unevenness")
def one_apart(kernel, stride, n):
    """The stamps stand one place apart: stamp number i begins at place i * `stride`."""
    return expected(kernel, 1, n)


def agrees(student, kernel, stride, n):
    """Compare with the reference."""
    kernel = np.array(kernel, float)
    found = student.unevenness(kernel, stride, n)
    assert_close(student, found, expected(kernel, stride, n), because=TASK)


def test_kind(student):
    """The result is one number, not negative; the kernel stays as it was."""
    assert_number(student, student.unevenness(np.array([1.0, 2, 3]), 2, 20), low=0)
    assert_input_unchanged(student)


@pytest.mark.points(2)
def test_any(student, rng):
    """Kernels of any length that are not whole numbers, with strides 1 to 4."""
    for length in (2, 3, 5, 6):
        for stride in (1, 2, 4):
            agrees(student, rng.uniform(0.1, 2, size=length), stride, 15)


def test_known(student):
    """Kernels of three and four ones, and 1, 2, 1, with stride 2."""
    for kernel in ([1, 1, 1], [1, 1, 1, 1], [1, 2, 1]):
        agrees(student, kernel, 2, 20)


def test_holes(student):
    """A stride longer than the kernel leaves holes of 0."""
    agrees(student, [2.0], 3, 9)
