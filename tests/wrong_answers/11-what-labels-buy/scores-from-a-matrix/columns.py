# says: The second is the mean of the precisions
import numpy as np


def scores_from_matrix(matrix):
    right, there, called = np.diag(matrix), matrix.sum(axis=1), matrix.sum(axis=0)
    share = right / np.maximum(called, 1)
    return right.sum() / matrix.sum(), np.mean(share), np.mean(2 * right / (there + called))
