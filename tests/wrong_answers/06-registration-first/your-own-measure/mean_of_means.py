# says: This is the mean of the columns' means
import numpy as np


def brightness_below(image, rpe, first, last):
    return np.mean([image[r + first : r + last + 1, c].mean() for c, r in enumerate(rpe)])
