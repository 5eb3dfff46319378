# says: `n_scans` coins
import numpy as np


def best_by_chance(n_scans, n_attempts, n_repeats, seed):
    right = np.random.default_rng(seed).binomial(40, 0.5, size=(n_repeats, n_attempts))
    return right.max(axis=1).mean() / 40
