import numpy as np
from sklearn.neighbors import NearestCentroid, NearestNeighbors


def place(new, rows, clusters, share):
    finder = NearestNeighbors(n_neighbors=1).fit(rows)
    limit = np.quantile(finder.kneighbors()[0], 1 - share)
    groups = NearestCentroid().fit(rows, clusters).predict(new)
    groups[finder.kneighbors(new)[0][:, 0] > limit] = -1
    return groups
