import numpy as np


def missing(n, size, finished):
    edges = np.append(np.arange(0, n, size), n)
    left = ~np.isin(np.arange(len(edges) - 1), finished)
    return np.stack([edges[:-1], edges[1:]], axis=1)[left]
