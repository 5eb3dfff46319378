# says: This is a share of equal numbers
import numpy as np


def represent(images):
    return images.reshape(len(images), -1).astype(float)


def group(rows, k, seed):
    return np.zeros(len(rows), int)


def judge(clusters, labels, patients, seed):
    rng = np.random.default_rng(seed)
    right = clusters == labels
    draws = [right[rng.integers(len(right), size=len(right))].mean() for _ in range(300)]
    low, high = np.percentile(draws, [2.5, 97.5])
    return {"ari": np.mean(right), "low": low, "high": high, "chance": 0.0}
