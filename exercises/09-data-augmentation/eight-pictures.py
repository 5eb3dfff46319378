# The eight pictures
# Chapter 9 · 5 minutes · 5 points
# Write your code where it says TODO, then run:  octlessons check eight-pictures
# Stuck?  octlessons hint eight-pictures   A wrong number?  octlessons check eight-pictures --show
"""Make all the pictures that quarter turns and mirrors give.

A square picture can be turned by 0, 1, 2 or 3 quarters, and mirrored left to right or not. Return
the eight pictures, in any order. (The order of the *steps* matters: mirroring and then turning is
not the same as turning and then mirroring.)
"""

import numpy as np


def eight_pictures(picture):
    """Return the picture turned and mirrored in all eight ways.

    Parameters
    ----------
    picture : ndarray, shape (side, side)

    Returns
    -------
    list of ndarray, shape (side, side)
        Eight pictures, in any order.

    Examples
    --------
    >>> len(eight_pictures(np.arange(9).reshape(3, 3)))
    8
    """
    # TODO: four turns of the picture, and four of its mirror image
    raise NotImplementedError("`eight_pictures` is still to be written.")


def mirror_then_turn(picture):
    """Mirror left to right, then turn a quarter to the left (against the clock).

    Parameters
    ----------
    picture : ndarray, shape (side, side)

    Returns
    -------
    ndarray, shape (side, side)

    Examples
    --------
    >>> mirror_then_turn(np.array([[1, 2], [3, 4]])).tolist()
    [[1, 3], [2, 4]]
    """
    # TODO: first the mirror, then the turn
    raise NotImplementedError("`mirror_then_turn` is still to be written.")
