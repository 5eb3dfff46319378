# Tied weights
# Chapter 8 · 10 minutes · 5 points
# Write your code where it says TODO, then run:  octlessons check tied-weights
# Stuck?  octlessons hint tied-weights   A wrong number?  octlessons check tied-weights --show
"""Train an autoencoder whose encoder and decoder share one direction.

The code of an image x is z = w · x, the rebuilt image is z w, and its error e = z w - x. One step
subtracts from w `rate` times the slope (2 / n) Σ (z e + (e · w) x), the sum over all images.
Return w after `n_steps` steps.
"""

import numpy as np


def train_tied(images, start, rate, n_steps):
    """Train shared weights by gradient descent.

    Parameters
    ----------
    images : ndarray of float, shape (n, d)
        With mean 0.
    start : ndarray of float, shape (d,)
        Weights to begin with.
    rate : float
        Length of a step.
    n_steps : int

    Returns
    -------
    ndarray of float, shape (d,)

    Examples
    --------
    >>> images = np.array([[1.0, 1.0], [-1.0, -1.0]])
    >>> train_tied(images, np.array([1.0, 0.0]), rate=0.1, n_steps=200).round(3).tolist()
    [0.707, 0.707]
    """
    # TODO: codes, errors and the slope of all images at once; repeat
    raise NotImplementedError("`train_tied` is still to be written.")
