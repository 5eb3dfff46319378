# says: sums of absolute differences
import numpy as np


def share_right(features, labels, patients):
    distances = np.abs(features[:, None] - features[None]).sum(axis=2)
    distances[patients[:, None] == patients[None]] = np.inf
    return np.mean(labels[distances.argmin(axis=1)] == labels)
