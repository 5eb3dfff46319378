# says: measure after they moved
import numpy as np


def one_round(points, centroids):
    distances = np.linalg.norm(points[:, None] - centroids[None], axis=2)
    labels = distances.argmin(axis=1)
    moved = centroids.astype(float)
    for j in range(len(centroids)):
        if np.any(labels == j):
            moved[j] = points[labels == j].mean(axis=0)
    return labels, moved, np.sum(distances.min(axis=1) ** 2)
