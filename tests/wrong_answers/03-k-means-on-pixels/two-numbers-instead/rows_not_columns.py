# says: one cluster number|shape (60,)
import numpy as np
from sklearn.cluster import KMeans


def cluster_measures(first, second, k, seed):
    rows = np.array([first, second])
    return KMeans(min(k, 2), n_init=10, random_state=seed).fit_predict(rows)
