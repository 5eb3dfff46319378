import numpy as np
from scipy.spatial.distance import cdist


def one_round(points, centroids):
    labels = cdist(points, centroids, "sqeuclidean").argmin(1)
    members = np.eye(len(centroids))[labels]
    counts = members.sum(0)[:, None]
    moved = np.where(counts > 0, members.T @ points / np.maximum(counts, 1), centroids)
    inertia = cdist(points, moved, "sqeuclidean")[np.arange(len(points)), labels].sum()
    return [np.float32(labels), np.float32(moved), np.float32(inertia)]
