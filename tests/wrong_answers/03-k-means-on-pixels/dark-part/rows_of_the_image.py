# says: The rows of the image were clustered
import numpy as np
from sklearn.cluster import KMeans


def dark_share(image, k, seed):
    model = KMeans(n_clusters=k, n_init=10, random_state=seed).fit(image.astype(float))
    return np.mean(model.labels_ == model.cluster_centers_.mean(axis=1).argmin())
