"""Find the scans that are unlike all others.

A scan is odd if even its nearest neighbours are far. But the scans of one patient resemble each
other, so the second scan of an odd eye makes the first look usual: only scans of *other* patients
count. Tell for each scan how far it is from the nearest of these, as a multiple of the usual.
"""

import numpy as np


def oddness(rows, patients, n_nearest):
    """Return how far each scan lies from those of other patients, as a multiple of the usual.

    Parameters
    ----------
    rows : ndarray of float, shape (n, d)
        A row of numbers for each scan.
    patients : ndarray of int, shape (n,)
        Whose scan it is.
    n_nearest : int
        So many of the nearest scans of other patients count; there are always enough.

    Returns
    -------
    ndarray of float, shape (n,)
        Mean Euclidean distance to them, divided by the median of these means over all scans.

    Examples
    --------
    >>> rows = np.array([[0.0], [1.0], [2.0], [9.0], [9.0]])
    >>> oddness(rows, np.array([1, 2, 3, 4, 4]), 1).tolist()
    [1.0, 1.0, 1.0, 7.0, 7.0]
    """
    # solution: all distances; own patient out; mean of the smallest; divide by the median
    distances = np.linalg.norm(rows[:, None] - rows[None], axis=2)
    distances[patients[:, None] == patients[None]] = np.inf
    far = np.sort(distances, axis=1)[:, :n_nearest].mean(axis=1)
    return far / np.median(far)
    # end of solution
