# says: take the nearest `n_nearest`
import numpy as np


def oddness(rows, patients, n_nearest):
    far = []
    for row, patient in zip(rows, patients, strict=True):
        others = rows[patients != patient]
        far.append(np.linalg.norm(others - row, axis=1).mean())
    return np.array(far) / np.median(far)
