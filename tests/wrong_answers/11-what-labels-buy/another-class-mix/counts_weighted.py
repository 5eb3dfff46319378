# says: only the recalls matter
import numpy as np


def accuracy_at(matrix, shares):
    return np.diag(matrix) @ shares / (matrix.sum(axis=1) @ shares)
