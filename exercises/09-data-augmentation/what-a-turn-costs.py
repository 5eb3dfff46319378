# What a turn costs
# Chapter 9 · 8 minutes · 5 points
# Write your code where it says TODO, then run:  octlessons check what-a-turn-costs
# Stuck?  octlessons hint what-a-turn-costs   A wrong number?  octlessons check what-a-turn-costs --show
"""Measure how much of a picture a rotation cuts off.

Turn a picture by some degrees about its middle and keep the frame as it is: corners leave it, and
black comes in. Return the share of the frame that no longer shows anything of the picture. Turn a
picture of ones to find out.
"""

import numpy as np
from skimage import transform


def lost(height, width, angle):
    """Return the share of a picture that a rotation cuts off.

    Parameters
    ----------
    height, width : int
        Size of the picture in pixels.
    angle : float
        Degrees, from 0 to 90.

    Returns
    -------
    float
        From 0 to 1.

    Examples
    --------
    >>> round(lost(100, 100, 0), 2), round(lost(100, 100, 45), 2)
    (0.0, 0.17)
    """
    # TODO: what is left of a picture of ones
    raise NotImplementedError("`lost` is still to be written.")
