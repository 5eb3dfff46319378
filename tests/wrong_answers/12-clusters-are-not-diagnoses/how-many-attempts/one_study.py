# says: This is the result of a single study
import numpy as np


def best_by_chance(n_scans, n_attempts, n_repeats, seed):
    rng = np.random.default_rng(seed)
    truth = np.repeat([0, 1], n_scans // 2)
    return max(np.mean(rng.integers(2, size=n_scans) == truth) for _ in range(n_attempts))
