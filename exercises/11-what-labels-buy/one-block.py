# One block
# Chapter 11 · 10 minutes · 5 points
# Write your code where it says TODO, then run:  octlessons check one-block
# Stuck?  octlessons hint one-block   A wrong number?  octlessons check one-block --show
"""Compute one block of a small network.

Convolve the image with the kernel without padding (the kernel is not turned round), set what is
negative to 0 (ReLU), and keep the largest value of every 2 × 2 places (max-pooling). Where height
or width of the convolved image are odd, its last row or column takes no part.
"""

import numpy as np


def one_block(image, kernel):
    """Return what is left after convolution, ReLU and max-pooling.

    Parameters
    ----------
    image : ndarray of float, shape (h, w)
    kernel : ndarray of float, shape (a, b)
        At least one row and one column smaller than the image.

    Returns
    -------
    ndarray of float, shape ((h - a + 1) // 2, (w - b + 1) // 2)

    Examples
    --------
    >>> image = np.arange(16.0).reshape(4, 4)
    >>> one_block(image, np.array([[-1.0, 1.0]])).tolist()
    [[1.0], [1.0]]
    """
    # TODO: windows and their sums, ReLU, even sides, the largest of each square
    raise NotImplementedError("`one_block` is still to be written.")
