# says: is too narrow
import numpy as np


def interval(right, patients, n_draws, seed):
    rng = np.random.default_rng(seed)
    scans = [np.flatnonzero(patients == p) for p in np.unique(patients)]
    shares = []
    for _ in range(n_draws):
        drawn = rng.integers(len(scans), size=len(scans))
        shares.append(right[np.concatenate([scans[i] for i in drawn])].mean())
    return np.percentile(shares, 15), np.percentile(shares, 85)
