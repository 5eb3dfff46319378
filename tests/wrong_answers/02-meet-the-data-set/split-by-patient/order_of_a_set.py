# says: another order in every Python process
import random

import numpy as np


def split_patients(patients, test_size, seed):
    people = list(set(patients.tolist()))
    random.Random(seed).shuffle(people)
    n_test = min(max(1, round(test_size * len(people))), len(people) - 1)
    return np.isin(patients, people[:n_test])
