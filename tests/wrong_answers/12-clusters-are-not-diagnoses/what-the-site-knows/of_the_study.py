# says: not of the whole study
import numpy as np


def site_share(labels, sites):
    return np.bincount(labels).max() / len(labels)
