# says: the distance has no sign|a number from 0 to 1|Each bin counts by its number of images
import numpy as np


def calibration_error(labels, probabilities, n_bins):
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == labels
    return right.mean() - confidence.mean()
