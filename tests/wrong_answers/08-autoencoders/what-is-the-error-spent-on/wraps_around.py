# says: below 0 it begins again at 255
import numpy as np
from scipy.ndimage import uniform_filter


def grain_share(images, rebuilt, size):
    difference = (rebuilt - images).astype(float)
    smooth = uniform_filter(difference, size=(1, size, size), mode="reflect")
    return 1 - np.mean(smooth**2) / np.mean(difference**2)
