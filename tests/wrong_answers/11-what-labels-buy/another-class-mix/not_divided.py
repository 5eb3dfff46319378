# says: divide by their sum|a number from 0 to 1
import numpy as np


def accuracy_at(matrix, shares):
    return np.diag(matrix) / matrix.sum(axis=1) @ shares
