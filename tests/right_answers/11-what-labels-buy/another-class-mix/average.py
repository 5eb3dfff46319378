import numpy as np


def accuracy_at(matrix, shares):
    return np.float32(np.average(matrix.diagonal() / matrix.sum(1), weights=shares))
