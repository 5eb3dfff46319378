# Another class mix
# Chapter 11 · 8 minutes · 4 points
# Write your code where it says TODO, then run:  octlessons check another-class-mix
# Stuck?  octlessons hint another-class-mix   A wrong number?  octlessons check another-class-mix --show
"""Predict an accuracy on another mix of classes.

A confusion matrix (rows true, columns called) tells how often each class is recognised. Return
the accuracy of the same classifier on a test in which class i has the share `shares[i]`. The
shares may be counts and need not sum to 1.
"""

import numpy as np


def accuracy_at(matrix, shares):
    """Return the accuracy on another mix of classes.

    Parameters
    ----------
    matrix : ndarray of int, shape (k, k)
        Every class has at least one image.
    shares : ndarray of float, shape (k,)
        0 or more, not all 0.

    Returns
    -------
    float

    Examples
    --------
    >>> matrix = np.array([[90, 10], [5, 5]])
    >>> float(accuracy_at(matrix, np.array([1, 1]))), float(accuracy_at(matrix, np.array([0, 7])))
    (0.7, 0.5)
    """
    # TODO: the recalls, weighted by the shares
    raise NotImplementedError("`accuracy_at` is still to be written.")
