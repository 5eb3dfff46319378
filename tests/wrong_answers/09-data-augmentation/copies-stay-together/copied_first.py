# says: Copies were made before the split
import numpy as np


def sources(patients, copies, seed):
    rng = np.random.default_rng(seed)
    everything = rng.permutation(np.repeat(np.arange(len(patients)), copies + 1))
    half = len(everything) // 2
    return everything[half:], everything[:half]
