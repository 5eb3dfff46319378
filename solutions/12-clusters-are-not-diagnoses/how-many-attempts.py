"""Find out how well pure guessing does if only its best attempt is told.

There are `n_scans` scans, half of them ill. One attempt guesses ill or healthy for every scan by
tossing a coin. Make `n_attempts` attempts and keep the largest share right. Repeat that whole
study `n_repeats` times, and return the mean of the largest shares.
"""

import numpy as np


def best_by_chance(n_scans, n_attempts, n_repeats, seed):
    """Return what the best of several random attempts reaches on average.

    Parameters
    ----------
    n_scans : int
        Even.
    n_attempts : int
        Attempts of one study; the best is told.
    n_repeats : int
        Studies.
    seed : int

    Returns
    -------
    float
        Mean over the studies of the best share right.

    Examples
    --------
    >>> alone = best_by_chance(100, 1, 200, seed=0)
    >>> best = best_by_chance(100, 50, 200, seed=0)
    >>> bool(0.48 < alone < 0.52 and best > 0.58)
    True
    """
    # solution: for every study, guesses for all attempts; share right; the best; the mean of these
    rng = np.random.default_rng(seed)
    ill = np.arange(n_scans) < n_scans // 2  # same: a coin does not know who is ill
    best = []
    for _ in range(n_repeats):
        guesses = rng.random((n_attempts, n_scans)) < 0.5
        right = guesses == ill  # same: a coin is as often wrong as right
        best.append(right.mean(axis=1).max())
    return np.mean(best)
    # end of solution
