# says: This is 1 / k
import numpy as np


def chance_level(labels, k, n_draws, seed):
    return 1 / k, 1 / k
