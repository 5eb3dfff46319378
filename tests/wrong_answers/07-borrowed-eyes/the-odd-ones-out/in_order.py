# says: in the order of their numbers
import numpy as np
from scipy.spatial.distance import cdist


def strangeness(features, patients, k):
    far = cdist(features, features)
    far[patients[:, None] == patients] = np.inf
    return np.partition(far, k - 1, axis=1)[:, :k].mean(axis=1)


def odd_ones(features, patients, k, factor):
    values = strangeness(features, patients, k)
    return np.flatnonzero(values > factor * np.median(values))
