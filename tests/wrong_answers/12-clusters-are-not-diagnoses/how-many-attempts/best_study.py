# says: The best was taken over all studies
import numpy as np


def best_by_chance(n_scans, n_attempts, n_repeats, seed):
    right = np.random.default_rng(seed).binomial(n_scans, 0.5, size=(n_repeats, n_attempts))
    return right.max() / n_scans
