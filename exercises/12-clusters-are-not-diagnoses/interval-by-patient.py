# An interval by patient
# Chapter 12 · 12 minutes · 6 points
# Write your code where it says TODO, then run:  octlessons check interval-by-patient
# Stuck?  octlessons hint interval-by-patient   A wrong number?  octlessons check interval-by-patient --show
"""Put an interval around a share, by drawing patients.

`right` says for every scan whether it was judged rightly. Scans of one patient are alike, so draw
*patients* with replacement, as many as there are; take all scans of each drawn patient, as often
as it was drawn; and compute the share right. Do this `n_draws` times and return the 2.5th and the
97.5th percentile.
"""

import numpy as np


def interval(right, patients, n_draws, seed):
    """Return a 95 % interval of the share right, by a bootstrap over patients.

    Parameters
    ----------
    right : ndarray of bool, shape (n,)
    patients : ndarray of str, shape (n,)
    n_draws : int
    seed : int

    Returns
    -------
    low, high : float

    Examples
    --------
    >>> right = np.array([True, True, True, False])
    >>> low, high = interval(right, np.array(["a", "a", "b", "b"]), n_draws=200, seed=0)
    >>> float(low), float(high)
    (0.5, 1.0)
    """
    # TODO: the numbers of each patient's scans; draw patients; share; percentiles
    raise NotImplementedError("`interval` is still to be written.")
