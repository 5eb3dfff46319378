# What is missing?
# Chapter 7 · 6 minutes · 5 points
# Write your code where it says TODO, then run:  octlessons check what-is-missing
# Stuck?  octlessons hint what-is-missing   A wrong number?  octlessons check what-is-missing --show
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
    # TODO: the starts of all shards, without the finished ones; the ends are cut at n
    raise NotImplementedError("`missing` is still to be written.")
