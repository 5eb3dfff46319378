# says: This compares with the mean
import numpy as np
from scipy.spatial.distance import cdist


def strangeness(features, patients, k):
    far = cdist(features, features)
    far[patients[:, None] == patients] = np.inf
    return np.sort(far, axis=1)[:, :k].mean(axis=1)


def odd_ones(features, patients, k, factor):
    values = strangeness(features, patients, k)
    odd = np.flatnonzero(values > factor * values.mean())
    return odd[np.argsort(values[odd])[::-1]]
