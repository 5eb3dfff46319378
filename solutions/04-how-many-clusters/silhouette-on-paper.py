"""Compute the silhouette of one point.

For a point, *a* is the mean (Euclidean) distance to the other points of its own cluster, and *b* the
smallest of the mean distances to the points of each other cluster. Its silhouette is (b - a) divided by
the larger of the two. A point that is alone in its cluster has silhouette 0.
"""

import numpy as np


def silhouette_of(points, labels, i):
    """Return the silhouette of point `i`.

    Parameters
    ----------
    points : ndarray of float, shape (n, d)
    labels : ndarray of int, shape (n,)
        Cluster of each point; at least two clusters.
    i : int

    Returns
    -------
    float
        From -1 to 1.

    Examples
    --------
    >>> points = np.array([[1.0], [2.0], [3.0], [8.0], [10.0]])
    >>> labels = np.array([0, 0, 1, 1, 1])
    >>> float(silhouette_of(points, labels, 2))
    -0.75
    """
    # solution: a, b, and the silhouette
    distances = np.linalg.norm(points - points[i], axis=1)
    own = labels == labels[i]
    if own.sum() == 1:
        return 0.0
    a = distances[own].sum() / (own.sum() - 1)
    b = min(distances[labels == other].mean() for other in np.unique(labels[~own]))
    return (b - a) / max(a, b)
    # end of solution
