# says: it is laid on as it is
import numpy as np
from scipy.signal import convolve2d


def pooled_features(images, filters):
    return np.array([[convolve2d(i, f, "valid").clip(0).mean() for f in filters] for i in images])
