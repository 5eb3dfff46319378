# says: is one drawn twice
import numpy as np


def split_patients(patients, test_size, seed):
    people = np.unique(patients)
    n_test = min(max(1, round(test_size * len(people))), len(people) - 1)
    return np.isin(patients, np.random.default_rng(seed).choice(people, size=n_test))
