# Has it collapsed?
# Chapter 10 · 8 minutes · 5 points
# Write your code where it says TODO, then run:  octlessons check has-it-collapsed
# Stuck?  octlessons hint has-it-collapsed   A wrong number?  octlessons check has-it-collapsed --show
"""Notice a collapse.

`spread` is the mean of 1 - cosine over all pairs of different rows: 0 where all rows point the
same way. A network has collapsed when the spread of its embeddings is below a limit.
"""

import numpy as np


def spread(embeddings):
    """Return the mean of 1 - cosine over all pairs of different rows.

    Parameters
    ----------
    embeddings : ndarray of float, shape (n, d)
        At least two rows, none all zeros, of any length.

    Returns
    -------
    float
        From 0 to 2.

    Examples
    --------
    >>> round(float(spread(np.eye(10))), 6)
    1.0
    """
    # TODO: rows of length 1, all cosines, without those of a row with itself
    raise NotImplementedError("`spread` is still to be written.")


def has_collapsed(embeddings, limit=0.02):
    """Say whether the spread is below a limit.

    Parameters
    ----------
    embeddings : ndarray of float, shape (n, d)
    limit : float

    Returns
    -------
    bool

    Examples
    --------
    >>> has_collapsed(np.ones((10, 3))), has_collapsed(np.eye(3))
    (True, False)
    """
    # TODO: compare
    raise NotImplementedError("`has_collapsed` is still to be written.")
