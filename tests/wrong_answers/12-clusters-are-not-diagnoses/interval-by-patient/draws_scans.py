# says: Scans were drawn
import numpy as np


def interval(right, patients, n_draws, seed):
    rng = np.random.default_rng(seed)
    shares = [right[rng.integers(len(right), size=len(right))].mean() for _ in range(n_draws)]
    return np.percentile(shares, 2.5), np.percentile(shares, 97.5)
