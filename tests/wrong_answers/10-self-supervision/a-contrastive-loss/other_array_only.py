# says: those of its own array too
import numpy as np
from scipy.special import log_softmax


def contrastive_loss(first, second, temperature):
    a = first / np.linalg.norm(first, axis=1, keepdims=True)
    b = second / np.linalg.norm(second, axis=1, keepdims=True)
    scores = a @ b.T / temperature
    rows, columns = log_softmax(scores, axis=1), log_softmax(scores, axis=0)
    return -(np.diag(rows).mean() + np.diag(columns).mean()) / 2
