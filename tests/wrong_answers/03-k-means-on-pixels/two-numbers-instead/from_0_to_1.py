# says: Each is divided by its range
import numpy as np
from sklearn.cluster import KMeans
from sklearn.preprocessing import MinMaxScaler


def cluster_measures(first, second, k, seed):
    rows = MinMaxScaler().fit_transform(np.column_stack([first, second]))
    return KMeans(n_clusters=k, n_init=10, random_state=seed).fit_predict(rows)
