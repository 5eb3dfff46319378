import numpy as np
from sklearn.cluster import MiniBatchKMeans


def dark_share(image, k, seed):
    x = np.float32(image).ravel()[:, None] / 255
    model = MiniBatchKMeans(n_clusters=k, n_init=10, random_state=seed).fit(x)
    order = np.argsort(model.cluster_centers_[:, 0])
    counts = np.bincount(model.predict(x), minlength=k)
    return np.float32(counts[order[0]] / x.size)
