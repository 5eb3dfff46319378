import numpy as np
from sklearn.cluster import KMeans
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler


def cluster_measures(first, second, k, seed):
    model = make_pipeline(StandardScaler(), KMeans(k, n_init=20, random_state=seed))
    labels = model.fit_predict(np.stack([second, first], axis=1).astype(np.float32))
    return k - 1 - labels
