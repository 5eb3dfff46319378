# Count the pairs
# Chapter 4 · 15 minutes · 6 points · further
# Write your code where it says TODO, then run:  octlessons check count-the-pairs
# Stuck?  octlessons hint count-the-pairs   A wrong number?  octlessons check count-the-pairs --show
"""Compute the adjusted Rand index from pairs of images.

Two clusterings are compared pair by pair: a pair is together in both, only in the first, only in
the second, or in neither. From the four counts comes the adjusted Rand index,

    2 (both · neither - first · second) / ((both + first) (first + neither) + (both + second)
    (second + neither)),

which is 1 for equal partitions and about 0 for unrelated ones.
"""

import numpy as np


def pair_counts(a, b):
    """Count the pairs of images by whether they are together in two clusterings.

    Parameters
    ----------
    a, b : ndarray of int, shape (n,)
        Cluster numbers of the same n images.

    Returns
    -------
    tuple of int
        Pairs together in both, only in `a`, only in `b`, in neither. Each pair counts once.

    Examples
    --------
    >>> pair_counts(np.array([0, 0, 1, 1]), np.array([5, 5, 5, 6]))
    (1, 1, 2, 2)
    """
    # TODO: count the four kinds of pairs
    raise NotImplementedError("`pair_counts` is still to be written.")


def ari(a, b):
    """Return the adjusted Rand index of two clusterings.

    Parameters
    ----------
    a, b : ndarray of int, shape (n,)
        Not both in one single cluster, and not both in n clusters.

    Returns
    -------
    float

    Examples
    --------
    >>> round(ari(np.array([0, 0, 1, 1, 1]), np.array([1, 1, 0, 0, 0])), 4)
    1.0
    """
    # TODO: the formula
    raise NotImplementedError("`ari` is still to be written.")
