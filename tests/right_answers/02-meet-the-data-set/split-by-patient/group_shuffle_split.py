import numpy as np
from sklearn.model_selection import GroupShuffleSplit


def split_patients(patients, test_size, seed):
    n = len(np.unique(patients))
    share = min(max(round(n * test_size), 1), n - 1)
    splitter = GroupShuffleSplit(1, test_size=share, random_state=seed)
    _, test = next(splitter.split(patients, groups=patients))
    mask = np.zeros(len(patients), dtype=bool)
    mask[test] = True
    return mask
