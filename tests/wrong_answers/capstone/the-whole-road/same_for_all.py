# says: gives all scans the same row
import numpy as np


def represent(images):
    return np.ones((len(images), 3))


def group(rows, k, seed):
    return np.zeros(len(rows), int)


def judge(clusters, labels, patients, seed):
    return {}
