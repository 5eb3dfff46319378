# Two views
# Chapter 10 · 9 minutes · 6 points
# Write your code where it says TODO, then run:  octlessons check two-views
# Stuck?  octlessons hint two-views   A wrong number?  octlessons check two-views --show
"""Make two views of one scan.

Each view is mirrored left to right with probability one half, and its grey values are multiplied
by a factor between 0.7 and 1.3, rounded, and cut at 255. The two draw independently; the same
seed gives the same two views.
"""

import numpy as np


def two_views(image, seed):
    """Return two altered copies of a scan.

    Parameters
    ----------
    image : ndarray of uint8, shape (h, w)
    seed : int

    Returns
    -------
    tuple of two ndarray of uint8, shape (h, w)

    Examples
    --------
    >>> first, second = two_views(np.full((2, 3), 100, dtype=np.uint8), seed=0)
    >>> first.shape, bool(70 <= first.min() <= first.max() <= 130)
    ((2, 3), True)
    """
    # TODO: for each copy toss a coin, draw a factor, multiply as floats, round, cut
    raise NotImplementedError("`two_views` is still to be written.")
