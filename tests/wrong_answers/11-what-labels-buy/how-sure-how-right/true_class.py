# says: The probability of the true class was taken
import numpy as np


def calibration_error(labels, probabilities, n_bins):
    confidence = probabilities[np.arange(len(labels)), labels]
    right = probabilities.argmax(axis=1) == labels
    bins = np.ceil(confidence * n_bins)
    return sum(
        np.mean(bins == b) * abs(confidence[bins == b].mean() - right[bins == b].mean())
        for b in np.unique(bins)
    )
