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
    # solution: rows of length 1, all cosines, without those of a row with itself
    rows = embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)
    n = len(rows)
    cosines = (rows @ rows.T).sum() - n
    return 1 - cosines / (n * (n - 1))
    # end of solution


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
    # solution: compare
    return bool(spread(embeddings) < limit)
    # end of solution
