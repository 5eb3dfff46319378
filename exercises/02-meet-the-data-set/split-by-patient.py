# Your own split by patient
# Chapter 2 · 15 minutes · 5 points
# Write your code where it says TODO, then run:  octlessons check split-by-patient
# Stuck?  octlessons hint split-by-patient   A wrong number?  octlessons check split-by-patient --show
"""Split scans into a training and a test part so that no patient is on both sides.

Draw *patients* at random and take all scans of those drawn: `test_size` times the number of patients,
rounded to a whole number, but never none and never all. The same seed gives the same split, today,
tomorrow and on another machine: besides it, only the order of the patients' names may play a part.
"""

import numpy as np


def split_patients(patients, test_size, seed):
    """Choose the scans of the test part.

    Parameters
    ----------
    patients : ndarray of str, shape (n,)
        The patient of each scan; at least two different ones.
    test_size : float
        Share of the patients (not of the scans) in the test part, between 0 and 1. Their number is
        rounded; at least one patient is on each side.
    seed : int
        Seed of the drawing. Another seed gives another split.

    Returns
    -------
    ndarray of bool, shape (n,)
        True for the scans of the test part.

    Examples
    --------
    >>> patients = np.array(["a", "a", "b", "c", "c", "d"])
    >>> test = split_patients(patients, test_size=0.5, seed=0)
    >>> len(set(patients[test])), len(set(patients[test]) & set(patients[~test]))
    (2, 0)
    """
    # TODO: which scans are in the test part?
    raise NotImplementedError("`split_patients` is still to be written.")
