# says: The scans were moved sideways
import numpy as np


def shift_distances(images, shifts):
    scans = images.astype(float)
    result = []
    for shift in shifts:
        moved = np.pad(scans, ((0, 0), (0, 0), (shift, 0)), mode="edge")[:, :, : scans.shape[2]]
        result.append(np.median(np.linalg.norm((moved - scans).reshape(len(scans), -1), axis=1)))
    return np.array(result)
