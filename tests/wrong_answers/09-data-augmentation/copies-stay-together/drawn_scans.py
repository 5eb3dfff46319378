# says: Scans were drawn one by one
import numpy as np


def sources(patients, copies, seed):
    numbers = np.random.default_rng(seed).permutation(len(patients))
    half = len(numbers) // 2
    return np.repeat(numbers[half:], copies + 1), numbers[:half]
