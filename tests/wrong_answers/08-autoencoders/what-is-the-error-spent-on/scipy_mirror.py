# says: without repeating the edge pixel
import numpy as np
from scipy.ndimage import uniform_filter


def grain_share(images, rebuilt, size):
    difference = rebuilt.astype(float) - images.astype(float)
    smooth = uniform_filter(difference, size=(1, size, size), mode="mirror")
    return 1 - np.sum(smooth**2) / np.sum(difference**2)
