import numpy as np
from sklearn.metrics import pairwise_distances


def oddness(rows, patients, n_nearest):
    table = pairwise_distances(rows)
    same = np.equal.outer(patients, patients)
    table = np.ma.masked_array(table, mask=same)
    nearest = np.sort(table.filled(np.inf), axis=1)[:, :n_nearest]
    mean = nearest.sum(axis=1) / n_nearest
    return list(mean / np.median(mean))
