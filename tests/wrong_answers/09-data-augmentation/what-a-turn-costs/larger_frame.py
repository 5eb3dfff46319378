# says: The frame grew
import numpy as np
from skimage import transform


def lost(height, width, angle):
    return float(1 - transform.rotate(np.ones((height, width)), angle, resize=True).mean())
