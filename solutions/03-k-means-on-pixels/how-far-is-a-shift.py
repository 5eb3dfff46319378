"""Measure how far a scan moves in the space of pixels when it moves in the picture.

Move every scan down by some rows. The rows that become free at the top repeat the old first row,
and what is pushed out at the bottom is lost. Return the median, over the scans, of the Euclidean
distance between each scan and its moved self, for every shift asked for.
"""

import numpy as np


def shift_distances(images, shifts):
    """Return the median distance between scans and their shifted selves.

    Parameters
    ----------
    images : ndarray of uint8, shape (n, height, width)
        Whole numbers from 0 to 255: as floats they can be subtracted.
    shifts : list of int
        Numbers of rows, each from 0 to height - 1, in any order.

    Returns
    -------
    ndarray of float, shape (number of shifts,)
        In grey values: the root of the sum of squares over all pixels, median over the scans.

    Examples
    --------
    >>> images = np.array([[[0, 0], [3, 4], [0, 0]]], dtype=np.uint8)
    >>> shift_distances(images, [0, 1]).round(2).tolist()
    [0.0, 7.07]
    """
    # solution: one distance for each shift
    scans = images.astype(float)
    result = []
    for shift in shifts:
        rows = np.maximum(np.arange(scans.shape[1]) - shift, 0)
        difference = scans[:, rows] - scans
        result.append(np.median(np.sqrt((difference**2).sum(axis=(1, 2)))))
    return np.array(result)
    # end of solution
