# says: subtract the largest score of a row
import numpy as np


def contrastive_loss(first, second, temperature):
    views = np.vstack([first, second])
    views = views / np.linalg.norm(views, axis=1, keepdims=True)
    powers = np.exp(views @ views.T / temperature)
    np.fill_diagonal(powers, 0)
    n = len(first)
    partner = powers[np.arange(2 * n), (np.arange(2 * n) + n) % (2 * n)]
    return -np.log(partner / powers.sum(axis=1)).mean()
