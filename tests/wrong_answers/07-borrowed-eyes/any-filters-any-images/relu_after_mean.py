# says: ReLU comes before the mean
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view


def pooled_features(images, filters):
    windows = sliding_window_view(images, filters.shape[1:], axis=(1, 2))
    return np.maximum(np.einsum("nhwab,fab->nfhw", windows, filters).mean(axis=(2, 3)), 0)
