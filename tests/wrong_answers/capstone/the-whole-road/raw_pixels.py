# says: Does every scan have its *own* shift?
import numpy as np


def represent(images):
    return images.reshape(len(images), -1).astype(float)


def group(rows, k, seed):
    return np.zeros(len(rows), int)


def judge(clusters, labels, patients, seed):
    return {}
