import numpy as np
import pandas as pd
from sklearn.neighbors import NearestNeighbors


def strangeness(features, patients, k):
    values = np.empty(len(features), np.float32)
    for patient in set(patients.tolist()):
        own = patients == patient
        model = NearestNeighbors(n_neighbors=k).fit(features[~own])
        values[own] = model.kneighbors(features[own])[0].mean(axis=1)
    return values


def odd_ones(features, patients, k, factor):
    values = pd.Series(strangeness(features, patients, k))
    return values[values > factor * values.median()].sort_values(ascending=False).index.to_numpy()
