import numpy as np
from sklearn.cluster import KMeans


def cluster_measures(first, second, k, seed):
    a, b = np.std(first, ddof=1), np.std(second, ddof=1)
    rows = [[x / a, y / b] for x, y in zip(first, second)]
    model = KMeans(n_clusters=k, n_init=10, random_state=seed)
    model.fit(rows)
    return [int(label) for label in model.labels_]
