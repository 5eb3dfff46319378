"""Cluster some of the principal components.

Compute the principal components of the rows, keep the scores of components `first` to `last` - 1
(counted from 0), and cluster them as they are with K-means and ten starts (``n_init=10``).
"""

import numpy as np
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA


def cluster_components(rows, first, last, k, seed):
    """Cluster by the scores of components `first` to `last` - 1.

    Parameters
    ----------
    rows : ndarray of float, shape (n, d)
    first, last : int
        As in a slice: component `last` is not used.
    k : int
        Number of clusters.
    seed : int
        Seed of K-means (``random_state``).

    Returns
    -------
    ndarray of int, shape (n,)

    Examples
    --------
    >>> rows = np.array([[0, 0, 0], [100, 9, 1], [200, 9, 0], [300, 0, 1]]) * 1.0
    >>> labels = cluster_components(rows, 1, 2, k=2, seed=0)
    >>> len(labels), len(set(labels.tolist()))
    (4, 2)
    """
    # solution: cluster the components that are asked for
    scores = PCA(last).fit_transform(rows)[:, first:last]
    return KMeans(k, n_init=10, random_state=seed).fit_predict(scores)
    # end of solution
