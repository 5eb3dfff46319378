# Two numbers instead of 784
# Chapter 3 · 8 minutes · 5 points · further
# Write your code where it says TODO, then run:  octlessons check two-numbers-instead
# Stuck?  octlessons hint two-numbers-instead   A wrong number?  octlessons check two-numbers-instead --show
"""Cluster scans by two simple measurements.

Each scan is described by two numbers, such as its brightness and the height of its band. They have
different units, so bring both to the same scale first: divide each by its standard deviation. Then
cluster with K-means and ten starts (``n_init=10``): a single start sometimes ends in a bad local
minimum.
"""

import numpy as np
from sklearn.cluster import KMeans


def cluster_measures(first, second, k, seed):
    """Cluster by two measurements on a common scale.

    Parameters
    ----------
    first, second : ndarray of float, shape (n,)
        The two measurements of each scan, in any units.
    k : int
        Number of clusters.
    seed : int
        Seed of K-means (``random_state``).

    Returns
    -------
    ndarray of int, shape (n,)
        Cluster of each scan.

    Examples
    --------
    >>> brightness = np.array([0.1, 0.1, 0.9, 0.9])
    >>> height = np.array([50.0, 51.0, 50.0, 51.0]) * 1e-3
    >>> labels = cluster_measures(brightness, height, k=4, seed=0)
    >>> len(set(labels.tolist()))
    4
    """
    # TODO: bring both to one scale, and cluster
    raise NotImplementedError("`cluster_measures` is still to be written.")
