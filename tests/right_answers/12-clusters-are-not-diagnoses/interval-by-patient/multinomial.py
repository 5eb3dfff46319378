import numpy as np


def interval(right, patients, n_draws, seed):
    names, number, n = np.unique(patients, return_inverse=True, return_counts=True)
    hits = np.array([right[number == i].sum() for i in range(len(names))])
    rng = np.random.RandomState(seed)
    times = rng.multinomial(len(names), [1 / len(names)] * len(names), n_draws)
    shares = (times * hits).sum(axis=1) / (times * n).sum(axis=1)
    return float(np.quantile(shares, 0.025)), float(np.quantile(shares, 0.975))
