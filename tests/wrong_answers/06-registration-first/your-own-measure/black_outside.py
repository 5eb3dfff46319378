# says: Pixels outside of the picture count as black
import numpy as np


def brightness_below(image, rpe, first, last):
    tall = np.pad(image, ((0, last + len(image)), (0, 0)))
    rows = np.asarray(rpe) + np.arange(first, last + 1)[:, None]
    return tall[rows, np.arange(image.shape[1])].mean()
