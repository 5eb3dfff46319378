# says: Is a fixed number where `seed` should be?
import numpy as np
from scipy.optimize import linear_sum_assignment


def chance_level(labels, k, n_draws, seed):
    rng = np.random.default_rng(42)
    values = []
    for _ in range(n_draws):
        table = np.zeros((k, k), int)
        np.add.at(table, (rng.integers(k, size=len(labels)), labels), 1)
        values.append(table[linear_sum_assignment(-table)].sum() / len(labels))
    return np.mean(values), np.percentile(values, 95)
