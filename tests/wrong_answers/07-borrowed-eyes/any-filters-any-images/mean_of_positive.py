# says: also those that are 0
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view


def pooled_features(images, filters):
    windows = sliding_window_view(images, filters.shape[1:], axis=(1, 2))
    answers = np.maximum(np.einsum("nhwab,fab->nfhw", windows, filters), 0)
    return answers.sum(axis=(2, 3)) / np.maximum((answers > 0).sum(axis=(2, 3)), 1)
