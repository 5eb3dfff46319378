# says: competes with itself
import numpy as np
from scipy.special import log_softmax


def contrastive_loss(first, second, temperature):
    views = np.vstack([first, second])
    views = views / np.linalg.norm(views, axis=1, keepdims=True)
    n = len(first)
    shares = log_softmax(views @ views.T / temperature, axis=1)
    return -shares[np.arange(2 * n), (np.arange(2 * n) + n) % (2 * n)].mean()
