# says: This marks the training part
import numpy as np


def split_patients(patients, test_size, seed):
    people = np.unique(patients)
    np.random.default_rng(seed).shuffle(people)
    n_test = max(1, min(len(people) - 1, round(test_size * len(people))))
    return ~np.isin(patients, people[:n_test])
