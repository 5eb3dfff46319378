import numpy as np
from scipy.ndimage import correlate1d


def grain_share(images, rebuilt, size):
    difference = np.subtract(rebuilt, images, dtype=np.float64)
    weights = np.full(size, 1 / size)
    smooth = correlate1d(correlate1d(difference, weights, axis=1), weights, axis=2)
    return 1 - (smooth**2).mean() / (difference**2).mean()
