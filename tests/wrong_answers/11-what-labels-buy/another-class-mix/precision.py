# says: which is a row
import numpy as np


def accuracy_at(matrix, shares):
    return np.average(np.diag(matrix) / matrix.sum(axis=0), weights=shares)
