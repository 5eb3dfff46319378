# says: The row `last` below the RPE is missing
import numpy as np


def brightness_below(image, rpe, first, last):
    parts = [image[r + first : max(r + last, r + first + 1), c] for c, r in enumerate(rpe)]
    return np.concatenate(parts).mean()
