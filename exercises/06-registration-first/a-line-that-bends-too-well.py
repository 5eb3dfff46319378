# A line that bends too well
# Chapter 6 · 6 minutes · 5 points
# Write your code where it says TODO, then run:  octlessons check a-line-that-bends-too-well
# Stuck?  octlessons hint a-line-that-bends-too-well   A wrong number?  octlessons check a-line-that-bends-too-well --show
"""Measure what a fitted curve leaves of a bump.

A druse lifts the line of the RPE. Registration fits a smooth curve to the line and levels the
curve, so what remains of the bump is the distance between line and curve. Fit a polynomial of the
given degree to the line (least squares) and return the largest distance that remains, up or down.
"""

import numpy as np


def bump_left(line, degree):
    """Return the largest distance between a line and the polynomial fitted to it.

    Parameters
    ----------
    line : ndarray of float, shape (width,)
        Row of the line in each column, 0 to width - 1.
    degree : int
        Degree of the polynomial.

    Returns
    -------
    float
        In rows, 0 or more.

    Examples
    --------
    >>> line = np.array([10.0, 10.0, 5.0, 10.0, 10.0])
    >>> float(round(bump_left(line, 0), 2)), float(abs(round(bump_left(line, 4), 2)))
    (4.0, 0.0)
    """
    # TODO: what does the curve leave?
    raise NotImplementedError("`bump_left` is still to be written.")
