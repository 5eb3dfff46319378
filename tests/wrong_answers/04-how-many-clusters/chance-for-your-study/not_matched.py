# says: match every draw anew
import numpy as np


def chance_level(labels, k, n_draws, seed):
    rng = np.random.default_rng(seed)
    values = [np.mean(rng.integers(k, size=len(labels)) == labels) for _ in range(n_draws)]
    return np.mean(values), np.percentile(values, 95)
