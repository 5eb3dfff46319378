import numpy as np
from sklearn.model_selection import GroupShuffleSplit


def sources(patients, copies, seed):
    n = len(np.unique(patients))
    split = GroupShuffleSplit(1, test_size=n // 2, random_state=seed)
    train, test = next(split.split(patients, groups=patients))
    made = np.concatenate([train] + [train] * copies)
    return [np.random.default_rng(seed).permutation(made).astype(float), test]
