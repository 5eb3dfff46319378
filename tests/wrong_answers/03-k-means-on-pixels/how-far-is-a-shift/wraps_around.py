# says: uint8 values wrap around below 0
import numpy as np


def shift_distances(images, shifts):
    result = []
    for shift in shifts:
        rows = np.maximum(np.arange(images.shape[1]) - shift, 0)
        difference = images[:, rows] - images
        result.append(np.median(np.sqrt((difference.astype(float) ** 2).sum(axis=(1, 2)))))
    return np.array(result)
