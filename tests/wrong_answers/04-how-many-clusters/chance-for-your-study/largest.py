# says: take the value that 5 % of them exceed
import numpy as np
from scipy.optimize import linear_sum_assignment


def chance_level(labels, k, n_draws, seed):
    rng = np.random.default_rng(seed)
    values = []
    for _ in range(n_draws):
        table = np.zeros((k, k), int)
        np.add.at(table, (rng.integers(k, size=len(labels)), labels), 1)
        values.append(table[linear_sum_assignment(-table)].sum() / len(labels))
    return np.mean(values), np.max(values)
