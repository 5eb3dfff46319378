# says: No scan is refused
import numpy as np


def place(new, rows, clusters, share):
    means = np.array([rows[clusters == c].mean(axis=0) for c in range(clusters.max() + 1)])
    return np.linalg.norm(new[:, None] - means, axis=2).argmin(axis=1)
