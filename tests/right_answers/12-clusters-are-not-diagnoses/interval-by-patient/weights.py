import numpy as np


def interval(right, patients, n_draws, seed):
    rng = np.random.default_rng(seed)
    _, number = np.unique(patients, return_inverse=True)
    n = number.max() + 1
    total = np.bincount(number, minlength=n)
    hits = np.bincount(number, weights=right, minlength=n)
    weight = rng.multinomial(n, np.full(n, 1 / n), size=n_draws)
    shares = np.float32((weight @ hits) / (weight @ total))
    return np.quantile(shares, [0.025, 0.975])
