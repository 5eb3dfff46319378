# says: on the mix that the matrix has
import numpy as np


def accuracy_at(matrix, shares):
    return np.trace(matrix) / matrix.sum()
