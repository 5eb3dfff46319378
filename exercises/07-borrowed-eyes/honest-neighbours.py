# Honest neighbours
# Chapter 7 · 10 minutes · 5 points
# Write your code where it says TODO, then run:  octlessons check honest-neighbours
# Stuck?  octlessons hint honest-neighbours   A wrong number?  octlessons check honest-neighbours --show
"""Ask the nearest scan of another patient.

For every scan find the nearest one, by Euclidean distance of the features, among the scans of
*other* patients. Return the share of scans whose nearest one has the same label.
"""

import numpy as np


def share_right(features, labels, patients):
    """Return how often the nearest scan of another patient has the same label.

    Parameters
    ----------
    features : ndarray of float, shape (n, d)
    labels : ndarray of int, shape (n,)
    patients : ndarray of str, shape (n,)
        At least two different ones.

    Returns
    -------
    float
        From 0 to 1.

    Examples
    --------
    >>> features = np.array([[0.0], [0.1], [1.0], [1.2]])
    >>> labels, patients = np.array([0, 0, 0, 1]), np.array(["a", "a", "b", "c"])
    >>> float(share_right(features, labels, patients))
    0.5
    """
    # TODO: all distances; infinity within a patient; the nearest; compare labels
    raise NotImplementedError("`share_right` is still to be written.")
