# says: divide by their sum
import numpy as np


def accuracy_at(matrix, shares):
    return np.diag(matrix) / matrix.sum(axis=1) @ shares
