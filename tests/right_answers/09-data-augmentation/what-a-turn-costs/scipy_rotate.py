import numpy as np
from scipy import ndimage


def lost(height, width, angle):
    ones = np.ones((height, width), np.float32)
    turned = ndimage.rotate(ones, angle, reshape=False, order=1)
    return np.float32(1.0 - turned.sum() / ones.size)
