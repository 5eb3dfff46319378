# says: This is the result of a single study
import numpy as np


def best_by_chance(n_scans, n_attempts, n_repeats, seed):
    best = []
    for _ in range(n_repeats):
        rng = np.random.default_rng(seed)
        best.append((rng.random((n_attempts, n_scans)) < 0.5).mean(axis=1).max())
    return np.mean(best)
