# A contrastive loss of your own
# Chapter 10 · 12 minutes · 6 points
# Write your code where it says TODO, then run:  octlessons check a-contrastive-loss
# Stuck?  octlessons hint a-contrastive-loss   A wrong number?  octlessons check a-contrastive-loss --show
"""Compute a contrastive loss.

Row i of both arrays comes from scan i. Bring every row to length 1 and put the 2n views on top of
each other. For each view, the scores are its dot products with all *other* views, divided by the
temperature; they become shares by the softmax. The price of a view is minus the logarithm of the
share that its partner gets. Return the mean price.
"""

import numpy as np


def contrastive_loss(first, second, temperature):
    """Return the mean price of the right partner.

    Parameters
    ----------
    first, second : ndarray of float, shape (n, d)
        Two views of each of n scans; no row is all zeros.
    temperature : float
        Above 0.

    Returns
    -------
    float

    Examples
    --------
    >>> alike = np.ones((3, 2))
    >>> round(float(contrastive_loss(alike, alike, 0.5)), 3), round(float(np.log(5)), 3)
    (1.609, 1.609)
    """
    # TODO: length 1, all scores, never with itself, softmax, the partner's share
    raise NotImplementedError("`contrastive_loss` is still to be written.")
