# says: starts again at 0 after 255
import numpy as np


def brightness_below(image, rpe, first, last):
    total, n = np.uint8(0), 0
    with np.errstate(over="ignore"):
        for column, line in enumerate(rpe):
            for row in range(line + first, min(line + last + 1, image.shape[0])):
                total, n = total + image[row, column], n + 1
    return total / n
