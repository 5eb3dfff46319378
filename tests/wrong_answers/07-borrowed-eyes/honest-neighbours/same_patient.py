# says: Other scans of the same patient are asked
import numpy as np


def share_right(features, labels, patients):
    distances = np.linalg.norm(features[:, None] - features[None], axis=2)
    np.fill_diagonal(distances, np.inf)
    return np.mean(labels[distances.argmin(axis=1)] == labels)
