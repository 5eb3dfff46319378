# says: divide by the larger of a and b
import numpy as np


def silhouette_of(points, labels, i):
    distances = np.linalg.norm(points - points[i], axis=1)
    own = labels == labels[i]
    if own.sum() == 1:
        return 0.0
    a = distances[own].sum() / (own.sum() - 1)
    b = min(distances[labels == c].mean() for c in np.unique(labels[~own]))
    return (b - a) / b
