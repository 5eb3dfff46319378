"""Put new scans into the groups of a run, and say which of them the run does not know.

A new scan joins the group whose mean row is nearest. That always gives an answer, also for a
photograph of a cat. So look first at how near the *nearest scan* of the run is. Known is a new scan
that is no further from it than the run's own scans are from their nearest other scan, the furthest
`share` of them left aside.
"""

import numpy as np


def place(new, rows, clusters, share):
    """Return the group of each new scan, or −1.

    Parameters
    ----------
    new : ndarray of float, shape (m, d)
        Rows of the new scans.
    rows : ndarray of float, shape (n, d)
        Rows of the scans of the run.
    clusters : ndarray of int, shape (n,)
        Their groups: 0, 1, …, none of them empty.
    share : float
        0 to 1: the limit is the quantile 1 − `share` of the distances from each scan of the run to
        its nearest other scan.

    Returns
    -------
    ndarray of int, shape (m,)
        The group whose mean is nearest (Euclidean distance); −1 beyond the limit.

    Examples
    --------
    >>> rows, clusters = np.array([[0.0], [1.0], [10.0], [11.0]]), np.array([0, 0, 1, 1])
    >>> place(np.array([[0.5], [10.2], [5.0]]), rows, clusters, 0.0).tolist()
    [0, 1, -1]
    """
    # solution: distances within the run give a limit; then groups by their means
    within = np.linalg.norm(rows[:, None] - rows[None], axis=2)
    np.fill_diagonal(within, np.inf)
    limit = np.quantile(within.min(axis=1), 1 - share)
    far = np.linalg.norm(new[:, None] - rows[None], axis=2).min(axis=1)
    means = np.array([rows[clusters == c].mean(axis=0) for c in range(clusters.max() + 1)])
    groups = np.linalg.norm(new[:, None] - means[None], axis=2).argmin(axis=1)
    return np.where(far <= limit, groups, -1)
    # end of solution
