# says: comes back at the top (`np.roll` does)
import numpy as np


def shift_distances(images, shifts):
    scans = images.astype(float)
    norms = [np.sqrt(((np.roll(scans, s, axis=1) - scans) ** 2).sum(axis=(1, 2))) for s in shifts]
    return np.median(norms, axis=1)
