# How sure, how right
# Chapter 11 · 10 minutes · 5 points
# Write your code where it says TODO, then run:  octlessons check how-sure-how-right
# Stuck?  octlessons hint how-sure-how-right   A wrong number?  octlessons check how-sure-how-right --show
"""Measure whether a classifier is as often right as it is sure.

The confidence of an image is its largest probability. Sort the confidences into `n_bins` bins of
equal width from 0 to 1; a bin includes its upper end. For each bin that is not empty take the
distance between its mean confidence and its share of right answers, and return the mean of these
distances, weighted by the number of images.
"""

import numpy as np


def calibration_error(labels, probabilities, n_bins):
    """Return the expected calibration error.

    Parameters
    ----------
    labels : ndarray of int, shape (n,)
    probabilities : ndarray of float, shape (n, k)
        Every row sums to 1.
    n_bins : int

    Returns
    -------
    float
        From 0 (as often right as sure) to 1.

    Examples
    --------
    >>> probabilities = np.array([[0.9, 0.1], [0.9, 0.1], [0.4, 0.6]])
    >>> round(float(calibration_error(np.array([0, 1, 1]), probabilities, 1)), 3)
    0.133
    """
    # TODO: confidence, right or not, the bin of each image, the distance in each bin
    raise NotImplementedError("`calibration_error` is still to be written.")
