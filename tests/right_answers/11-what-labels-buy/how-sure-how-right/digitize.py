import numpy as np


def calibration_error(labels, probabilities, n_bins):
    p = np.float64(probabilities)
    sure, right = p.max(1), (p.argmax(1) == labels).astype(float)
    place = np.digitize(sure, np.linspace(0, 1, n_bins + 1), right=True)
    gap = np.bincount(place, weights=sure - right)
    return np.float32(np.abs(gap).sum() / len(labels))
