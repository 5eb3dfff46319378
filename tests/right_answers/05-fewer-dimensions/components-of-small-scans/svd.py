import numpy as np


def components_for(rows, share):
    singular = np.linalg.svd(rows - rows.mean(axis=0), compute_uv=False)
    held = np.cumsum(singular**2) / np.sum(singular**2)
    for n, so_far in enumerate(held, 1):
        if so_far >= share:
            return float(n)
