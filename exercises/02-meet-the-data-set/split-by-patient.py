# Your own split by patient
# Chapter 2 · 13 minutes · 5 points
# Write your code where it says TODO, then run:  octlessons check split-by-patient
# Stuck?  octlessons hint split-by-patient   A wrong number?  octlessons check split-by-patient --show
"""Split scans into a training and a test part so that no patient is on both sides.

Draw *patients* at random and take all scans of those drawn. Aim for a share of `test_size` of the
patients, but never leave a side empty. The same seed gives the same split.
"""

import numpy as np


def split_patients(patients, test_size, seed):
    """Choose the scans of the test part.

    Parameters
    ----------
    patients : ndarray of str, shape (n,)
        The patient of each scan; at least two different ones.
    test_size : float
        Share of the patients that goes into the test part, between 0 and 1.
    seed : int
        Seed of the drawing.

    Returns
    -------
    ndarray of bool, shape (n,)
        True for the scans of the test part.

    Examples
    --------
    >>> patients = np.array(["a", "a", "b", "c", "c", "d"])
    >>> test = split_patients(patients, test_size=0.5, seed=0)
    >>> len(np.unique(patients[test]))
    2
    """
    # TODO: draw patients, then mark all of their scans
    raise NotImplementedError("`split_patients` is still to be written.")
