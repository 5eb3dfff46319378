# says: Scans of the same patient were counted
import numpy as np


def oddness(rows, patients, n_nearest):
    distances = np.linalg.norm(rows[:, None] - rows[None], axis=2)
    np.fill_diagonal(distances, np.inf)
    far = np.sort(distances, axis=1)[:, :n_nearest].mean(axis=1)
    return far / np.median(far)
