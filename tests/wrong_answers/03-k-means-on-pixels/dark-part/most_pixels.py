# says: This is the largest cluster
import numpy as np
from sklearn.cluster import KMeans


def dark_share(image, k, seed):
    labels = KMeans(n_clusters=k, n_init=10, random_state=seed).fit_predict(image.reshape(-1, 1))
    return np.bincount(labels).max() / labels.size
