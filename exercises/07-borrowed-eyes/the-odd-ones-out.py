# The odd ones out
# Chapter 7 · 12 minutes · 6 points
# Write your code where it says TODO, then run:  octlessons check the-odd-ones-out
# Stuck?  octlessons hint the-odd-ones-out   A wrong number?  octlessons check the-odd-ones-out --show
"""Find the scans that are unlike all others.

A torn, black or mislabelled scan lies far from every other scan. For each scan take the mean
Euclidean distance to its `k` nearest scans of *other* patients: how strange it is. Odd are the
scans that are stranger than `factor` times the median strangeness.
"""

import numpy as np


def strangeness(features, patients, k):
    """Return how far the nearest scans of other patients are.

    Parameters
    ----------
    features : ndarray of float, shape (n, d)
    patients : ndarray of str, shape (n,)
        Every scan has at least `k` scans of other patients.
    k : int

    Returns
    -------
    ndarray of float, shape (n,)
        Mean distance to the `k` nearest scans of other patients.

    Examples
    --------
    >>> features = np.array([[0.0], [1.0], [3.0], [50.0]])
    >>> strangeness(features, np.array(["a", "a", "b", "c"]), k=1).tolist()
    [3.0, 2.0, 2.0, 47.0]
    """
    # TODO: the k nearest scans of other patients, and how far they are
    raise NotImplementedError("`strangeness` is still to be written.")


def odd_ones(features, patients, k, factor):
    """Return the numbers of the odd scans, the strangest first.

    Parameters
    ----------
    features : ndarray of float, shape (n, d)
    patients : ndarray of str, shape (n,)
    k : int
    factor : float
        Above 1. Odd is what is stranger than `factor` times the median.

    Returns
    -------
    ndarray of int, shape (m,)
        Empty if no scan is odd.

    Examples
    --------
    >>> features = np.array([[0.0], [1.0], [3.0], [50.0]])
    >>> odd_ones(features, np.array(["a", "a", "b", "c"]), k=1, factor=3).tolist()
    [3]
    """
    # TODO: those beyond the limit, sorted by how strange they are
    raise NotImplementedError("`odd_ones` is still to be written.")
