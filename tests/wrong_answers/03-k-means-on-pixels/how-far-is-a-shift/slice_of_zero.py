# says: A shift of 0 must give 0
import numpy as np


def shift_distances(images, shifts):
    scans, result = images.astype(float), []
    for s in shifts:
        moved = scans.copy()
        moved[:, max(s, 1) :] = scans[:, : -max(s, 1)]
        moved[:, : max(s, 1)] = scans[:, :1]
        result.append(np.median(np.sqrt(((moved - scans) ** 2).sum(axis=(1, 2)))))
    return np.array(result)
