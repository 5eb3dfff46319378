# Components of small scans
# Chapter 5 · 8 minutes · 5 points · further
# Write your code where it says TODO, then run:  octlessons check components-of-small-scans
# Stuck?  octlessons hint components-of-small-scans   A wrong number?  octlessons check components-of-small-scans --show
"""Count the components that hold a share of the variance.

Return the smallest number of principal components whose variances add up to at least `share` of the
variance of the data.
"""

import numpy as np
from sklearn.decomposition import PCA


def components_for(rows, share):
    """Return how many principal components hold a share of the variance.

    Parameters
    ----------
    rows : ndarray of float, shape (n, d)
    share : float
        Above 0 and below 1.

    Returns
    -------
    int

    Examples
    --------
    >>> rows = np.random.default_rng(0).normal(size=(200, 3)) * [10, 5, 0.1]
    >>> int(components_for(rows, 0.95))
    2
    """
    # TODO: how many components?
    raise NotImplementedError("`components_for` is still to be written.")
