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
    # solution: count the four kinds of pairs
    pairs = np.triu_indices(len(a), k=1)
    in_a = (a[:, None] == a[None])[pairs]
    in_b = (b[:, None] == b[None])[pairs]
    both, first, second = in_a & in_b, in_a & ~in_b, ~in_a & in_b
    neither = len(in_a) - both.sum() - first.sum() - second.sum()
    return int(both.sum()), int(first.sum()), int(second.sum()), int(neither)
    # end of solution


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
    # solution: the formula
    both, first, second, neither = pair_counts(a, b)
    below = (both + first) * (first + neither) + (both + second) * (second + neither)
    return 2 * (both * neither - first * second) / below
    # end of solution
