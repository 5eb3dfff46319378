# says: the first component is number 0
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA


def cluster_components(rows, first, last, k, seed):
    scores = PCA().fit_transform(rows)[:, first + 1 : last + 1]
    return KMeans(k, n_init=10, random_state=seed).fit_predict(scores)
