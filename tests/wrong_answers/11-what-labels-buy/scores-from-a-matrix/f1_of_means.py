# says: F1 of mean precision and mean recall
import numpy as np


def scores_from_matrix(matrix):
    right = np.diag(matrix)
    recall = np.mean(right / matrix.sum(axis=1))
    precision = np.mean(right / np.maximum(matrix.sum(axis=0), 1))
    return right.sum() / matrix.sum(), recall, 2 * precision * recall / (precision + recall)
