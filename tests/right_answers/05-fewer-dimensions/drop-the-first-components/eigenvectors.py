import numpy as np
from sklearn.cluster import KMeans


def cluster_components(rows, first, last, k, seed):
    values, vectors = np.linalg.eigh(np.cov(rows, rowvar=False))
    order = np.argsort(values)[::-1][first:last]
    scores = (rows - rows.mean(0)) @ vectors[:, order]
    labels = KMeans(k, n_init=10, random_state=seed).fit_predict(scores)
    return (labels + 1) % k
