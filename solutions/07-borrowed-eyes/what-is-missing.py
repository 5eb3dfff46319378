"""Say which shards of a long computation are still missing.

`n` scans are worked on in shards of `size`: shard number i begins with scan i · size, and the
last one may be shorter. Given the numbers of the shards that are finished, return the first scan
and the scan after the last of each shard that is missing, in order.
"""

import numpy as np


def missing(n, size, finished):
    """List the shards that are still to be computed.

    Parameters
    ----------
    n : int
        Number of scans.
    size : int
        Scans in a shard.
    finished : list of int
        Numbers of the finished shards, in any order.

    Returns
    -------
    ndarray of int, shape (m, 2)
        First scan, and scan after the last, of each missing shard.

    Examples
    --------
    >>> missing(1000, 256, [1, 0]).tolist()
    [[512, 768], [768, 1000]]
    """
    # solution: the starts of all shards, without the finished ones; the ends are cut at n
    starts = np.arange(0, n, size)
    starts = np.delete(starts, finished) if len(finished) else starts
    return np.column_stack([starts, np.minimum(starts + size, n)])
    # end of solution
