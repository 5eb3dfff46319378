# One round on paper, and in code
# Chapter 3 · 16 minutes · 6 points · further
# Write your code where it says TODO, then run:  octlessons check one-round-on-paper
# Stuck?  octlessons hint one-round-on-paper   A wrong number?  octlessons check one-round-on-paper --show
"""Do one round of K-means.

Assign every point to its nearest centroid, move every centroid to the mean of its points, and
measure the inertia: the sum of squared distances of the points to the *new* centroid of their
cluster. A centroid without points stays where it was.
"""

import numpy as np


def one_round(points, centroids):
    """Assign, update, measure.

    Parameters
    ----------
    points : ndarray of float, shape (n, d)
    centroids : ndarray of float or int, shape (k, d)

    Returns
    -------
    labels : ndarray of int, shape (n,)
        The nearest centroid of each point, a number from 0 to k - 1.
    moved : ndarray of float, shape (k, d)
        The new centroids, in the order of the old ones.
    inertia : float

    Examples
    --------
    >>> points = np.array([[0.0], [2.0], [5.0], [6.0], [9.0]])
    >>> labels, moved, inertia = one_round(points, np.array([[0.0], [5.0]]))
    >>> labels.tolist(), moved.round(2).tolist(), round(float(inertia), 2)
    ([0, 0, 1, 1, 1], [[1.0], [6.67]], 10.67)
    """
    # TODO: assign, update, measure
    raise NotImplementedError("`one_round` is still to be written.")
