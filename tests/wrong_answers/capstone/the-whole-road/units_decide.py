# says: The largest numbers decide
import numpy as np
from sklearn.cluster import KMeans


def represent(images):
    return images.reshape(len(images), -1).astype(float)


def group(rows, k, seed):
    return KMeans(k, n_init=10, random_state=seed).fit_predict(rows)


def judge(clusters, labels, patients, seed):
    return {}
