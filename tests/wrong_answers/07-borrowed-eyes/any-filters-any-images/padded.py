# says: Places beyond the edge count here
import numpy as np
from scipy.signal import correlate2d


def pooled_features(images, filters):
    return np.array([[correlate2d(i, f, "same").clip(0).mean() for f in filters] for i in images])
