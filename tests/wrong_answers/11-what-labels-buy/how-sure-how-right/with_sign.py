# says: has no sign
import numpy as np


def calibration_error(labels, probabilities, n_bins):
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == labels
    return right.mean() - confidence.mean()
