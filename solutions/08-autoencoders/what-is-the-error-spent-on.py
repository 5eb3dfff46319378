"""Find out how much of an error is grain.

Take the differences between rebuilt images and images, and smooth each difference image with a
moving mean of `size` × `size` pixels. At the edges it is mirrored, the edge pixel repeated: a b c
goes on as a b c c b a (`mode="reflect"` of scipy). Grain vanishes in a moving mean; errors of shape
stay. Return the share of the mean squared difference (of all pixels) that smoothing removes.
"""

import numpy as np
from scipy.ndimage import uniform_filter


def grain_share(images, rebuilt, size):
    """Return the share of the error that a moving mean removes.

    Parameters
    ----------
    images, rebuilt : ndarray of float or uint8, shape (n, h, w)
        Not the same everywhere. Grey values of uint8 cannot hold a negative difference.
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
    # solution: differences, smoothed within each image (mirrored edges), and the two mean squares
    difference = np.asarray(rebuilt, float) - images
    smooth = uniform_filter(difference, size=(1, size, size))
    return 1 - np.mean(smooth**2) / np.mean(difference**2)
    # end of solution
