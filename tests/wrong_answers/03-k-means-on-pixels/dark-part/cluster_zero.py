# says: look for the smallest centre | is the one whose centre
import numpy as np
from sklearn.cluster import KMeans


def dark_share(image, k, seed):
    labels = KMeans(k, n_init=10, random_state=seed).fit_predict(image.reshape(-1, 1))
    return np.mean(labels == 0)
