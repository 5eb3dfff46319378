# says: gives a small site too much
import numpy as np


def site_share(labels, sites):
    shares = [np.bincount(labels[sites == s]).max() / np.sum(sites == s) for s in np.unique(sites)]
    return np.mean(shares)
