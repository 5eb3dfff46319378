# says: sum squared distances
import numpy as np


def one_round(points, centroids):
    labels = np.linalg.norm(points[:, None] - centroids[None], axis=2).argmin(axis=1)
    moved = centroids.astype(float)
    for j in np.unique(labels):
        moved[j] = points[labels == j].mean(axis=0)
    return labels, moved, np.linalg.norm(points - moved[labels], axis=1).sum()
