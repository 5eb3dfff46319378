# says: A patient that is drawn twice counts once
import numpy as np


def interval(right, patients, n_draws, seed):
    rng = np.random.default_rng(seed)
    names = np.unique(patients)
    shares = []
    for _ in range(n_draws):
        drawn = rng.choice(names, size=len(names))
        shares.append(right[np.isin(patients, drawn)].mean())
    return np.percentile(shares, 2.5), np.percentile(shares, 97.5)
