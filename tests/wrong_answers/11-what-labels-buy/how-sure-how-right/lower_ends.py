# says: a bin includes its upper end
import numpy as np


def calibration_error(labels, probabilities, n_bins):
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == labels
    bins = np.floor(confidence * n_bins)
    error = 0.0
    for b in np.unique(bins):
        here = bins == b
        error += here.mean() * abs(confidence[here].mean() - right[here].mean())
    return error
