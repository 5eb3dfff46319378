# The dark part, whatever its number
# Chapter 3 · 8 minutes · 5 points
# Write your code where it says TODO, then run:  octlessons check dark-part
# Stuck?  octlessons hint dark-part   A wrong number?  octlessons check dark-part --show
"""Find how much of one scan is dark.

Cluster the grey values of one image with K-means and return the share of pixels in the darkest
cluster. Cluster numbers mean nothing: with another seed the dark cluster has another number, and
your function must not care.
"""

import numpy as np
from sklearn.cluster import KMeans


def dark_share(image, k, seed):
    """Return the share of pixels in the darkest of `k` clusters of grey values.

    Parameters
    ----------
    image : ndarray of uint8, shape (height, width)
        Grey values from 0 (black) to 255 (white).
    k : int
        Number of clusters.
    seed : int
        Seed of K-means; run it with ``n_init=10``.

    Returns
    -------
    float
        Between 0 and 1.

    Examples
    --------
    >>> image = np.array([[0, 2, 1, 200], [1, 0, 210, 205]], dtype=np.uint8)
    >>> float(dark_share(image, k=2, seed=0))
    0.625
    """
    # TODO: cluster the grey values; which share is in the darkest cluster?
    raise NotImplementedError("`dark_share` is still to be written.")
