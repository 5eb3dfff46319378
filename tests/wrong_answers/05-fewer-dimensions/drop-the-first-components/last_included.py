# says: Component `last` is used
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA


def cluster_components(rows, first, last, k, seed):
    pca = PCA(n_components=min(last + 1, *rows.shape)).fit(rows)
    used = pca.transform(rows)[:, list(range(first, min(last + 1, pca.n_components_)))]
    return KMeans(n_clusters=k, n_init=10, random_state=seed).fit(used).labels_
