import numpy as np
from scipy.ndimage import uniform_filter


def grain_share(images, rebuilt, size):
    before = after = 0.0
    for image, other in zip(images, rebuilt):
        difference = image.astype(float) - other.astype(float)
        before += (difference**2).sum()
        after += (uniform_filter(difference, size, mode="reflect") ** 2).sum()
    return np.float32((before - after) / before)
