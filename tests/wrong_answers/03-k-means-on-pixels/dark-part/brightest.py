# says: the dark one is the one whose centre is smallest
import numpy as np
from sklearn.cluster import KMeans


def dark_share(image, k, seed):
    model = KMeans(k, n_init=10, random_state=seed).fit(image.reshape(-1, 1))
    return np.mean(model.labels_ == model.cluster_centers_.argmax())
