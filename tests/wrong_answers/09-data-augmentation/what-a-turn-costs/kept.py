# says: This is the share that is kept
import numpy as np
from skimage import transform


def lost(height, width, angle):
    return float(transform.rotate(np.ones((height, width)), angle).mean())
