# says: take the mean over the k nearest
import numpy as np
from scipy.spatial.distance import cdist


def strangeness(features, patients, k):
    far = cdist(features, features)
    far[patients[:, None] == patients] = np.inf
    return np.sort(far, axis=1)[:, k - 1]


def odd_ones(features, patients, k, factor):
    values = strangeness(features, patients, k)
    odd = np.flatnonzero(values > factor * np.median(values))
    return odd[np.argsort(-values[odd])]
