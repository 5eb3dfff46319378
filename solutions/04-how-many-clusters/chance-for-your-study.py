"""Find the chance level of matched accuracy for a study of your own.

Matched accuracy gives every cluster the class that suits it best, each class once. Random piles
reach more than one in k that way. Draw `n_draws` random clusterings (every scan gets a random one
of the k numbers), and return the mean of their matched accuracies and the value that only 5 % of
them exceed.
"""

import numpy as np
from scipy.optimize import linear_sum_assignment


def matched_share(labels, clusters, k):
    """Return the largest share of scans that a matching of clusters to classes gets right.

    Parameters
    ----------
    labels, clusters : ndarray of int, shape (n,)
        Class and cluster of each scan, from 0 to k - 1.
    k : int

    Returns
    -------
    float

    Examples
    --------
    >>> matched_share(np.array([0, 0, 1, 1]), np.array([1, 1, 0, 1]), 2)
    0.75
    """
    table = np.zeros((k, k), int)
    np.add.at(table, (clusters, labels), 1)
    rows, columns = linear_sum_assignment(-table)
    return float(table[rows, columns].sum() / len(labels))


def chance_level(labels, k, n_draws, seed):
    """Return what random piles reach.

    Parameters
    ----------
    labels : ndarray of int, shape (n,)
        Class of each scan, from 0 to k - 1. Classes may have different sizes.
    k : int
        Number of classes, and of clusters. Each scan gets any of the k with the same chance.
    n_draws : int
        Number of random clusterings.
    seed : int

    Returns
    -------
    tuple of float
        Mean matched accuracy, and its 95th percentile.

    Examples
    --------
    >>> mean, high = chance_level(np.repeat(np.arange(4), 15), 4, n_draws=200, seed=0)
    >>> bool(0.3 < mean < high < 0.5)
    True
    """
    # solution: what do random piles reach?
    rng = np.random.default_rng(seed)
    values = [matched_share(labels, rng.integers(k, size=len(labels)), k) for _ in range(n_draws)]
    return np.mean(values), np.percentile(values, 95)
    # end of solution
