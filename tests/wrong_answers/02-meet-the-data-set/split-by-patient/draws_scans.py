# says: Scans were drawn instead of patients
import numpy as np


def split_patients(patients, test_size, seed):
    rng = np.random.default_rng(seed)
    return rng.random(len(patients)) < test_size
