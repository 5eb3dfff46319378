# How many attempts?
# Chapter 12 · 10 minutes · 6 points
# Write your code where it says TODO, then run:  octlessons check how-many-attempts
# Stuck?  octlessons hint how-many-attempts   A wrong number?  octlessons check how-many-attempts --show
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
    # TODO: for every study, guesses for all attempts; share right; the best; the mean of these
    raise NotImplementedError("`best_by_chance` is still to be written.")
