# says: a number from 0 to 1
import numpy as np
from sklearn.cluster import KMeans


def dark_share(image, k, seed):
    model = KMeans(k, n_init=10, random_state=seed).fit(image.reshape(-1, 1))
    return np.sum(model.labels_ == model.cluster_centers_.argmin())
