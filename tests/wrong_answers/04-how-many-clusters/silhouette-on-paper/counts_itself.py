# says: divide the sum by one point fewer
import numpy as np


def silhouette_of(points, labels, i):
    distances = np.linalg.norm(points - points[i], axis=1)
    own = labels == labels[i]
    if own.sum() == 1:
        return 0.0
    a = distances[own].mean()
    b = min(distances[labels == c].mean() for c in np.unique(labels[~own]))
    return (b - a) / max(a, b)
