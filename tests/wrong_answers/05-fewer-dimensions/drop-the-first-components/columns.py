# says: leave out scores after it
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA


def cluster_components(rows, first, last, k, seed):
    scores = PCA(last - first).fit_transform(rows[:, first:])
    return KMeans(k, n_init=10, random_state=seed).fit_predict(scores)
