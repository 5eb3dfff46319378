# says: `int` drops what is behind the point
import numpy as np


def split_patients(patients, test_size, seed):
    people = np.random.RandomState(seed).permutation(np.unique(patients))
    n_test = int(test_size * len(people)) or 1
    return np.array([p in set(people[:n_test]) for p in patients])
