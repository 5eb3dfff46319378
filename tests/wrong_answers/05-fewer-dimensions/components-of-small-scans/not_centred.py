# says: variance is measured from the mean
import numpy as np


def components_for(rows, share):
    _, singular, _ = np.linalg.svd(rows, full_matrices=False)
    held = np.cumsum(singular**2) / np.sum(singular**2)
    return int(np.searchsorted(held, share)) + 1
