import numpy as np
from sklearn.metrics import precision_recall_fscore_support


def scores_from_matrix(matrix):
    true, called = np.indices(matrix.shape)
    weights = matrix.ravel()
    _, recall, f1, _ = precision_recall_fscore_support(
        true.ravel(), called.ravel(), sample_weight=weights, zero_division=0
    )
    accuracy = np.average((true == called).ravel(), weights=weights)
    return np.float32([accuracy, recall.mean(), f1.mean()])
