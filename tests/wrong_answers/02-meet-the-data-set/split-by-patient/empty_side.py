# says: A side is empty
import numpy as np


def split_patients(patients, test_size, seed):
    names = np.random.default_rng(seed).permutation(np.unique(patients))
    return np.isin(patients, names[: round(test_size * len(names))])
