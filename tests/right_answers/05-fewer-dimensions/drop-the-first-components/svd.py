import numpy as np
from sklearn.cluster import KMeans


def cluster_components(rows, first, last, k, seed):
    centred = np.float32(rows - rows.mean(axis=0))
    u, s, _ = np.linalg.svd(centred, full_matrices=False)
    model = KMeans(k, n_init=15, random_state=seed)
    return model.fit((u * s)[:, first:last]).labels_.tolist()
