# says: Is the seed handed on
import numpy as np
from sklearn.cluster import KMeans


def cluster_measures(first, second, k, seed):
    rows = np.column_stack([first, second])
    rows = rows / rows.std(axis=0)
    return KMeans(k, n_init=10).fit_predict(rows)
