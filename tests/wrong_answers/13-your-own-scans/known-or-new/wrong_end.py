# says: wrong end
import numpy as np


def place(new, rows, clusters, share):
    within = np.linalg.norm(rows[:, None] - rows, axis=2)
    np.fill_diagonal(within, np.inf)
    far = np.linalg.norm(new[:, None] - rows, axis=2).min(axis=1)
    means = np.array([rows[clusters == c].mean(axis=0) for c in range(clusters.max() + 1)])
    groups = np.linalg.norm(new[:, None] - means, axis=2).argmin(axis=1)
    return np.where(far <= np.quantile(within.min(axis=1), share), groups, -1)
