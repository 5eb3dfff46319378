# says: Is a fixed number where `seed` should be?
import numpy as np


def split_patients(patients, test_size, seed):
    names = np.random.default_rng(0).permutation(np.unique(patients))
    n = min(max(1, round(test_size * len(names))), len(names) - 1)
    return np.isin(patients, names[:n])
