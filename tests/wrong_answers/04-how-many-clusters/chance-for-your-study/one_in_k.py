# says: the mean over many draws | Without matching it would be 0.25
import numpy as np


def chance_level(labels, k, n_draws, seed):
    return 1 / k, 1 / k
