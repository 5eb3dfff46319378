"""Compute a contrastive loss.

Row i of both arrays comes from scan i. `stacked` is given: it puts the 2n views on top of each
other, each of length 1. For each view, the scores are its dot products with all *other* views,
divided by the temperature; they become shares by the softmax. The price of a view is minus the
(natural) logarithm of the share that its partner gets. Return the mean price of the 2n views.
"""

import numpy as np


def stacked(first, second):
    """Return all views, each of length 1: row i's partner is n rows further, or n before.

    Parameters
    ----------
    first, second : ndarray of float, shape (n, d)
        No row is all zeros.

    Returns
    -------
    ndarray of float, shape (2 * n, d)

    Examples
    --------
    >>> stacked(np.array([[2.0, 0.0]]), np.array([[3.0, 4.0]])).round(3).tolist()
    [[1.0, 0.0], [0.6, 0.8]]
    """
    views = np.vstack([first, second])
    return views / np.linalg.norm(views, axis=1, keepdims=True)


def contrastive_loss(first, second, temperature):
    """Return the mean price of the right partner.

    Parameters
    ----------
    first, second : ndarray of float, shape (n, d)
        Two views of each of n scans; no row is all zeros.
    temperature : float
        Above 0. It may be as low as 0.001, where a score is 1000 and ``np.exp(1000)`` is infinite:
        the loss must be finite there, too.

    Returns
    -------
    float

    Examples
    --------
    >>> alike = np.ones((3, 2))
    >>> round(float(contrastive_loss(alike, alike, 0.5)), 3), round(float(np.log(5)), 3)
    (1.609, 1.609)
    """
    # solution: all scores, never with itself, softmax, the partner's share
    views = stacked(first, second)
    scores = views @ views.T / temperature
    np.fill_diagonal(scores, -np.inf)
    scores -= scores.max(axis=1, keepdims=True)  # same: only against overflow
    n = len(first)
    partner = (np.arange(2 * n) + n) % (2 * n)
    prices = np.log(np.exp(scores).sum(axis=1)) - scores[np.arange(2 * n), partner]
    return prices.mean()
    # end of solution
