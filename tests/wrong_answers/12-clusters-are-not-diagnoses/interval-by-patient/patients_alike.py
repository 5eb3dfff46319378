# says: Every patient counts the same here
import numpy as np
import pandas as pd


def interval(right, patients, n_draws, seed):
    rng = np.random.default_rng(seed)
    shares = pd.Series(right).groupby(patients).mean().to_numpy()
    draws = [rng.choice(shares, len(shares)).mean() for _ in range(n_draws)]
    return np.percentile(draws, [2.5, 97.5])
