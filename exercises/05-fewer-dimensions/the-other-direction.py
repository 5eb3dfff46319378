# The other direction
# Chapter 5 · 6 minutes · 5 points
# Write your code where it says TODO, then run:  octlessons check the-other-direction
# Stuck?  octlessons hint the-other-direction   A wrong number?  octlessons check the-other-direction --show
"""Rebuild points from one direction.

Given points and a direction (a vector of length 1), keep of each point only what lies along that
direction, seen from the mean of the points: subtract the mean, project, and add the mean again.
"""

import numpy as np


def rebuild(points, direction):
    """Rebuild points from their coordinate along one direction.

    Parameters
    ----------
    points : ndarray of float, shape (n, d)
    direction : ndarray of float, shape (d,)
        Of length 1.

    Returns
    -------
    ndarray of float, shape (n, d)
        Points on the line through the mean along `direction`.

    Examples
    --------
    >>> points = np.array([[1.0, 1.0], [3.0, 5.0]])
    >>> rebuild(points, np.array([1.0, 0.0])).tolist()
    [[1.0, 3.0], [3.0, 3.0]]
    """
    # TODO: rebuild the points
    raise NotImplementedError("`rebuild` is still to be written.")
