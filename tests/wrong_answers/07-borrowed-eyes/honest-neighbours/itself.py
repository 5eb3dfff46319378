# says: as if it asked itself
import numpy as np


def share_right(features, labels, patients):
    distances = np.linalg.norm(features[:, None] - features[None], axis=2)
    return np.mean(labels[distances.argmin(axis=1)] == labels)
