# A silhouette on paper, and in code
# Chapter 4 · 12 minutes · 5 points
# Write your code where it says TODO, then run:  octlessons check silhouette-on-paper
# Stuck?  octlessons hint silhouette-on-paper   A wrong number?  octlessons check silhouette-on-paper --show
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
    # TODO: a, b, and the silhouette
    raise NotImplementedError("`silhouette_of` is still to be written.")
