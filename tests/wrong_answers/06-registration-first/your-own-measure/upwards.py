# says: This band lies above the RPE
import numpy as np


def brightness_below(image, rpe, first, last):
    height = rpe - np.arange(image.shape[0])[:, None]
    return image[np.logical_and(height >= first, height <= last)].mean()
