import numpy as np
from sklearn.metrics import adjusted_rand_score
from sklearn.metrics.cluster import contingency_matrix


def pair_counts(a, b):
    table = contingency_matrix(a, b).astype(np.float32)

    def pairs(x):
        return (x * (x - 1) / 2).sum()

    both, first, second = pairs(table), pairs(table.sum(1)), pairs(table.sum(0))
    return np.array([both, first - both, second - both, pairs(len(a) * np.ones(1)) - first - second + both]).tolist()


def ari(a, b):
    return np.float32(adjusted_rand_score(a, b))
