# says: Each training scan is there
import numpy as np


def sources(patients, copies, seed):
    rng = np.random.default_rng(seed)
    everyone = rng.permutation(np.unique(patients))
    in_test = np.isin(patients, everyone[: len(everyone) // 2])
    numbers = np.arange(len(patients))
    return np.repeat(numbers[~in_test], copies), numbers[in_test]
