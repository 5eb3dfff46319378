import numpy as np


def place(new, rows, clusters, share):
    own = []
    for i, row in enumerate(rows):
        others = np.delete(rows, i, axis=0)
        own.append(np.sqrt(((others - row) ** 2).sum(axis=1)).min())
    limit = np.quantile(own, 1 - share)
    found = []
    for scan in new:
        if np.sqrt(((rows - scan) ** 2).sum(axis=1)).min() > limit:
            found.append(-1)
            continue
        groups = sorted(set(clusters.tolist()))
        found.append(min(groups, key=lambda c: np.linalg.norm(rows[clusters == c].mean(0) - scan)))
    return found
