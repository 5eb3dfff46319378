# says: each bin counts by its number of images
import numpy as np


def calibration_error(labels, probabilities, n_bins):
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == labels
    bins = np.ceil(confidence * n_bins)
    gaps = [abs(confidence[bins == b].mean() - right[bins == b].mean()) for b in np.unique(bins)]
    return np.mean(gaps)
