"""Put an interval around a share, by drawing patients.

`right` says for every scan whether it was judged rightly. Scans of one patient are alike, so draw
*patients* with replacement, as many as there are; take all scans of each drawn patient, as often
as it was drawn; and compute the share of these scans that are right. Do this `n_draws` times and
return the 2.5th and the 97.5th percentile. `scans_of` is given.
"""

import numpy as np


def scans_of(patients):
    """Return the numbers of each patient's scans, one array for each patient.

    Examples
    --------
    >>> [numbers.tolist() for numbers in scans_of(np.array(["b", "a", "b"]))]
    [[1], [0, 2]]
    """
    return [np.flatnonzero(patients == patient) for patient in np.unique(patients)]


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
    # solution: draw patients, again and again; the share of their scans; percentiles
    rng = np.random.default_rng(seed)
    scans = scans_of(patients)
    shares = []
    for _ in range(n_draws):
        drawn = rng.integers(len(scans), size=len(scans))
        shares.append(right[np.concatenate([scans[i] for i in drawn])].mean())
    low, high = np.percentile(shares, [2.5, 97.5])
    return low, high
    # end of solution
