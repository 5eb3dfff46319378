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
    # solution: draw patients, split the numbers of the scans, then repeat those for training
    rng = np.random.default_rng(seed)
    everyone = rng.permutation(np.unique(patients))
    in_test = np.isin(patients, everyone[: len(everyone) // 2])
    numbers = np.arange(len(patients))
    return np.repeat(numbers[~in_test], copies + 1), numbers[in_test]
    # end of solution
