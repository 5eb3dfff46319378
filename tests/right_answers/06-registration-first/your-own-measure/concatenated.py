import numpy as np


def brightness_below(image, rpe, first, last):
    parts = [np.float32(image[r + first : r + last + 1, c]) for c, r in enumerate(rpe)]
    return np.concatenate(parts).mean()
