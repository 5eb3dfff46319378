# What is the error spent on?
# Chapter 8 · 8 minutes · 5 points
# Write your code where it says TODO, then run:  octlessons check what-is-the-error-spent-on
# Stuck?  octlessons hint what-is-the-error-spent-on   A wrong number?  octlessons check what-is-the-error-spent-on --show
"""Find out how much of an error is grain.

Take the differences between rebuilt images and images, and smooth each difference image with a
moving mean of `size` × `size` pixels (mirrored at the edges). Grain vanishes in a moving mean;
errors of shape stay. Return the share of the mean squared difference that smoothing removes.
"""

import numpy as np
from scipy.ndimage import uniform_filter


def grain_share(images, rebuilt, size):
    """Return the share of the error that a moving mean removes.

    Parameters
    ----------
    images, rebuilt : ndarray of float, shape (n, h, w)
        Not the same everywhere.
    size : int
        Side of the moving window in pixels, odd.

    Returns
    -------
    float
        0 where the differences are smooth, near 1 where they are grain.

    Examples
    --------
    >>> images = np.zeros((2, 8, 8))
    >>> round(float(grain_share(images, images + 0.5, 3)), 6)
    0.0
    """
    # TODO: differences, smoothed within each image (mirrored edges), and the two mean squares
    raise NotImplementedError("`grain_share` is still to be written.")
