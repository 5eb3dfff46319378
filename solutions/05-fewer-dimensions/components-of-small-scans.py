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
    # solution: how many components?
    shares = PCA().fit(rows).explained_variance_ratio_
    return np.argmax(np.cumsum(shares) >= share) + 1
    # end of solution
