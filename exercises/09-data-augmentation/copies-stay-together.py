# Copies stay with their scan
# Chapter 9 · 10 minutes · 6 points
# Write your code where it says TODO, then run:  octlessons check copies-stay-together
# Stuck?  octlessons hint copies-stay-together   A wrong number?  octlessons check copies-stay-together --show
"""Split first, then make copies.

Return which scan every image of the training part and of the test part is made from. Draw half of
the patients (rounded down) for the test part. The training part holds every scan of the others
once, and `copies` altered copies of each; the test part holds its scans once and no copies.
"""

import numpy as np


def sources(patients, copies, seed):
    """Return the original scan of every training image and every test image.

    Parameters
    ----------
    patients : ndarray of str, shape (n,)
        The patient of each scan; at least two.
    copies : int
        Number of altered copies of each training scan, 0 or more.
    seed : int

    Returns
    -------
    train, test : ndarray of int
        Numbers of scans, 0 to n - 1, in any order.

    Examples
    --------
    >>> train, test = sources(np.array(["a", "a", "b"]), copies=2, seed=0)
    >>> bool(len(train) in (3, 6) and len(test) in (1, 2))
    True
    """
    # TODO: draw patients, split the numbers of the scans, then repeat those for training
    raise NotImplementedError("`sources` is still to be written.")
