# says: This is the share that stays
import numpy as np
from scipy.ndimage import uniform_filter


def grain_share(images, rebuilt, size):
    difference = np.asarray(rebuilt, float) - images
    smooth = uniform_filter(difference, size=(1, size, size), mode="reflect")
    return np.mean(smooth**2) / np.mean(difference**2)
