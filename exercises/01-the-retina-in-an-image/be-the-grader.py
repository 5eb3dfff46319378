# Be the grader
# Chapter 1 · 15 minutes · 6 points · further
# Write your code where it says TODO, then run:  octlessons check be-the-grader
# Stuck?  octlessons hint be-the-grader   A wrong number?  octlessons check be-the-grader --show
"""Mark your own reading of scans.

You guessed the class of some scans. Return the share of right guesses, and the class that you
missed most: the one of whose scans the largest share was guessed wrong. Classes may have
different numbers of scans, so compare shares, not counts. On a tie take the first such class of
`names`.
"""

import numpy as np


def grade(guesses, truth, names):
    """Return how often the guesses are right, and which class was missed most.

    Parameters
    ----------
    guesses, truth : ndarray of int, shape (n,)
        Guessed and true class of each scan, numbers into `names`. Every class occurs in `truth`.
    names : list of str
        Names of the classes, as many as there are.

    Returns
    -------
    tuple of float and str
        Share of right guesses (0 to 1), and name of the class missed most.

    Examples
    --------
    >>> share, missed = grade(np.array([0, 1, 1, 1]), np.array([0, 0, 1, 1]), ["CNV", "DME"])
    >>> float(share), missed
    (0.75, 'CNV')
    """
    # TODO: the share, and the name of the class missed most
    raise NotImplementedError("`grade` is still to be written.")
