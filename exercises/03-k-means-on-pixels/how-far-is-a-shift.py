# How far is a shift?
# Chapter 3 · 14 minutes · 6 points
# Write your code where it says TODO, then run:  octlessons check how-far-is-a-shift
# Stuck?  octlessons hint how-far-is-a-shift   A wrong number?  octlessons check how-far-is-a-shift --show
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
    # TODO: one distance for each shift
    raise NotImplementedError("`shift_distances` is still to be written.")
