# says: Is a fixed number where `seed` should be?
import numpy as np
from sklearn.cluster import KMeans
from sklearn.preprocessing import StandardScaler


def cluster_measures(first, second, k, seed):
    table = StandardScaler().fit_transform(np.column_stack([first, second]))
    return KMeans(n_clusters=k, n_init=10, random_state=0).fit_predict(table)
