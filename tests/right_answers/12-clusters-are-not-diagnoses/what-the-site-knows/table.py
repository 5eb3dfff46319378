import numpy as np
from sklearn.metrics.cluster import contingency_matrix


def site_share(labels, sites):
    table = np.float32(contingency_matrix(sites, labels))
    return table.max(axis=1).sum() / table.sum()
