"""Find your way in a scan.

A scan is an array of rows. Write a function that says how wide and how high a scan is, and one
that gives the grey value at a place that is told the way people point: so many pixels to the
right of the left edge, so many down from the top edge. Both are counted from 0.
"""

import numpy as np


def width_and_height(scan):
    """Return how many pixels a scan is wide, and how many high.

    Parameters
    ----------
    scan : ndarray, shape (height, width)

    Returns
    -------
    tuple of int
        Width and height, in this order.

    Examples
    --------
    >>> width_and_height(np.zeros((2, 5)))
    (5, 2)
    """
    # solution: how wide, how high?
    height, width = scan.shape
    return width, height
    # end of solution


def value_at(scan, right, down):
    """Return the grey value at a place.

    Parameters
    ----------
    scan : ndarray of uint8, shape (height, width)
    right : int
        Pixels from the left edge; 0 is the first column.
    down : int
        Pixels from the top edge; 0 is the first row.

    Returns
    -------
    int
        0 (black) to 255 (white).

    Examples
    --------
    >>> int(value_at(np.array([[1, 2, 3], [4, 5, 6]]), right=2, down=0))
    3
    """
    # solution: which value is it?
    return scan[down, right]
    # end of solution
