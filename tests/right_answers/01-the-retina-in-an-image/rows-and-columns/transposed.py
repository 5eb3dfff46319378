import numpy as np


def width_and_height(scan):
    return np.float32(scan.T.shape[0]), np.int64(scan.T.shape[1])


def value_at(scan, right, down):
    return float(scan.T[right][down])
