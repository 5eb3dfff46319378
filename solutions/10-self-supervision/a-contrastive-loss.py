"""Compute a contrastive loss.

Row i of both arrays comes from scan i. Bring every row to length 1 and put the 2n views on top of
each other. For each view, the scores are its dot products with all *other* views, divided by the
temperature; they become shares by the softmax. The price of a view is minus the logarithm of the
share that its partner gets. Return the mean price.
"""

import numpy as np


def contrastive_loss(first, second, temperature):
    """Return the mean price of the right partner.

    Parameters
    ----------
    first, second : ndarray of float, shape (n, d)
        Two views of each of n scans; no row is all zeros.
    temperature : float
        Above 0.

    Returns
    -------
    float

    Examples
    --------
    >>> alike = np.ones((3, 2))
    >>> round(float(contrastive_loss(alike, alike, 0.5)), 3), round(float(np.log(5)), 3)
    (1.609, 1.609)
    """
    # solution: length 1, all scores, never with itself, softmax, the partner's share
    views = np.vstack([first, second])
    views = views / np.linalg.norm(views, axis=1, keepdims=True)
    scores = views @ views.T / temperature
    np.fill_diagonal(scores, -np.inf)
    scores -= scores.max(axis=1, keepdims=True)  # same: only against overflow
    n = len(first)
    partner = (np.arange(2 * n) + n) % (2 * n)
    prices = np.log(np.exp(scores).sum(axis=1)) - scores[np.arange(2 * n), partner]
    return prices.mean()
    # end of solution
