# Scores from a matrix
# Chapter 11 · 10 minutes · 5 points
# Write your code where it says TODO, then run:  octlessons check scores-from-a-matrix
# Stuck?  octlessons hint scores-from-a-matrix   A wrong number?  octlessons check scores-from-a-matrix --show
"""Compute three scores from a confusion matrix.

Rows are the true classes, columns what they were called. Accuracy is the share of all images
called rightly; balanced accuracy is the mean of the classes' recalls; macro-F1 is the mean of the
classes' F1 scores, where F1 = 2 · right / (images of the class + images called so). A class that
is never called has F1 0.
"""

import numpy as np


def scores_from_matrix(matrix):
    """Return accuracy, balanced accuracy and macro-F1.

    Parameters
    ----------
    matrix : ndarray of int, shape (k, k)
        Every class has at least one image.

    Returns
    -------
    tuple of float

    Examples
    --------
    >>> accuracy, balanced, f1 = scores_from_matrix(np.array([[8, 0], [2, 0]]))
    >>> float(accuracy), float(balanced), round(float(f1), 3)
    (0.8, 0.5, 0.444)
    """
    # TODO: right answers, images of each class, images called so
    raise NotImplementedError("`scores_from_matrix` is still to be written.")
