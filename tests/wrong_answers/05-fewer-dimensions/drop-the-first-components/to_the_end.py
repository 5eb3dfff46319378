# says: all from `first` on
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA


def cluster_components(rows, first, last, k, seed):
    transformed = PCA().fit_transform(rows)
    return KMeans(k, random_state=seed, n_init=10).fit_predict(transformed[:, first:])
