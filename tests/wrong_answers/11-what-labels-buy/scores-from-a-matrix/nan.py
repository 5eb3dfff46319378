# says: 0 divided by 0 is NaN
import numpy as np


def scores_from_matrix(matrix):
    right = np.diag(matrix)
    recall, precision = right / matrix.sum(axis=1), right / matrix.sum(axis=0)
    f1 = 2 * precision * recall / (precision + recall)
    return right.sum() / matrix.sum(), recall.mean(), f1.mean()
