import numpy as np
from sklearn.metrics import silhouette_samples


def silhouette_of(points, labels, i):
    return np.float32(silhouette_samples(np.float32(points), labels)[i])
