"""Measure how bright the tissue below the RPE is.

For every column take the pixels from `first` to `last` rows below the line of the RPE, both ends
included, and return the mean of all of them. Pixels below the lower edge of the picture do not
exist: leave them out.
"""

import numpy as np


def brightness_below(image, rpe, first, last):
    """Return the mean grey value of a band below the RPE.

    Parameters
    ----------
    image : ndarray of uint8, shape (height, width)
    rpe : ndarray of int, shape (width,)
        Row of the RPE in each column.
    first, last : int
        The band begins `first` and ends `last` rows below the RPE; part of it lies inside.

    Returns
    -------
    float
        From 0 to 255; every pixel of the band counts once.

    Examples
    --------
    >>> image = np.array([[9, 9], [10, 20], [30, 40], [50, 60]], dtype=np.uint8)
    >>> float(brightness_below(image, np.array([0, 1]), 1, 2))
    35.0
    """
    # solution: how bright is the band?
    below = np.arange(len(image))[:, None] - rpe
    band = (below >= first) & (below <= last)
    return image[band].mean()
    # end of solution
