# says: Scans were drawn for the interval
import numpy as np
from sklearn.metrics import adjusted_rand_score


def represent(images):
    return images.reshape(len(images), -1).astype(float)


def group(rows, k, seed):
    return np.zeros(len(rows), int)


def judge(clusters, labels, patients, seed):
    rng = np.random.default_rng(seed)
    draws, chance = [], []
    for _ in range(300):
        i = rng.integers(len(labels), size=len(labels))
        draws.append(adjusted_rand_score(labels[i], clusters[i]))
        chance.append(adjusted_rand_score(labels, rng.permutation(clusters)))
    low, high = np.percentile(draws, [2.5, 97.5])
    ari = adjusted_rand_score(labels, clusters)
    return {"ari": ari, "low": low, "high": high, "chance": np.percentile(chance, 95)}
