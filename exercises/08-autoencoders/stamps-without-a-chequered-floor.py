# Stamps without a chequered floor
# Chapter 8 · 8 minutes · 5 points
# Write your code where it says TODO, then run:  octlessons check stamps-without-a-chequered-floor
# Stuck?  octlessons hint stamps-without-a-chequered-floor   A wrong number?  octlessons check stamps-without-a-chequered-floor --show
"""Measure how uneven a transposed convolution stamps an even code.

Stamp a code of `n` ones with a kernel: the kernel is added to the result at place 0, again at place
`stride`, at 2 · `stride`, and so on, n times. Leave out `len(kernel)` numbers at each end of the
result, and return the largest minus the smallest of what remains.
"""

import numpy as np


def unevenness(kernel, stride, n):
    """Return by how much stamping an even code is uneven.

    Parameters
    ----------
    kernel : ndarray of float, shape (a,)
    stride : int
    n : int
        Number of stamps, enough that something remains.

    Returns
    -------
    float
        0 or more.

    Examples
    --------
    >>> unevenness(np.array([1.0, 1.0, 1.0]), stride=2, n=20)
    1.0
    """
    # TODO: an empty result of the right length, the stamps, the middle, its range
    raise NotImplementedError("`unevenness` is still to be written.")
