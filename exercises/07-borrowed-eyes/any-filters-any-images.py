# Any filters, any images
# Chapter 7 · 14 minutes · 4 points
# Write your code where it says TODO, then run:  octlessons check any-filters-any-images
# Stuck?  octlessons hint any-filters-any-images   A wrong number?  octlessons check any-filters-any-images --show
"""Turn images into one number for each filter.

Slide every filter over every image, only where it fits completely, multiply and add up. Set what
is negative to 0 (ReLU), and take the mean over all places. Filters may have any size. They are
not turned round.
"""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view


def pooled_features(images, filters):
    """Return one number for each image and filter.

    Parameters
    ----------
    images : ndarray of float, shape (n, h, w)
    filters : ndarray of float, shape (f, a, b)
        Not larger than the images.

    Returns
    -------
    ndarray of float, shape (n, f)
        0 or more.

    Examples
    --------
    >>> images = np.array([[[1.0, 2.0, 4.0]]])
    >>> pooled_features(images, np.array([[[-1.0, 1.0]], [[1.0, -1.0]]])).tolist()
    [[1.5, 0.0]]
    """
    # TODO: windows, products with each filter, ReLU, mean over the places
    raise NotImplementedError("`pooled_features` is still to be written.")
