# The whole road
# Capstone · 20 minutes · 9 points
# Write your code where it says TODO, then run:  octlessons check the-whole-road
# Stuck?  octlessons hint the-whole-road   A wrong number?  octlessons check the-whole-road --show
"""Walk the whole road: images, representation, clusters, judgement.

Write three functions. `represent` turns scans into rows of features that do not care how high the
retina lies in the picture, nor how bright the picture is. `group` clusters rows, whatever their
units. `judge` says how well clusters agree with diagnoses, with an interval by patient and a
chance level. How you represent the scans is up to you: a profile, gradients, your own idea.
"""

import numpy as np
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score


def represent(images):
    """Turn scans into rows of features.

    A scan moved up or down by a few rows, or made brighter by a constant factor, must get nearly
    the same row; scans of different eyes must get different ones.

    Parameters
    ----------
    images : ndarray of uint8, shape (n, height, width)

    Returns
    -------
    ndarray of float, shape (n, d)
        Finite numbers; d is yours to choose.

    Examples
    --------
    >>> images = np.zeros((2, 16, 16), dtype=np.uint8)
    >>> images[0, 5:8], images[1, 9:12] = 200, 100
    >>> rows = represent(images)
    >>> bool(np.allclose(rows[0], rows[1]))
    True
    """
    # TODO: move each scan so that its brightest row lies in the middle, and even out brightness
    raise NotImplementedError("`represent` is still to be written.")


def group(rows, k, seed):
    """Cluster rows of features.

    Parameters
    ----------
    rows : ndarray of float, shape (n, d)
        In any units: columns may be of very different size.
    k : int
    seed : int

    Returns
    -------
    ndarray of int, shape (n,)

    Examples
    --------
    >>> rows = np.array([[0, 1e6], [0, 2e6], [1, 1e6], [1, 2e6]] * 5)
    >>> len(set(group(rows, 4, seed=0).tolist()))
    4
    """
    # TODO: one scale for all columns, then K-means
    raise NotImplementedError("`group` is still to be written.")


def judge(clusters, labels, patients, seed):
    """Say how well clusters agree with diagnoses.

    Parameters
    ----------
    clusters, labels : ndarray of int, shape (n,)
    patients : ndarray of str, shape (n,)
    seed : int

    Returns
    -------
    dict of float
        ``"ari"``, the adjusted Rand index; ``"low"`` and ``"high"``, a 95 % interval from 300
        bootstrap draws of patients; ``"chance"``, the 95th percentile of the index over 300
        random permutations of the clusters.

    Examples
    --------
    >>> labels = np.repeat([0, 1], 10)
    >>> found = judge(labels, labels, np.arange(20).astype(str), seed=0)
    >>> found["ari"], bool(found["chance"] < 0.5)
    (1.0, True)
    """
    # TODO: the index; draws of patients; permutations
    raise NotImplementedError("`judge` is still to be written.")
