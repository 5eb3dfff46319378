# says: Their mean is weighted by the shares
import numpy as np


def accuracy_at(matrix, shares):
    return np.trace(matrix) / matrix.sum()
