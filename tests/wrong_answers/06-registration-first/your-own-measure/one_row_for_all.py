# says: the RPE of its own column
import numpy as np


def brightness_below(image, rpe, first, last):
    row = int(np.median(rpe))
    return image[row + first : row + last + 1].mean()
